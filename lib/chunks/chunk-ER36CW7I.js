// dist/src/base/errors.js
var errorCodes = {
  /** The deadline passed before an answer came. */
  SKERRY_TIMEOUT: { status: 504, retryable: true, name: "TimeoutError" },
  /** The caller cancelled. */
  SKERRY_ABORTED: { status: 499, retryable: false, name: "AbortError" },
  /** The principal of the channel may not do this. */
  SKERRY_DENIED: { status: 403, retryable: false, name: "SkerryError" },
  /** No such server, method, file or process. */
  SKERRY_NOT_FOUND: { status: 404, retryable: false, name: "SkerryError" },
  /** An argument or an option is not valid. */
  SKERRY_INVALID: { status: 400, retryable: false, name: "SkerryError" },
  /** A value cannot leave its process; the message gives its path. */
  SKERRY_UNSENDABLE: { status: 500, retryable: false, name: "SkerryError" },
  /** The server has as many calls waiting as it takes. */
  SKERRY_BUSY: { status: 503, retryable: true, name: "SkerryError" },
  /** Larger, deeper or more than a fixed limit. */
  SKERRY_LIMIT: { status: 413, retryable: false, name: "SkerryError" },
  /** A memory budget is used up. */
  SKERRY_MEMORY: { status: 507, retryable: true, name: "SkerryError" },
  /** A server failed to initialise. */
  SKERRY_INIT: { status: 503, retryable: true, name: "SkerryError" },
  /** The server died with this call started. */
  SKERRY_SERVER_DIED: { status: 503, retryable: true, name: "SkerryError" },
  /** The server is down and waits for an operator. */
  SKERRY_SERVER_DOWN: { status: 503, retryable: false, name: "SkerryError" },
  /** The call ended every instance that ran it. */
  SKERRY_POISON: { status: 500, retryable: false, name: "SkerryError" },
  /** Bytes from a peer do not follow the format. */
  SKERRY_CORRUPT: { status: 502, retryable: false, name: "SkerryError" },
  /** The peers have no protocol version in common. */
  SKERRY_VERSION: { status: 502, retryable: false, name: "SkerryError" },
  /** Not supported on this platform, or by this peer. */
  SKERRY_UNSUPPORTED: { status: 501, retryable: false, name: "SkerryError" },
  /** Servers that take one call at a time wait for each other. */
  SKERRY_DEADLOCK: { status: 508, retryable: false, name: "SkerryError" }
};
var SkerryError = class _SkerryError extends Error {
  static {
    Object.defineProperty(_SkerryError.prototype, "name", { value: "SkerryError", configurable: true, writable: true });
  }
  code;
  /**
   * @param code one of the catalogue
   * @param message what was attempted, where, what was found and what would have been valid
   */
  constructor(code, message, options = {}) {
    super(message, "cause" in options ? { cause: options.cause } : void 0);
    this.code = code;
    const { name } = errorCodes[code];
    if (name !== "SkerryError")
      Object.defineProperty(this, "name", { value: name, configurable: true, writable: true });
    if (options.data !== void 0)
      this.data = options.data;
    if (options.maybeExecuted !== void 0)
      this.maybeExecuted = options.maybeExecuted;
  }
  /** Whether the same call may succeed later without a change. */
  get retryable() {
    return errorCodes[this.code].retryable;
  }
};
function isErrorCode(code) {
  return typeof code === "string" && Object.hasOwn(errorCodes, code);
}
function isSkerryError(error, code) {
  return error instanceof SkerryError && (code === void 0 || error.code === code);
}
function httpStatus(code) {
  return isErrorCode(code) ? errorCodes[code].status : 500;
}

export {
  SkerryError,
  isErrorCode,
  isSkerryError,
  httpStatus
};
