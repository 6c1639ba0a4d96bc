// Pools: a method over many items, on all replicas.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { boot, call, isSkerryError, map, type OperatingSystem } from 'skerry';
import pool from '../fixtures/e2e/pool.system.ts';
import { nothingIsLeft, TRANSPORTS, type Transport } from './world.ts';

const TIMEOUT = { timeout: 30_000 };
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

async function booted(t: TestContext, transport: Transport): Promise<OperatingSystem<typeof pool.servers>> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-pool-'));
  const sys = await boot(pool, { transport, env: { ...process.env, E2E_FOLDER: folder } });
  t.after(async () => {
    await sys.stop();
    await nothingIsLeft();
    rmSync(folder, { recursive: true });
  });
  return sys;
}

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of results) all.push(one);
  return all;
}

for (const transport of TRANSPORTS) {
  test(`${transport}: in order or as they come, on all replicas, from any source`, TIMEOUT, async (t) => {
    const sys = await booted(t, transport);
    const { pool } = sys.servers;
    const squares = numbers(2000).map((n) => n * n);
    assert.deepEqual(await collect(sys.map(pool.square, numbers(2000))), squares);
    const loose = await collect(map(pool.square, new Set(numbers(2000)), { ordered: false }));
    assert.deepEqual(
      loose.sort((a, b) => a - b),
      squares,
    );
    const later = async function* () {
      yield* numbers(100);
    };
    assert.deepEqual(
      await collect(sys.map(call(pool, { timeoutMs: 5000 }).square, later(), { concurrency: 1 })),
      squares.slice(0, 100),
    );
    const where = await collect(sys.map(pool.where, numbers(100), { ordered: false }));
    for (const replica of [0, 1]) assert.ok(where.filter((one) => one === replica).length >= 10, `${where}`);
  });

  test(`${transport}: an error is thrown, or reported; leaving the loop leaves nothing`, TIMEOUT, async (t) => {
    const sys = await booted(t, transport);
    const { pool } = sys.servers;
    await assert.rejects(collect(sys.map(pool.half, [0, 2, 3, 4])), /3 is odd/);
    const outcomes = await collect(sys.map(pool.half, [0, 1, 2], { report: true }));
    assert.deepEqual(
      outcomes.map(({ index, value, error }) => [index, value ?? (error as Error).message]),
      [
        [0, 0],
        [1, '1 is odd'],
        [2, 1],
      ],
    );
    const endless = function* () {
      for (let n = 0; ; n++) yield n;
    };
    let taken = 0;
    for await (const square of sys.map(pool.square, endless())) {
      assert.equal(square, taken * taken);
      taken += 1;
      if (taken === 500) break;
    }
    assert.equal(await pool.square(3), 9);
  });

  test(`${transport}: a replica that dies costs its item alone, or not even that`, TIMEOUT, async (t) => {
    const sys = await booted(t, transport);
    const { pool } = sys.servers;
    const outcomes = await collect(sys.map(pool.never, numbers(200), { report: true }));
    const failed = outcomes.filter(({ error }) => error !== undefined);
    assert.deepEqual(
      failed.map(({ index, error }) => [index, isSkerryError(error, 'SKERRY_SERVER_DIED') && error.maybeExecuted]),
      [[7, true]],
    );
    assert.equal(outcomes.length, 200);
  });

  test(`${transport}: of an idempotent method no item is lost`, TIMEOUT, async (t) => {
    const sys = await booted(t, transport);
    assert.deepEqual(await collect(sys.map(sys.servers.pool.once, numbers(200))), numbers(200));
  });
}

test('what it takes is said plainly', TIMEOUT, async (t) => {
  const sys = await booted(t, 'ring');
  const wrong: readonly (readonly [run: () => unknown, pattern: RegExp])[] = [
    [
      () => sys.map(async (x: number) => x, []),
      /map\(\) takes a method of a server \(sys\.servers\.name\.method\); it was given function/,
    ],
    [() => sys.map(undefined as never, []), /it was given undefined/],
    [() => sys.map(sys.servers.pool.square, [], { orderd: true } as never), /no option "orderd"; it has: ordered, concurrency/],
    [() => sys.map(sys.servers.pool.square, [], { concurrency: 0 }), /concurrency must be an integer from 1 to 1000; it is 0/],
    [() => sys.map(sys.servers.pool.square, [], { report: 1 } as never), /report must be true or false; it is 1/],
    [() => sys.map(sys.servers.pool.square, [], { onProgress: 1 } as never), /onProgress must be a function; it is 1/],
    [() => sys.map(sys.servers.pool.square, [], null as never), /takes a method, items and options; the options are null/],
    [() => sys.map(sys.servers.pool.square, [], { signal: new AbortController() as never }), /signal must be an AbortSignal/],
  ];
  for (const [run, pattern] of wrong)
    assert.throws(run, (error) => isSkerryError(error, 'SKERRY_INVALID') && pattern.test(error.message));
  await assert.rejects(
    collect(sys.map(sys.servers.pool.square, 5 as never)),
    (error) => isSkerryError(error, 'SKERRY_INVALID') && /items that can be iterated/.test(error.message),
  );
});
