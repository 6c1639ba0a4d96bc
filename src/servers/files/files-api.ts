// The file server's methods, as clients see them.

import type { Permissions } from './permissions.ts';

export type FileType = 'file' | 'directory' | 'link' | 'other';

export interface FileStat {
  readonly path: string;
  readonly type: FileType;
  /** Bytes; 0 for directories. */
  readonly size: number;
  /** Of the last change, ms since 1970. */
  readonly modifiedMs: number;
  readonly owner: string;
  readonly group?: string;
  /** `-rw-r-----` */
  readonly permissions: string;
}

export interface FileEntry {
  readonly name: string;
  readonly type: FileType;
}

export interface ReadOptions {
  /** First byte, 0 or more. Default 0. */
  readonly start?: number;
  /** Byte behind the last one. Default: the end of the file. */
  readonly end?: number;
}

export interface WriteOptions {
  /** Refuse with EEXIST when there is one. Default false. */
  readonly isNew?: boolean;
  /** Of a file that this creates. Default `-rw-------`. */
  readonly permissions?: Permissions;
}

export interface CreateOptions {
  /** Default: who calls. Only the operator may create for others. */
  readonly owner?: string;
  /** A group of the server's options, to whose members the middle three letters apply. Default none. */
  readonly group?: string;
  /** Of a file `-rw-------` by default, of a directory `drwx------`. */
  readonly permissions?: Permissions;
  readonly content?: string | Uint8Array;
}

export interface FileChange {
  readonly path: string;
  /** `change`: content or permissions; `rename`: it came or went. */
  readonly what: 'change' | 'rename';
}

/**
 * All of them act for the principal of the caller's channel. Paths are absolute in the tree (`/notes/today.txt`). Each throws a FileError
 * with `code` (ENOENT, EACCES, EEXIST, EINVAL …), `operation` and `path`; an option that there is not, or one of a wrong type, is
 * SKERRY_INVALID.
 */
export type FilesApi = {
  /** The whole, or a range. Up to 63 MiB; larger files by `stream`. */
  read(path: string, options?: ReadOptions): Promise<Uint8Array>;
  /** The whole as UTF-8. */
  readText(path: string): Promise<string>;
  /** The whole, or a range, in pieces. */
  stream(path: string, options?: ReadOptions): AsyncIterableIterator<Uint8Array>;
  /** Replaces the content, or creates the file: other readers see all of it or nothing. */
  write(path: string, content: string | Uint8Array, options?: WriteOptions): Promise<void>;
  append(path: string, content: string | Uint8Array): Promise<void>;
  /** A new file; EEXIST when there is one. */
  create(path: string, options?: CreateOptions): Promise<FileStat>;
  /** In the order of their names. */
  list(path: string): Promise<FileEntry[]>;
  stat(path: string): Promise<FileStat>;
  mkdir(path: string, options?: Omit<CreateOptions, 'content'>): Promise<FileStat>;
  /** Within one mount; replaces a file, not a directory that holds something. */
  rename(from: string, to: string): Promise<void>;
  /** A file, or an empty directory; with `recursive` all that is in it. */
  remove(path: string, options?: { readonly recursive?: boolean }): Promise<void>;
  /** The owner or the operator. */
  setPermissions(path: string, permissions: Permissions): Promise<void>;
  /** The operator alone. */
  setOwner(path: string, owner: string, group?: string): Promise<void>;
  /**
   * Changes of a file, or of what is in a directory, as they happen; bursts may be merged. It ends when the directory, or the one that the
   * file is in, is removed or moved; when another program does it, as far as the
   * operating system tells: a watch of a file, or a second one of that directory, may hear nothing more instead.
   */
  watch(path: string): AsyncIterableIterator<FileChange>;
};
