// map() over calls that are functions here: order, bounds, ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { isSkerryError, SkerryError } from '../base/errors.ts';
import { mapItems } from './map.ts';

const TIMEOUT = { timeout: 20_000 };

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of results) all.push(one);
  return all;
}

test('every item has one outcome, in order or not, and never are more in flight or held than allowed', TIMEOUT, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ turns: fc.nat(4), fails: fc.boolean() }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 8 }),
      fc.boolean(),
      fc.boolean(),
      async (items, concurrency, ordered, isAsync) => {
        let inFlight = 0;
        let pulled = 0;
        let taken = 0;
        const source = function* () {
          for (const [index, item] of items.entries()) {
            pulled += 1;
            assert.ok(pulled - taken <= 2 * concurrency + 1, `${pulled - taken} held`); // one is on its way to the loop
            yield { ...item, index };
          }
        };
        const later = async function* () {
          yield* source();
        };
        const run = async ({ turns, fails, index }: { turns: number; fails: boolean; index: number }) => {
          inFlight += 1;
          assert.ok(inFlight <= concurrency);
          for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
          inFlight -= 1;
          if (fails) throw new Error(`no ${index}`);
          return index;
        };
        const outcomes: (readonly [number, unknown])[] = [];
        for await (const { index, value, error } of mapItems(run, isAsync ? later() : source(), { ordered, concurrency })) {
          taken += 1;
          outcomes.push([index, error === undefined ? value : (error as Error).message]);
        }
        const expected = items.map(({ fails }, index) => [index, fails ? `no ${index}` : index] as const);
        assert.deepEqual(ordered ? outcomes : outcomes.sort(([a], [b]) => a - b), expected);
      },
    ),
    { numRuns: 200 },
  );
});

test('results come as they are, and the first is not waited for when order does not matter', TIMEOUT, async () => {
  const run = async (ms: number) => sleep(ms, ms);
  const results = mapItems(run, [200, 1, 2], { ordered: false, concurrency: 3 });
  assert.deepEqual(
    (await collect(results)).map(({ value }) => value),
    [1, 2, 200],
  );
});

test('leaving the loop cancels what is in flight and ends the source', TIMEOUT, async () => {
  let ended = false;
  const aborted: number[] = [];
  const source = function* () {
    try {
      for (let n = 0; ; n++) yield n;
    } finally {
      ended = true;
    }
  };
  const run = (n: number, signal: AbortSignal) =>
    n === 0
      ? Promise.resolve(n)
      : new Promise<number>((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(n);
            reject(signal.reason);
          });
        });
  for await (const { value } of mapItems(run, source(), { concurrency: 4 })) if (value === 0) break;
  assert.equal(ended, true);
  assert.ok(aborted.length >= 3);
});

test('a signal ends it, and so does a source that fails', TIMEOUT, async () => {
  const controller = new AbortController();
  const never = mapItems(() => new Promise(() => {}), [1, 2], { concurrency: 2, signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 10);
  await assert.rejects(
    collect(never),
    (error) => isSkerryError(error, 'SKERRY_ABORTED') && (error.cause as Error).message === 'enough',
  );
  const broken = async function* () {
    yield 1;
    throw new Error('no more');
  };
  await assert.rejects(collect(mapItems(async (n: number) => n, broken(), { concurrency: 1 })), /no more/);
  const thrower = function* () {
    yield 1;
    throw new Error('no more');
  };
  for (const ordered of [true, false]) {
    const results = mapItems((n: number) => sleep(20, n), broken(), { concurrency: 4, ordered });
    assert.equal((await results.next()).value?.value, 1, 'what came before the failure is handed out');
    await assert.rejects(results.next(), /no more/);
  }
  await assert.rejects(collect(mapItems(async (n: number) => n, thrower(), { concurrency: 4 })), /no more/);
  assert.deepEqual(await collect(mapItems(async (n: number) => n, [], { concurrency: 4 })), []);
  await assert.rejects(collect(mapItems(async (n: number) => n, 5 as never, { concurrency: 1 })), (error) =>
    isSkerryError(error, 'SKERRY_INVALID'),
  );
});

test('a call that was refused for want of room is made again; progress is told after each', TIMEOUT, async () => {
  let refusals = 0;
  const run = async (n: number) => {
    if (n === 1 && refusals < 3) {
      refusals += 1;
      throw new SkerryError('SKERRY_BUSY', 'full');
    }
    return n;
  };
  const seen: number[] = [];
  const results = mapItems(run, [0, 1, 2], { concurrency: 2, onProgress: ({ done }) => seen.push(done) });
  assert.deepEqual(
    (await collect(results)).map(({ value }) => value),
    [0, 1, 2],
  );
  assert.equal(refusals, 3);
  assert.deepEqual(seen, [1, 2, 3]);
});

test('a source, a signal or a listener that misbehaves ends it, and hangs nothing', TIMEOUT, async () => {
  const echo = async (n: number) => n;
  const hangs = async function* () {
    yield 1;
    await new Promise(() => {});
  };
  const first = {
    *[Symbol.iterator](): Generator<number> {
      if (performance.now() > 0) throw new Error('at once');
      yield 1;
    },
  };
  await assert.rejects(collect(mapItems(echo, first, { concurrency: 2 })), /at once/);
  const nothing = { [Symbol.iterator]: () => ({ next: () => undefined as never }) };
  await assert.rejects(collect(mapItems(echo, nothing, { concurrency: 2 })), TypeError);
  const later = { [Symbol.asyncIterator]: () => ({ next: async () => undefined as never }) };
  await assert.rejects(collect(mapItems(echo, later, { concurrency: 2 })), TypeError);
  const foreign = runInNewContext('(async function* () { yield 1; yield 2; })()') as AsyncIterable<number>;
  assert.deepEqual(
    (await collect(mapItems(echo, foreign, { concurrency: 2 }))).map(({ value }) => value),
    [1, 2],
  );
  for await (const _ of mapItems(echo, hangs(), { concurrency: 2 })) break;
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 10);
  await assert.rejects(collect(mapItems(echo, hangs(), { concurrency: 2, signal: controller.signal })), (error) =>
    isSkerryError(error, 'SKERRY_ABORTED'),
  );
  const onProgress = (): never => {
    throw new Error('no display');
  };
  await assert.rejects(collect(mapItems(echo, [1, 2, 3], { concurrency: 1, onProgress })), /no display/);
});

test('after an abort nothing more is pulled or called, whether or not somebody asks', TIMEOUT, async () => {
  const controller = new AbortController();
  let pulled = 0;
  let cancelled = 0;
  const source = async function* () {
    for (;;) {
      pulled += 1;
      yield pulled;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const run = (n: number, signal: AbortSignal) =>
    n === 1
      ? Promise.resolve(n)
      : new Promise<number>((_, reject) => {
          signal.addEventListener('abort', () => {
            cancelled += 1;
            reject(signal.reason);
          });
        });
  const results = mapItems(run, source(), { concurrency: 3, signal: controller.signal });
  assert.equal((await results.next()).value?.value, 1);
  await sleep(5);
  controller.abort();
  const before = pulled;
  await sleep(10);
  assert.ok(pulled <= before + 1);
  assert.ok(cancelled >= 1);
  await assert.rejects(results.next(), (error) => isSkerryError(error, 'SKERRY_ABORTED'));
});
