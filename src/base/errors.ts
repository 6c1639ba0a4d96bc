// Errors: one class, one catalogue.
//
// Everything that can go wrong in the world is a SkerryError with a code from the catalogue below; the code decides its HTTP
// status, its default name and whether it may go better later. Programs compare codes, never prose. A message says what was
// attempted, on which server, what was found and what would have been valid. Bugs of our own are asserts (assert.ts); errno names
// appear only for failed system calls, as the cause.
//
// Over a channel travel code, name, message, data, cause and the remote stack; the other side rebuilds the class (channel/codec).

/** What a code stands for. */
export interface ErrorKind {
  /** The HTTP status that a gateway answers with. */
  readonly status: number;
  /**
   * Whether the same call may succeed later without a change. Whether it may be repeated safely is `maybeExecuted`'s question.
   */
  readonly retryable: boolean;
  /** The error's `name`: of the platform where it has a word for it, else `SkerryError`. */
  readonly name: string;
}

/** The catalogue: every code, with its HTTP status, whether a later attempt may succeed, and the name of the error. */
export const errorCodes = {
  /** The deadline passed before an answer came. */
  SKERRY_TIMEOUT: { status: 504, retryable: true, name: 'TimeoutError' },
  /** The caller cancelled. */
  SKERRY_ABORTED: { status: 499, retryable: false, name: 'AbortError' },
  /** The principal of the channel may not do this. */
  SKERRY_DENIED: { status: 403, retryable: false, name: 'SkerryError' },
  /** No such server, method, file or process. */
  SKERRY_NOT_FOUND: { status: 404, retryable: false, name: 'SkerryError' },
  /** An argument or an option is not valid. */
  SKERRY_INVALID: { status: 400, retryable: false, name: 'SkerryError' },
  /** A value cannot leave its process; the message gives its path. */
  SKERRY_UNSENDABLE: { status: 500, retryable: false, name: 'SkerryError' },
  /** The server has as many calls waiting as it takes. */
  SKERRY_BUSY: { status: 503, retryable: true, name: 'SkerryError' },
  /** Larger, deeper or more than a fixed limit. */
  SKERRY_LIMIT: { status: 413, retryable: false, name: 'SkerryError' },
  /** A memory budget is used up. */
  SKERRY_MEMORY: { status: 507, retryable: true, name: 'SkerryError' },
  /** A server failed to initialise. */
  SKERRY_INIT: { status: 503, retryable: true, name: 'SkerryError' },
  /** The server died with this call started. */
  SKERRY_SERVER_DIED: { status: 503, retryable: true, name: 'SkerryError' },
  /** The server is down and waits for an operator. */
  SKERRY_SERVER_DOWN: { status: 503, retryable: false, name: 'SkerryError' },
  /** The call ended every instance that ran it. */
  SKERRY_POISON: { status: 500, retryable: false, name: 'SkerryError' },
  /** Bytes from a peer do not follow the format. */
  SKERRY_CORRUPT: { status: 502, retryable: false, name: 'SkerryError' },
  /** The peers have no protocol version in common. */
  SKERRY_VERSION: { status: 502, retryable: false, name: 'SkerryError' },
  /** Not supported on this platform, or by this peer. */
  SKERRY_UNSUPPORTED: { status: 501, retryable: false, name: 'SkerryError' },
  /** Servers that take one call at a time wait for each other. */
  SKERRY_DEADLOCK: { status: 508, retryable: false, name: 'SkerryError' },
} as const satisfies Record<string, ErrorKind>;

/** A code of the catalogue. */
export type SkerryErrorCode = keyof typeof errorCodes;

export interface SkerryErrorOptions {
  /** What led to this error. */
  cause?: unknown;
  /** Facts for programs: plain data that can travel. */
  data?: Record<string, unknown>;
  /** Whether the call may have taken effect; leave it out where there was no call. */
  maybeExecuted?: boolean;
}

/**
 * The one error class of Skerry.
 *
 * @example
 * throw new SkerryError('SKERRY_NOT_FOUND', `server "geo" has no method "nearst"`, { data: { method: 'nearst' } });
 */
export class SkerryError extends Error {
  readonly code: SkerryErrorCode;
  /** Facts for programs; present only when given. */
  declare readonly data?: Record<string, unknown>;
  /** Whether the call may have taken effect; present only when given. */
  declare readonly maybeExecuted?: boolean;

  /**
   * @param code one of the catalogue
   * @param message what was attempted, where, what was found and what would have been valid
   */
  constructor(code: SkerryErrorCode, message: string, options: SkerryErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    const { name } = errorCodes[code];
    if (name !== 'SkerryError') Object.defineProperty(this, 'name', { value: name, configurable: true, writable: true });
    if (options.data !== undefined) this.data = options.data;
    if (options.maybeExecuted !== undefined) this.maybeExecuted = options.maybeExecuted;
  }

  /** Whether the same call may succeed later without a change. */
  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }
}

// Not within the class: bundlers give one that names itself another name, which stacks then show.
Object.defineProperty(SkerryError.prototype, 'name', { value: 'SkerryError', configurable: true, writable: true });

/** Whether `code` is one of the catalogue; a newer peer may know more of them. */
export function isErrorCode(code: unknown): code is SkerryErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code);
}

/** Whether `error` is a SkerryError and, when `code` is given, of this code. */
export function isSkerryError(error: unknown, code?: SkerryErrorCode): error is SkerryError {
  return error instanceof SkerryError && (code === undefined || error.code === code);
}

/** The HTTP status for a code; 500 for one that the catalogue does not have. */
export function httpStatus(code: string): number {
  return isErrorCode(code) ? errorCodes[code].status : 500;
}

/** Makes an error without the cost of a stack. Where Error is frozen (--frozen-intrinsics) it has one. */
export function withoutStack<T>(make: () => T): T {
  const limit = Error.stackTraceLimit;
  Reflect.set(Error, 'stackTraceLimit', 0);
  try {
    return make();
  } finally {
    Reflect.set(Error, 'stackTraceLimit', limit);
  }
}
