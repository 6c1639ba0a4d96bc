// map(): a server's method over many items, on all its replicas.

import { OptionCheck } from '../base/options.ts';
import { type MapOptions, type MapOutcome, mapItems } from '../rpc/map.ts';
import { methodOf } from '../rpc/proxy.ts';
import type { CallOptions } from '../rpc/remote-server.ts';

/** The first argument is the item; a method with more gets their defaults. */
type MethodOver<T, R> = (item: T) => Promise<R>;
type Items<T> = Iterable<T> | AsyncIterable<T>;

const KNOWN = ['ordered', 'concurrency', 'signal', 'onProgress', 'report'];
const CONCURRENCY_MAX = 1000;

/**
 * Calls `method` with each of `items`: `for await (const r of map(sys.servers.primes.isPrime, numbers, { ordered: false }))`.
 *
 * As many calls are in flight as keep all replicas at work (`concurrency`), and at most as many results again are held for a consumer that
 * is slow; items are pulled only as there is room, so a long or endless source takes no memory. A call refused with SKERRY_BUSY is made
 * again. A replica that dies costs its items alone: those of an idempotent method are run again, others are rejected.
 *
 * @param method of a server: `sys.servers.primes.isPrime`, `ctx.uses.primes.isPrime`, or of `call(server, options)`.
 * @param options with `report: true` each item gives `{ index, value }` or `{ index, error }`; else the first error is thrown. Leaving the
 *   loop cancels the calls in flight and ends the source.
 * @throws SkerryError SKERRY_INVALID when `method` is no server's, or an option is not valid; SKERRY_ABORTED by `signal`
 */
export function map<T, R>(
  method: MethodOver<T, R>,
  items: Items<T>,
  options: MapOptions & { readonly report: true },
): AsyncIterableIterator<MapOutcome<R>>;
export function map<T, R>(
  method: MethodOver<T, R>,
  items: Items<T>,
  options?: MapOptions & { readonly report?: false },
): AsyncIterableIterator<R>;
export function map<T, R>(
  method: MethodOver<T, R>,
  items: Items<T>,
  options: MapOptions & { readonly report?: boolean } = {},
): AsyncIterableIterator<MapOutcome<R> | R> {
  const { remote, name, options: callOptions } = methodOf(method, 'map');
  checkOptions(options);
  let each: CallOptions | undefined; // of all calls: mapItems has one signal
  const run = (item: T, signal: AbortSignal) => {
    each ??= { ...callOptions, signal };
    return remote.invoke(name, [item], each) as Promise<R>;
  };
  return (async function* () {
    const concurrency = options.concurrency ?? Math.min(CONCURRENCY_MAX, 2 * (await remote.places()));
    for await (const outcome of mapItems(run, items, { ...options, concurrency })) {
      if (options.report === true) yield outcome;
      else if ('error' in outcome) throw outcome.error;
      else yield outcome.value;
    }
  })();
}

function checkOptions(options: MapOptions & { readonly report?: boolean }): void {
  const check = new OptionCheck('map()', options, KNOWN, 'a method, items and options');
  check.boolean('ordered');
  check.integer('concurrency', 1, CONCURRENCY_MAX);
  check.signal('signal');
  check.optional('onProgress', 'a function', (given) => typeof given === 'function');
  check.boolean('report');
}
