// Asserts on our own invariants.
//
// A failed assert is a bug of Skerry, never a fault of the world (that is a SkerryError). It is not meant to be caught: it ends
// the server, and the supervisor is the handler. An assert costs one comparison, so it stays on in production; keep the message a
// constant, so that nothing is built on the way that holds.

/** Thrown by {@link assert}: an invariant of Skerry itself does not hold. Report it; do not handle it. */
export class SkerryBug extends Error {
  constructor(message: string) {
    super(`bug in Skerry: ${message}`);
  }
}

Object.defineProperty(SkerryBug.prototype, 'name', { value: 'SkerryBug', configurable: true, writable: true });

/**
 * Checks an invariant of our own code.
 *
 * @param condition what must hold
 * @param message what is broken when it does not, as a constant text
 * @throws SkerryBug when `condition` is falsy
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) fail(message);
}

/** Apart from {@link assert}, so that the checks inline. */
function fail(message: string): never {
  throw new SkerryBug(message);
}
