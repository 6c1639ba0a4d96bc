// call() and notify(): the same server, called otherwise.

import { OptionCheck } from '../base/options.ts';
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
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

function checkOptions(where: string, options: CallOptions, known: readonly string[]): void {
  const check = new OptionCheck(where, options, known, 'a server and options');
  check.optional('timeoutMs', `milliseconds from 0 (none) to ${TIMEOUT_MAX_MS}`, isTimeout);
  check.signal('signal');
  check.string('key');
  check.string('trace', 'a W3C traceparent');
}

function isTimeout(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= TIMEOUT_MAX_MS;
}
