// A directory of the host as a mount. Nothing leads out of it (confined.ts); a write goes to a name of its own and then takes the place.
//
// The folder `.skerry` at its top is the server's: unfinished writes, and the index of owners. Nobody sees it through the tree.

import { randomBytes } from 'node:crypto';
import { constants, watch as watchHost } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { ConfinedDirectory, type Place } from './confined.ts';
import { FileError } from './errors.ts';
import type { FileChange, FileEntry, FileType } from './files-api.ts';
import type { Mount, OpenFile, RawStat } from './mount.ts';
import type { Names } from './path.ts';

export const OWN_FOLDER = '.skerry';
const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants;
/** What another program of the host may do with what is created here. */
const HOST_FILE_MODE = 0o600;
const HOST_FOLDER_MODE = 0o700;

export class HostMount implements Mount {
  readonly isReadOnly: boolean;
  readonly #directory: ConfinedDirectory;

  private constructor(directory: ConfinedDirectory, isReadOnly: boolean) {
    this.#directory = directory;
    this.isReadOnly = isReadOnly;
  }

  /** @throws Error ENOENT, ENOTDIR */
  static async open(path: string, isReadOnly: boolean): Promise<HostMount> {
    const directory = await ConfinedDirectory.open(path);
    if (!isReadOnly) {
      await directory.within([], async (root) => {
        await mkdir(root.at(OWN_FOLDER), { mode: HOST_FOLDER_MODE }).catch(ignore('EEXIST'));
        const own = await root.enter(OWN_FOLDER);
        for (const name of await readdir(own.self)) if (name.startsWith('write-')) await unlink(own.at(name)); // of one who died
        await own.close();
      });
    }
    return new HostMount(directory, isReadOnly);
  }

  async stat(at: Names): Promise<RawStat> {
    hide(at);
    const stat = await this.#directory.stat(at);
    const type = typeOf(stat);
    return { type, size: type === 'file' ? Number(stat.size) : 0, modifiedMs: Number(stat.mtimeMs) };
  }

  async has(at: Names): Promise<boolean> {
    try {
      await this.stat(at);
      return true;
    } catch (error) {
      const { code } = error as { code?: unknown };
      return code !== 'ENOENT' && code !== 'ENOTDIR';
    }
  }

  async list(at: Names): Promise<FileEntry[]> {
    hide(at);
    const entries = await this.#directory.within(at, (place) => readdir(place.self, { withFileTypes: true }));
    return entries
      .filter(({ name }) => at.length > 0 || name !== OWN_FOLDER)
      .map((entry) => ({ name: entry.name, type: typeOf(entry) }));
  }

  async open(at: Names): Promise<OpenFile> {
    hide(at);
    const { handle, size } = await this.#directory.openFile(at, O_RDONLY);
    return {
      size,
      async read(position, length) {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await handle.read(bytes, 0, length, position);
        return bytesRead === length ? bytes : bytes.slice(0, bytesRead);
      },
      close: () => handle.close(),
    };
  }

  async write(at: Names, content: Uint8Array, isNew: boolean): Promise<void> {
    hide(at);
    await this.#directory.above(at, async (place, name) => {
      await this.#directory.within([OWN_FOLDER], async (own) => {
        const unfinished = own.at(`write-${randomBytes(8).toString('hex')}`);
        const handle = await open(unfinished, O_WRONLY | O_CREAT | O_EXCL, HOST_FILE_MODE);
        try {
          await writeAll(handle, content);
          await handle.datasync();
          await handle.close();
          if (isNew)
            await link(unfinished, place.at(name)); // fails with EEXIST, where a rename would replace
          else await rename(unfinished, place.at(name));
        } finally {
          await handle.close().catch(() => {});
          await unlink(unfinished).catch(ignore('ENOENT'));
        }
      });
      await place.handle.sync();
    });
  }

  async append(at: Names, content: Uint8Array): Promise<void> {
    hide(at);
    const { handle, size } = await this.#directory.openFile(at, O_WRONLY | O_APPEND);
    const written = { bytes: 0 };
    try {
      await writeAll(handle, content, written);
      await handle.datasync();
    } catch (error) {
      await takeBack(handle, size, written.bytes).catch(() => {}); // what is told is why
      throw error;
    } finally {
      await handle.close();
    }
  }

  async mkdir(at: Names): Promise<void> {
    hide(at);
    await this.#directory.above(at, (place, name) => mkdir(place.at(name), { mode: HOST_FOLDER_MODE }));
  }

  async rename(from: Names, to: Names): Promise<void> {
    hide(from);
    hide(to);
    await this.#directory.above(from, (source, oldName) =>
      this.#directory.above(to, (target, newName) => rename(source.at(oldName), target.at(newName))),
    );
  }

  async remove(at: Names): Promise<void> {
    hide(at);
    await this.#directory.above(at, async (place, name) => {
      await unlink(place.at(name)).catch((error) => {
        if (error.code !== 'EISDIR' && error.code !== 'EPERM') throw error;
        return rmdir(place.at(name));
      });
    });
  }

  async watch(at: Names, signal: AbortSignal, hear: (change: FileChange) => void, onEnd: () => void): Promise<void> {
    hide(at);
    const { type } = await this.stat(at);
    const isFolder = type === 'directory';
    const name = isFolder ? undefined : at.at(-1);
    await this.#directory.within(isFolder ? at : at.slice(0, -1), async (place) => {
      const watcher = watchHost(place.self, { signal, persistent: false });
      watcher.on('error', onEnd).on('close', onEnd);
      const self = basename(place.self);
      watcher.on('change', (event, changed) => {
        const path = String(changed ?? '');
        // The directory itself went elsewhere, told by the name under which it was watched; or an entry of that name came or went.
        if (isFolder && event === 'rename' && path === self) {
          void this.stat(at).catch(() => watcher.close());
          return;
        }
        if (path === OWN_FOLDER || (name !== undefined && path !== name)) return;
        hear({ path: name === undefined ? path : '', what: event === 'change' ? 'change' : 'rename' });
      });
    });
  }

  async close(): Promise<void> {
    await this.#directory.close();
  }

  /** The server's own folder, for the index of owners. Close it. */
  async ownFolder(): Promise<Place> {
    return this.#directory.within([], (root) => root.enter(OWN_FOLDER));
  }
}

function hide(at: Names): void {
  if (at[0] === OWN_FOLDER) throw new FileError('ENOENT', 'find', OWN_FOLDER);
}

/** @param written is kept up to date, so that it is known after a failure. */
async function writeAll(handle: FileHandle, content: Uint8Array, written = { bytes: 0 }): Promise<void> {
  while (written.bytes < content.length) written.bytes += (await handle.write(content, written.bytes)).bytesWritten;
}

/** Of an append that failed; unless another program has changed the file meanwhile: then nobody knows what is whose. */
async function takeBack(handle: FileHandle, size: number, written: number): Promise<void> {
  if (written > 0 && (await handle.stat()).size === size + written) await handle.truncate(size);
}

function typeOf(entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): FileType {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

function ignore(code: string): (error: { code?: unknown }) => void {
  return (error) => {
    if (error.code !== code) throw error;
  };
}
