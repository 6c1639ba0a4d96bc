// A host directory from which nothing leads out: names are walked one at a time, each relative to the open directory above it.
//
// No path of more than one name is ever given to the operating system, and no symbolic link is followed, so that nothing that others do
// to the tree meanwhile (swap a directory for a link, move one out) can lead elsewhere. Node has no `openat`; on Linux
// `/proc/self/fd/<n>/<name>` is the same thing. Elsewhere the parent is checked after the fact (realpath), and a race remains: said in
// README.md.

import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError } from './errors.ts';
import type { Names } from './path.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_NONBLOCK } = constants;
const IS_LINUX = process.platform === 'linux';

/** An open directory, and names in it. Close it. */
export class Place {
  readonly handle: FileHandle;
  readonly #real: string;

  private constructor(handle: FileHandle, real: string) {
    this.handle = handle;
    this.#real = real;
  }

  static async root(path: string): Promise<Place> {
    const real = await realpath(path);
    return new Place(await open(real, O_RDONLY | O_DIRECTORY), real);
  }

  /** What the operating system finds `name` of this directory by; valid while this place is open. Only for one name. */
  at(name: string): string {
    return IS_LINUX ? `/proc/self/fd/${this.handle.fd}/${name}` : join(this.#real, name);
  }

  /** The directory itself. */
  get self(): string {
    return IS_LINUX ? `/proc/self/fd/${this.handle.fd}` : this.#real;
  }

  async enter(name: string): Promise<Place> {
    const handle = await open(this.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch((error) => {
      throw notADirectory(error);
    });
    const place = new Place(handle, join(this.#real, name));
    if (!IS_LINUX && (await realpath(place.#real)) !== place.#real) {
      await handle.close();
      throw new FileError('ELOOP', 'enter', name);
    }
    return place;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

export class ConfinedDirectory {
  readonly #root: Place;

  private constructor(root: Place) {
    this.#root = root;
  }

  static async open(path: string): Promise<ConfinedDirectory> {
    return new ConfinedDirectory(await Place.root(path));
  }

  /** Runs `use` with the directory that `names` lead to. */
  async within<T>(names: Names, use: (place: Place) => Promise<T>): Promise<T> {
    let place = this.#root;
    try {
      for (const name of names) {
        const next = await place.enter(name);
        if (place !== this.#root) await place.close();
        place = next;
      }
      return await use(place);
    } finally {
      if (place !== this.#root) await place.close();
    }
  }

  /** Runs `use` with the directory above, and the last name. */
  async above<T>(names: Names, use: (place: Place, name: string) => Promise<T>): Promise<T> {
    const name = names.at(-1);
    if (name === undefined) throw new FileError('EPERM', 'change', '/', 'the root of a mount stays where it is');
    return this.within(names.slice(0, -1), (place) => use(place, name));
  }

  /** Opens what is no link and no directory. A device or pipe is not waited for, and refused. */
  async openFile(names: Names, flags: number): Promise<{ readonly handle: FileHandle; readonly size: number }> {
    if (names.length === 0) throw new FileError('EISDIR', 'open', '/');
    return this.above(names, async (place, name) => {
      const handle = await open(place.at(name), flags | O_NOFOLLOW | O_NONBLOCK);
      const stat = await handle.stat();
      if (stat.isFile()) return { handle, size: stat.size };
      await handle.close();
      throw new FileError(
        stat.isDirectory() ? 'EISDIR' : 'EPERM',
        'open',
        name,
        stat.isDirectory() ? undefined : 'no regular file',
      );
    });
  }

  stat(names: Names): ReturnType<typeof lstat> {
    if (names.length === 0) return this.#root.handle.stat();
    return this.above(names, (place, name) => lstat(place.at(name)));
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}

/** A link where a directory is expected: the operating system says ENOTDIR or ELOOP, by its version. */
function notADirectory(error: unknown): unknown {
  return (error as { code?: string }).code === 'ELOOP' ? new FileError('ENOTDIR', 'enter', '') : error;
}
