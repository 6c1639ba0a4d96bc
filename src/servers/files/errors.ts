// Errors of files: by their usual names, with the operation and the path as the caller gave it, in the words that Node has for them.

const WORDS = {
  EACCES: 'permission denied',
  EEXIST: 'file already exists',
  EINVAL: 'invalid argument',
  EISDIR: 'illegal operation on a directory',
  ELOOP: 'symbolic links are not followed',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'name too long',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  EFBIG: 'file too large',
  ENOSPC: 'no space left',
  EROFS: 'read-only mount',
  EXDEV: 'not within one mount',
  EPERM: 'operation not permitted',
  EIO: 'input/output error',
} as const;

export type FileErrorCode = keyof typeof WORDS;

export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: FileErrorCode;
  /** `read`, `write`, `list` … */
  readonly operation: string;
  /** As the caller gave it. */
  readonly path: string;

  constructor(code: FileErrorCode, operation: string, path: string, detail?: string) {
    super(`${code}: ${WORDS[code]}${detail === undefined ? '' : ` (${detail})`}, ${operation} '${shown(path)}'`);
    this.code = code;
    this.operation = operation;
    this.path = path;
  }
}

/** Whatever a mount failed with, as an error of this operation on this path: no host path is told. */
export function asFileError(error: unknown, operation: string, path: string): FileError {
  if (error instanceof FileError) return error;
  const { code } = Object(error) as { code?: unknown };
  if (typeof code === 'string' && code in WORDS) return new FileError(code as FileErrorCode, operation, path);
  if (code === 'EDQUOT') return new FileError('ENOSPC', operation, path);
  return new FileError('EIO', operation, path, typeof code === 'string' ? code : undefined);
}

/** What stands in a message is one line, and not endless. */
function shown(path: string): string {
  const text = JSON.stringify(String(path)).slice(1, -1);
  return text.length <= 300 ? text : `${text.slice(0, 300)}…`;
}
