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
  const fail = (message: string): never => {
    throw new SkerryError('SKERRY_INVALID', `${what} ${message}`);
  };
  if (typeof options !== 'object' || options === null) fail(`takes a server and options; the options are ${show(options)}`);
  for (const name in options) if (!known.includes(name)) fail(`has no option "${name}"; it has: ${known.join(', ')}`);
  const { timeoutMs, signal, key, trace } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0 && timeoutMs <= 2 ** 31 - 1))
    fail(`option timeoutMs must be milliseconds from 0 (none) to 2147483647; it is ${show(timeoutMs)}`);
  if (signal !== undefined && !isSignal(signal))
    fail(`option signal must be an AbortSignal (controller.signal); it is ${show(signal)}`);
  if (key !== undefined && typeof key !== 'string') fail(`option key must be a string; it is ${show(key)}`);
  if (trace !== undefined && typeof trace !== 'string') fail(`option trace must be a W3C traceparent; it is ${show(trace)}`);
}

/** Also one of another context, or of a library. */
function isSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? Object.prototype.toString.call(value)
    : String(value);
}
