// map(): one call for each item, several at a time, in order or as they come. A pool is a server with `replicas: 'cores', concurrency: 1`;
// this is how it is given work.
//
//   items ──pull──▶ in flight (at most `concurrency`) ──▶ held until taken (in all at most twice as many) ──▶ results
//
// Nothing is pulled that there is no place for, so that neither a long list nor a slow consumer takes memory. What becomes of an item whose
// server dies is its method's declaration: idempotent, and it is run again; else its call is rejected, and only its.

import { isSkerryError, SkerryError } from '../base/errors.ts';
import { onAbort } from './abort-listeners.ts';

export interface MapOptions {
  /** Results in the order of the items; false: as they come. Default true. */
  readonly ordered?: boolean;
  /** Calls in flight at most, 1 to 1,000. Default: twice what the server's instances run at once, so that none waits for work. */
  readonly concurrency?: number;
  /** Ends it: calls in flight are cancelled, and the iteration throws SKERRY_ABORTED. */
  readonly signal?: AbortSignal;
  /** After each call that has ended. */
  readonly onProgress?: (progress: MapProgress) => void;
}

export interface MapProgress {
  /** Calls that have ended, failed ones included. */
  readonly done: number;
  readonly failed: number;
  readonly inFlight: number;
}

/** What became of one item. */
export type MapOutcome<T> =
  | { readonly index: number; readonly value: T; readonly error?: undefined }
  | { readonly index: number; readonly error: unknown; readonly value?: undefined };

type Source<T> = Iterable<T> | AsyncIterable<T>;

interface Held<R> {
  readonly index: number;
  outcome: MapOutcome<R> | undefined;
}

const BUSY_FIRST_MS = 1;
const BUSY_LONGEST_MS = 50;

/**
 * @param run makes the call of an item; `signal` aborts when nobody wants it any more.
 * @returns the outcomes. Leaving the loop cancels what is in flight and ends the source.
 */
export async function* mapItems<T, R>(
  run: (item: T, signal: AbortSignal) => Promise<R>,
  items: Source<T>,
  { ordered = true, concurrency, signal, onProgress }: MapOptions & { readonly concurrency: number },
): AsyncGenerator<MapOutcome<R>, void, undefined> {
  const { source, isAsync } = iteratorOf(items);
  const over = new AbortController();
  const line: Held<R>[] = []; // ordered: all that are held; else: those that have ended
  let held = 0;
  let inFlight = 0;
  let index = 0;
  let done = 0;
  let failed = 0;
  let pulling = false;
  let exhausted = false;
  /** Of the source: told when what came before has been handed out. */
  let failure: { readonly error: unknown } | undefined;
  let broken: { readonly error: unknown } | undefined;
  let wake = (): void => {};

  const stop = (error: unknown): void => {
    if (broken === undefined) {
      broken = { error };
      over.abort(); // nobody will want the answers
    }
    wake();
  };
  const abort = (): void =>
    stop(new SkerryError('SKERRY_ABORTED', 'the map was aborted by its caller', { cause: signal?.reason }));
  const end = (one: Held<R>, outcome: MapOutcome<R>): void => {
    one.outcome = outcome;
    inFlight -= 1;
    done += 1;
    if ('error' in outcome) failed += 1;
    if (!ordered) line.push(one);
    try {
      onProgress?.({ done, failed, inFlight });
    } catch (error) {
      stop(error);
    }
    pull();
    wake();
  };
  const start = (item: T): void => {
    const one: Held<R> = { index, outcome: undefined };
    index += 1;
    held += 1;
    inFlight += 1;
    if (ordered) line.push(one);
    patiently(() => run(item, over.signal), over.signal).then(
      (value) => end(one, { index: one.index, value }),
      (error) => end(one, { index: one.index, error }),
    );
  };
  const fail = (error: unknown): void => {
    exhausted = true;
    failure = { error };
    wake();
  };
  const take = (step: IteratorResult<T>): void => {
    if (broken !== undefined) return;
    if (step.done === true) exhausted = true;
    else start(step.value);
  };
  /** Pulls what there is room for. A source that is asynchronous is asked for one item at a time. */
  function pull(): void {
    while (!pulling && !exhausted && broken === undefined && inFlight < concurrency && held < 2 * concurrency) {
      try {
        if (!isAsync) {
          take((source as Iterator<T>).next());
          continue;
        }
        pulling = true;
        Promise.resolve((source as AsyncIterator<T>).next())
          .then((step) => {
            pulling = false;
            take(step);
            pull();
            wake();
          })
          .catch((error) => {
            pulling = false;
            fail(error);
          });
      } catch (error) {
        fail(error);
      }
    }
  }

  if (signal?.aborted === true) abort();
  const unlisten = signal === undefined ? undefined : onAbort(signal, abort);
  try {
    for (;;) {
      if (broken !== undefined) throw broken.error;
      pull();
      const first = line[0];
      if (first?.outcome !== undefined) {
        line.shift();
        held -= 1;
        yield first.outcome;
        continue;
      }
      if (exhausted && held === 0) {
        if (failure !== undefined) throw failure.error;
        return;
      }
      if (broken !== undefined) continue; // by what was just pulled
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    unlisten?.();
    broken ??= { error: undefined };
    over.abort();
    // A source that is asked for an item just now would keep its end waiting for it: then nobody waits for either.
    if (pulling) Promise.resolve(source.return?.()).catch(() => {});
    else if (!exhausted) await source.return?.();
  }
}

/** A call that was refused for want of room was not executed: it is made again, later. */
async function patiently<R>(run: () => Promise<R>, signal: AbortSignal): Promise<R> {
  for (let waitMs = BUSY_FIRST_MS; ; waitMs = Math.min(BUSY_LONGEST_MS, waitMs * 2)) {
    try {
      return await run();
    } catch (error) {
      if (!isSkerryError(error, 'SKERRY_BUSY') || signal.aborted) throw error;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, waitMs);
    });
  }
}

function iteratorOf<T>(items: Source<T>): { source: Iterator<T> | AsyncIterator<T>; isAsync: boolean } {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = Object(items) as Partial<AsyncIterable<T> & Iterable<T>>;
  if (typeof later === 'function') return { source: later.call(items), isAsync: true };
  if (typeof now === 'function') return { source: now.call(items), isAsync: false };
  throw new SkerryError('SKERRY_INVALID', `map() takes items that can be iterated; it was given a value of type ${typeof items}`);
}
