// call() and notify(): the same server, called otherwise.

import { facadeWith, notifyFacade } from '../rpc/proxy.ts';
import type { CallOptions } from '../rpc/remote-server.ts';
import type { Notified } from '../server/remote.ts';

/**
 * The same server with options for the calls made through it: `await call(sys.servers.geo, { timeoutMs: 50 }).nearest(52.5, 13.4)`.
 * @param options `timeoutMs`, `signal`, `key` (calls with one key go to one replica), `trace` (W3C traceparent).
 * @throws SkerryError SKERRY_INVALID when `server` is no facade.
 */
export function call<R extends object>(server: R, options: CallOptions): R {
  return facadeWith(server, options) as R;
}

/**
 * The same server for notifications: requests without an answer. A method's promise resolves when the request has been published, not
 * when it has been run. A notification that a dying server had started is not sent again; one that it had not goes to its successor.
 */
export function notify<R extends object>(server: R, options: Pick<CallOptions, 'key' | 'trace'> = {}): Notified<R> {
  return notifyFacade(server, options) as Notified<R>;
}
