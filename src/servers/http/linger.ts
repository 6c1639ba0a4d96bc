// The end of an exchange whose request was not read to its end: the client may still be sending. A connection that is closed with bytes
// unread is reset, and what had been answered may be lost with it; so for a moment what comes is read, and dropped.

import type { IncomingMessage } from 'node:http';

/** How long a client may go on sending after an answer that closes its connection. */
const LINGER_MS = 1_000;

/** Resolves when the client has stopped sending, or the moment is over. */
export function linger(request: IncomingMessage): Promise<void> {
  if (request.closed || request.complete) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS);
    request.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    request.resume();
  });
}
