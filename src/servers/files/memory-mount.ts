// A mount in this server's memory: lost when it restarts. Also the read-only bundle: the same, filled at the start.

import { FileError } from './errors.ts';
import type { FileChange, FileEntry } from './files-api.ts';
import type { Mount, OpenFile, RawStat } from './mount.ts';
import type { Names } from './path.ts';

interface File {
  readonly content: Uint8Array;
  readonly modifiedMs: number;
}
interface Folder {
  readonly entries: Map<string, Node>;
  modifiedMs: number;
}
type Node = File | Folder;
/** What a node takes beside its content. */
const NODE_BYTES = 256;

type Hear = (change: FileChange) => void;

export class MemoryMount implements Mount {
  readonly isReadOnly: boolean;
  readonly #root: Folder = newFolder();
  readonly #bytesMax: number;
  readonly #watchers = new Map<Hear, Names>();
  #bytes = 0;

  /** @param bytesMax all contents together, and NODE_BYTES for each file and directory; beyond it ENOSPC. */
  constructor(bytesMax: number, isReadOnly = false) {
    this.#bytesMax = bytesMax;
    this.isReadOnly = isReadOnly;
  }

  /** A read-only mount of these files, with their folders. */
  static bundle(files: Iterable<readonly [Names, Uint8Array]>): MemoryMount {
    const mount = new MemoryMount(Number.POSITIVE_INFINITY, true);
    for (const [names, content] of files) {
      let folder = mount.#root;
      for (const name of names.slice(0, -1)) {
        const next = folder.entries.get(name) ?? newFolder();
        if (!isFolder(next)) throw new FileError('ENOTDIR', 'mount', `/${names.join('/')}`);
        folder.entries.set(name, next);
        folder = next;
      }
      folder.entries.set(names.at(-1) ?? '', { content, modifiedMs: Date.now() });
    }
    return mount;
  }

  async stat(at: Names): Promise<RawStat> {
    const node = this.#find(at);
    if (isFolder(node)) return { type: 'directory', size: 0, modifiedMs: node.modifiedMs };
    return { type: 'file', size: node.content.length, modifiedMs: node.modifiedMs };
  }

  async list(at: Names): Promise<FileEntry[]> {
    const node = this.#find(at);
    if (!isFolder(node)) throw new FileError('ENOTDIR', 'list', '');
    return [...node.entries].map(([name, entry]) => ({ name, type: isFolder(entry) ? 'directory' : 'file' }));
  }

  async open(at: Names): Promise<OpenFile> {
    const { content } = this.#file(at);
    return {
      size: content.length,
      read: async (position, length) => content.slice(position, position + length),
      close: async () => {},
    };
  }

  async write(at: Names, content: Uint8Array, isNew: boolean): Promise<void> {
    const [folder, name] = this.#above(at);
    const before = folder.entries.get(name);
    if (before !== undefined && isNew) throw new FileError('EEXIST', 'write', '');
    if (before !== undefined && isFolder(before)) throw new FileError('EISDIR', 'write', '');
    this.#count(content.length - (before?.content.length ?? -NODE_BYTES));
    this.#put(folder, at, { content: content.slice(), modifiedMs: Date.now() }, before === undefined ? 'rename' : 'change');
  }

  async append(at: Names, content: Uint8Array): Promise<void> {
    const before = this.#file(at);
    this.#count(content.length);
    const all = new Uint8Array(before.content.length + content.length);
    all.set(before.content);
    all.set(content, before.content.length);
    this.#put(this.#above(at)[0], at, { content: all, modifiedMs: Date.now() }, 'change');
  }

  async mkdir(at: Names): Promise<void> {
    const [folder, name] = this.#above(at);
    if (folder.entries.has(name)) throw new FileError('EEXIST', 'mkdir', '');
    this.#count(NODE_BYTES);
    this.#put(folder, at, newFolder(), 'rename');
  }

  async rename(from: Names, to: Names): Promise<void> {
    const [source, oldName] = this.#above(from);
    const node = source.entries.get(oldName);
    if (node === undefined) throw new FileError('ENOENT', 'rename', '');
    const [target, newName] = this.#above(to);
    if (isFolder(node) && from.length <= to.length && from.every((name, index) => to[index] === name)) {
      if (from.length === to.length) return;
      throw new FileError('EINVAL', 'rename', '', 'a directory cannot go into itself');
    }
    const before = target.entries.get(newName);
    if (before === node) return;
    if (before !== undefined && isFolder(before) !== isFolder(node))
      throw new FileError(isFolder(before) ? 'EISDIR' : 'ENOTDIR', 'rename', '');
    if (before !== undefined && isFolder(before) && before.entries.size > 0) throw new FileError('ENOTEMPTY', 'rename', '');
    if (before !== undefined) this.#bytes -= sizeOf(before);
    source.entries.delete(oldName);
    source.modifiedMs = Date.now();
    this.#tell(from, 'rename');
    this.#put(target, to, node, 'rename');
  }

  async remove(at: Names): Promise<void> {
    const [folder, name] = this.#above(at);
    const node = folder.entries.get(name);
    if (node === undefined) throw new FileError('ENOENT', 'remove', '');
    if (isFolder(node) && node.entries.size > 0) throw new FileError('ENOTEMPTY', 'remove', '');
    this.#bytes -= sizeOf(node);
    folder.entries.delete(name);
    folder.modifiedMs = Date.now();
    this.#tell(at, 'rename');
  }

  async watch(at: Names, signal: AbortSignal, hear: Hear): Promise<void> {
    this.#find(at);
    if (signal.aborted) return;
    this.#watchers.set(hear, at);
    signal.addEventListener('abort', () => this.#watchers.delete(hear), { once: true });
  }

  async close(): Promise<void> {}

  #find(at: Names): Node {
    let node: Node = this.#root;
    for (const name of at) {
      if (!isFolder(node)) throw new FileError('ENOTDIR', 'find', '');
      const next = node.entries.get(name);
      if (next === undefined) throw new FileError('ENOENT', 'find', '');
      node = next;
    }
    return node;
  }

  #file(at: Names): File {
    const node = this.#find(at);
    if (isFolder(node)) throw new FileError('EISDIR', 'open', '');
    return node;
  }

  #above(at: Names): [Folder, string] {
    const name = at.at(-1);
    if (name === undefined) throw new FileError('EPERM', 'change', '/', 'the root of a mount stays where it is');
    const folder = this.#find(at.slice(0, -1));
    if (!isFolder(folder)) throw new FileError('ENOTDIR', 'find', '');
    return [folder, name];
  }

  #put(folder: Folder, at: Names, node: Node, what: FileChange['what']): void {
    folder.entries.set(at.at(-1) as string, node);
    if (what === 'rename') folder.modifiedMs = Date.now();
    this.#tell(at, what);
  }

  #count(more: number): void {
    if (this.#bytes + more > this.#bytesMax)
      throw new FileError('ENOSPC', 'write', '', `the mount holds ${this.#bytesMax} bytes at most`);
    this.#bytes += more;
  }

  #tell(at: Names, what: FileChange['what']): void {
    for (const [hear, watched] of this.#watchers) {
      if (!watched.every((name, index) => at[index] === name)) continue;
      if (at.length === watched.length) hear({ path: '', what });
      else if (at.length === watched.length + 1) hear({ path: at.at(-1) as string, what });
    }
  }
}

function sizeOf(node: Node): number {
  return NODE_BYTES + (isFolder(node) ? 0 : node.content.length);
}

function newFolder(): Folder {
  return { entries: new Map(), modifiedMs: Date.now() };
}

function isFolder(node: Node): node is Folder {
  return 'entries' in node;
}
