// How an error is told to an HTTP client: `{ "error": { "code", "message", "issues"? } }` with the status of its code.
//
// What the driver itself finds wrong is an `HttpError`. A `SkerryError` from a call keeps its code and message. Anything else is a
// bug in a server: the client learns that there was one and nothing about it.

import { httpStatus, isErrorCode, type SkerryError } from '../../base/errors.ts';

/** One thing that is wrong with the input. */
export interface Issue {
  /** Where, such as `lat` or `box.min[0]`; empty for the input as a whole. */
  readonly path: string;
  readonly message: string;
}

/** What is sent for an error. */
export interface ErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: { readonly code: string; readonly message: string; readonly issues?: readonly Issue[] } };
}

/** Codes of what only HTTP knows; everything else has its code in the catalogue of Skerry's errors. */
export type HttpErrorCode =
  | 'SKERRY_INVALID'
  | 'SKERRY_NOT_FOUND'
  | 'SKERRY_LIMIT'
  | 'SKERRY_BUSY'
  | 'SKERRY_UNSUPPORTED'
  | 'HTTP_METHOD_NOT_ALLOWED'
  | 'HTTP_REQUEST_TIMEOUT'
  | 'HTTP_UNSUPPORTED_MEDIA_TYPE'
  | 'HTTP_HEADERS_TOO_LARGE'
  | 'HTTP_STOPPING';

/** A request that does not get as far as a server. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: HttpErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: HttpErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/**
 * Turns what a request failed with into what is sent. Never throws, whatever it is given.
 *
 * @param args names of the call's positional arguments; without them the call has one argument, which needs no name
 */
export function toReply(error: unknown, args?: readonly string[]): ErrorReply {
  if (error instanceof HttpError) {
    return { status: error.status, headers: error.headers, body: { error: { code: error.code, message: error.message } } };
  }
  const fileStatus = statusOfFileError(error);
  if (fileStatus !== undefined) {
    const { code } = error as { code: string };
    return {
      status: fileStatus,
      headers: {},
      body: { error: { code, message: FILE_WORDS[fileStatus] ?? 'the file cannot be used' } },
    };
  }
  if (!isCoded(error)) {
    const message = 'the server failed to answer; its log says why';
    return { status: 500, headers: {}, body: { error: { code: 'INTERNAL', message } } };
  }
  const { code } = error;
  const issues = code === 'SKERRY_INVALID' ? issuesOf(error, args) : [];
  const told = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  const message = told === '' ? error.message : `the input is not valid: ${told}`;
  return {
    status: httpStatus(code),
    headers: code === 'SKERRY_BUSY' ? { 'retry-after': '1' } : {},
    body: { error: { code, message, ...(issues.length > 0 && { issues }) } },
  };
}

/** What the file server says (servers/files/errors.ts), by its code. Its own words name owners and paths: they are not told. */
const FILE_STATUS: Readonly<Record<string, number>> = {
  ENOENT: 404,
  ENOTDIR: 404,
  EACCES: 403,
  EPERM: 403,
  EROFS: 403,
  ELOOP: 403,
  EEXIST: 409,
  ENOTEMPTY: 409,
  EISDIR: 409,
  EXDEV: 409,
  EINVAL: 400,
  ENAMETOOLONG: 400,
  EFBIG: 413,
  ENOSPC: 507,
};
const FILE_WORDS: Readonly<Record<number, string>> = {
  400: 'the path or an option is not valid',
  403: 'the file may not be used so',
  404: 'there is no such file',
  409: 'what is there does not allow it',
  413: 'the file is too large',
  507: 'there is no room left',
};

function statusOfFileError(error: unknown): number | undefined {
  if (!(error instanceof Error) || error.name !== 'FileError' || !('code' in error)) return undefined;
  return FILE_STATUS[String(error.code)];
}

/** Asks for the code, not the class: in a bundle the system may have a copy of the class of its own. */
function isCoded(error: unknown): error is SkerryError {
  return error instanceof Error && 'code' in error && isErrorCode(error.code);
}

function issuesOf(error: SkerryError, args: readonly string[] | undefined): Issue[] {
  const issues = error.data?.issues;
  if (!Array.isArray(issues)) return [];
  return issues.map((issue: unknown) => {
    const { path, message } = Object(issue) as { path?: unknown; message?: unknown };
    const steps: readonly unknown[] = Array.isArray(path) ? path : [];
    return { path: formatPath(steps, args), message: typeof message === 'string' ? message : 'not valid' };
  });
}

/** The first step of a path is the argument's index: its name takes its place, or nothing if there is only the one. */
function formatPath(path: readonly unknown[], args: readonly string[] | undefined): string {
  const [first, ...rest] = path;
  const name = typeof first === 'number' ? args?.[first] : undefined;
  const steps = name !== undefined ? [name, ...rest] : args === undefined && first === 0 ? rest : path;
  let text = '';
  for (const step of steps) text += typeof step === 'number' ? `[${step}]` : `${text === '' ? '' : '.'}${String(step)}`;
  return text;
}
