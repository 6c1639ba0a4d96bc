// Who owns what: owner, group and mode by path, beside a mount. What it does not know belongs to the operator, and nobody else may; in a
// read-only mount, whose files have no owners of their own, it is the root's, to be read by whom the root says.
//
// A log of lines, each with its own check: a line is added before what it speaks of becomes visible, so no file is ever there with the
// wrong owner; a death in between leaves a line about nothing. The last line of a path counts; a torn line is no line. At the start,
// and when it has grown, the log is written afresh under another name, which then takes the place. Without a folder it lives in memory.
//
//   <check, 8 hex digits> <JSON: [path, owner, group or null, mode] or [path]>

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { OPERATOR } from '../../protocol/principal.ts';
import type { Place } from './confined.ts';
import { formatPath, type Names } from './path.ts';
import type { Holder } from './permissions.ts';

const LOG = 'owners';
const { O_APPEND, O_CREAT, O_TRUNC, O_WRONLY } = constants;
/** The log is written afresh when it has so many lines more than four for each path. */
const SPARE_LINES = 10_000;
/** Paths that are looked for at once. */
const AT_ONCE = 64;

/** What is not in the index. */
const UNKNOWN_FILE: Holder = { owner: OPERATOR, group: undefined, mode: 0o600 };
const UNKNOWN_FOLDER: Holder = { owner: OPERATOR, group: undefined, mode: 0o700 };

export class AccessIndex {
  readonly #root: Holder;
  readonly #holders = new Map<string, Holder>();
  /** Of each folder: how many paths are known below it. */
  readonly #inside = new Map<string, number>();
  #folder: Place | undefined;
  #log: FileHandle | undefined;
  #lines = 0;
  /** A write failed half way: the next one begins on a line of its own. */
  #torn = false;
  #last: Promise<void> = Promise.resolve();

  readonly #unknownFile: Holder;
  readonly #unknownFolder: Holder;

  /** @param root of the mount's root. */
  constructor(root: Holder, isReadOnly = false) {
    this.#root = root;
    this.#unknownFile = isReadOnly ? { ...root, mode: root.mode & 0o444 } : UNKNOWN_FILE;
    this.#unknownFolder = isReadOnly ? { ...root, mode: root.mode & 0o555 } : UNKNOWN_FOLDER;
  }

  /**
   * Reads the log in `folder`, which is the index's from here on. What it says of paths that are not there is forgotten.
   * @returns how many lines were no lines.
   */
  async load(folder: Place, isThere: (path: Names) => Promise<boolean>): Promise<number> {
    const text = await readFile(folder.at(LOG), 'utf8').catch((error: { code?: unknown }) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    let torn = 0;
    for (const line of text.split('\n')) if (line !== '' && !this.#take(line)) torn += 1;
    const paths = [...this.#holders.keys()];
    for (let at = 0; at < paths.length; at += AT_ONCE) {
      const some = paths.slice(at, at + AT_ONCE);
      const there = await Promise.all(some.map((path) => isThere(path.slice(1).split('/'))));
      for (const [index, path] of some.entries()) if (there[index] === false) this.#forget(path);
    }
    this.#folder = folder;
    await this.#rewrite(folder);
    return torn;
  }

  get(names: Names, isFolder: boolean): Holder {
    if (names.length === 0) return this.#root;
    return this.#holders.get(formatPath(names)) ?? (isFolder ? this.#unknownFolder : this.#unknownFile);
  }

  /** Resolves when it is on the disk. */
  async set(names: Names, holder: Holder): Promise<void> {
    const path = formatPath(names);
    await this.#write([lineOf(path, holder)]);
    this.#know(path, holder);
  }

  /** Forgets a path and all below it. */
  async remove(names: Names): Promise<void> {
    const paths = this.#below(names);
    await this.#write(paths.map((path) => lineOf(path, undefined)));
    for (const path of paths) this.#forget(path);
  }

  /** What is said of `from` and below is said of `to` as well; the old places are forgotten by `remove`, once it has moved. With `as` all of it is said to be that. */
  async copy(from: Names, to: Names, as?: Holder): Promise<void> {
    const [source, target] = [formatPath(from), formatPath(to)];
    const copied = this.#below(from).map(
      (path) => [target + path.slice(source.length), as ?? (this.#holders.get(path) as Holder)] as const,
    );
    await this.#write(copied.map(([path, holder]) => lineOf(path, holder)));
    for (const [path, holder] of copied) this.#know(path, holder);
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {});
    await this.#log?.close();
    await this.#folder?.close();
    this.#log = undefined;
    this.#folder = undefined;
  }

  #below(names: Names): string[] {
    const path = formatPath(names);
    const own = this.#holders.has(path) ? [path] : [];
    if (!this.#inside.has(path)) return own; // the usual case: all paths are looked through for folders alone
    const prefix = `${path}/`;
    return [...own, ...[...this.#holders.keys()].filter((known) => known.startsWith(prefix))];
  }

  #know(path: string, holder: Holder): void {
    if (!this.#holders.has(path)) this.#countInside(path, 1);
    this.#holders.set(path, holder);
  }

  #forget(path: string): void {
    if (this.#holders.delete(path)) this.#countInside(path, -1);
  }

  #countInside(path: string, change: number): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end);
      const count = (this.#inside.get(folder) ?? 0) + change;
      if (count === 0) this.#inside.delete(folder);
      else this.#inside.set(folder, count);
    }
  }

  /** One write after the other. */
  #write(lines: readonly string[]): Promise<void> {
    if (this.#folder === undefined || lines.length === 0) return Promise.resolve();
    this.#last = this.#last.catch(() => {}).then(() => this.#append(lines));
    return this.#last;
  }

  async #append(lines: readonly string[]): Promise<void> {
    const folder = this.#folder;
    if (folder === undefined) return;
    if (this.#lines > SPARE_LINES + 4 * this.#holders.size) await this.#rewrite(folder);
    const text = (this.#torn ? '\n' : '') + lines.join('');
    this.#torn = true;
    await this.#log?.appendFile(text);
    this.#torn = false;
    await this.#log?.datasync();
    this.#lines += lines.length;
  }

  async #rewrite(folder: Place): Promise<void> {
    const fresh = await open(folder.at(`${LOG}.new`), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600);
    await fresh.appendFile([...this.#holders].map(([path, holder]) => lineOf(path, holder)).join(''));
    await fresh.sync();
    await rename(folder.at(`${LOG}.new`), folder.at(LOG));
    await folder.handle.sync();
    await this.#log?.close();
    this.#log = fresh;
    this.#lines = this.#holders.size;
  }

  #take(line: string): boolean {
    const json = line.slice(9);
    if (line.slice(0, 8) !== checkOf(json)) return false;
    const [path, owner, group, mode] = JSON.parse(json) as [string, string?, (string | null)?, number?];
    if (owner === undefined || mode === undefined) this.#forget(path);
    else this.#know(path, { owner, group: group ?? undefined, mode });
    return true;
  }
}

function lineOf(path: string, holder: Holder | undefined): string {
  const json = JSON.stringify(holder === undefined ? [path] : [path, holder.owner, holder.group ?? null, holder.mode]);
  return `${checkOf(json)} ${json}\n`;
}

function checkOf(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, 8);
}
