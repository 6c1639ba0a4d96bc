// Files that change in content: editors write a file several times, replace it, or touch it. Folders are watched, not files, since a
// replaced file is another one; what counts is another content, some time after the last event.

import { createHash } from 'node:crypto';
import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';

const QUIET_MS = 80;
const LOOK_MS = 250;
/** The clock of files goes in steps. */
const FILE_CLOCK_MS = 10;

export class FileWatch {
  /** Told of all that changed in a burst, with those whom each file belongs to. */
  onChange: (changed: ReadonlyMap<string, readonly string[]>) => void = () => {};
  readonly #owners = new Map<string, Set<string>>();
  readonly #contents = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher>();
  readonly #touched = new Set<string>();
  readonly #sinceMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param sinceMs a file that was written later than this (ms since 1970), and is watched only now, has changed. */
  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
  }

  /** Adds to what is watched. @param files paths and whom they belong to. */
  watch(files: Iterable<readonly [file: string, owner: string]>): void {
    for (const [file, owner] of files) {
      const owners = this.#owners.get(file);
      if (owners !== undefined) {
        owners.add(owner);
        continue;
      }
      this.#owners.set(file, new Set([owner]));
      this.#contents.set(file, digest(file));
      if (isWrittenAfter(file, this.#sinceMs)) this.#touch(file, true);
      this.#watchFolder(dirname(file));
    }
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name !== null && this.#owners.has(join(folder, name))) this.#touch(join(folder, name));
      });
      watcher.on('error', () => this.#folders.delete(folder)); // the folder is gone
      this.#folders.set(folder, watcher);
    } catch {
      // It is gone, or there are no more watches: its files are not watched.
    }
  }

  #touch(file: string, isNew = false): void {
    if (isNew) this.#contents.set(file, 'not known');
    this.#touched.add(file);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), QUIET_MS);
  }

  #look(): void {
    const changed = new Map<string, readonly string[]>();
    for (const file of this.#touched) {
      const now = digest(file);
      if (now === this.#contents.get(file) || now === '') continue; // a file that is gone will be written again
      this.#contents.set(file, now);
      changed.set(file, [...(this.#owners.get(file) ?? [])]);
    }
    this.#touched.clear();
    if (changed.size > 0) this.onChange(changed);
  }
}

/**
 * Resolves when a file of that folder, or below it, has been written later than `sinceMs` (ms since 1970). Looks again and again: nobody
 * knows which files matter to what could not be loaded. Packages and hidden folders are left out.
 */
export async function changedBelow(folder: string, sinceMs: number): Promise<void> {
  while (!hasNewer(folder, sinceMs)) {
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_MS);
    });
  }
  await new Promise((resolve) => {
    setTimeout(resolve, QUIET_MS);
  });
}

function hasNewer(folder: string, sinceMs: number): boolean {
  try {
    return readdirSync(folder, { withFileTypes: true }).some((entry) => {
      const path = join(folder, entry.name);
      if (!entry.isDirectory()) return isWrittenAfter(path, sinceMs);
      return entry.name !== 'node_modules' && !entry.name.startsWith('.') && hasNewer(path, sinceMs);
    });
  } catch {
    return false; // it is gone
  }
}

function isWrittenAfter(file: string, timeMs: number): boolean {
  try {
    return statSync(file).mtimeMs > timeMs - FILE_CLOCK_MS;
  } catch {
    return false;
  }
}

/** '' when it cannot be read. */
function digest(file: string): string {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return '';
  }
}
