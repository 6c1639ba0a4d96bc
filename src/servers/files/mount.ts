// What a mount is: a place in the tree where names lead to bytes. It knows no principals; the tree asks it only what is allowed.
//
// Paths are names below the mount. Errors are Node's (`code`), turned by the tree into errors with the caller's path.

import type { FileChange, FileEntry, FileType } from './files-api.ts';
import type { Names } from './path.ts';

export interface RawStat {
  readonly type: FileType;
  readonly size: number;
  readonly modifiedMs: number;
}

export interface OpenFile {
  readonly size: number;
  /** @returns at most `length` bytes from `position`; fewer, or none, at the end. */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface Mount {
  readonly isReadOnly: boolean;
  stat(at: Names): Promise<RawStat>;
  list(at: Names): Promise<FileEntry[]>;
  open(at: Names): Promise<OpenFile>;
  /** Puts the whole content there at once: a reader sees the old or the new. With `isNew` EEXIST when there is something. */
  write(at: Names, content: Uint8Array, isNew: boolean): Promise<void>;
  append(at: Names, content: Uint8Array): Promise<void>;
  mkdir(at: Names): Promise<void>;
  rename(from: Names, to: Names): Promise<void>;
  /** A file or an empty directory. */
  remove(at: Names): Promise<void>;
  /**
   * Tells of changes until `signal` aborts. `path` is a name within the directory, or empty for the file itself.
   * @param onEnd nothing more will be heard, whatever happens.
   */
  watch(at: Names, signal: AbortSignal, hear: (change: FileChange) => void, onEnd: () => void): Promise<void>;
  close(): Promise<void>;
}
