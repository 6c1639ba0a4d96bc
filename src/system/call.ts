// call() and notify(): the same server, called otherwise.

import { SkerryError } from '../base/errors.ts';
import { facadeWith, notifyFacade } from '../rpc/proxy.ts';
import type { CallOptions } from '../rpc/remote-server.ts';
import type { Notified } from '../server/remote.ts';

/**
 * The same server with options for the calls made through it: `await call(sys.servers.geo, { timeoutMs: 50 }).nearest(52.5, 13.4)`.
 * @param options `timeoutMs`, `signal`, `key` (calls with one key go to one replica), `trace` (W3C traceparent).
 * @throws SkerryError SKERRY_INVALID when `server` is no facade, or an option is unknown or not valid.
 */
export function call<R extends object>(server: R, options: CallOptions): R {
  checkOptions('call()', options, CALL_OPTIONS);
  return facadeWith(server, options) as R;
}

/**
 * The same server for notifications: requests without an answer. A method's promise resolves when the request has been published, not
 * when it has been run. A notification that a dying server had started is not sent again; one that it had not goes to its successor.
 */
export function notify<R extends object>(server: R, options: Pick<CallOptions, 'key' | 'trace'> = {}): Notified<R> {
  checkOptions('notify()', options, NOTIFY_OPTIONS);
  return notifyFacade(server, options) as Notified<R>;
}

const CALL_OPTIONS = ['timeoutMs', 'signal', 'key', 'trace'];
const NOTIFY_OPTIONS = ['key', 'trace'];

function checkOptions(what: string, options: CallOptions, known: readonly string[]): void {
  for (const name in options) {
    if (!known.includes(name))
      throw new SkerryError('SKERRY_INVALID', `${what} has no option "${name}"; it has: ${known.join(', ')}`);
  }
  const { timeoutMs } = options;
  if (timeoutMs !== undefined && !(timeoutMs >= 0 && timeoutMs <= 2 ** 31 - 1)) {
    throw new SkerryError(
      'SKERRY_INVALID',
      `${what} option timeoutMs must be milliseconds from 0 (none) to 2147483647; it is ${String(timeoutMs)}`,
    );
  }
}
