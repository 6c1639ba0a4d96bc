// The splitting against a server that is played: it keeps what rows leave behind, and dies.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runSplitting } from './split.ts';

class Died extends Error {}

/** Dies of guilty rows at once, and of what the others leave behind when it is more than `room`. */
function played(guilty: ReadonlySet<number>, leak = 0, room = Number.POSITIVE_INFINITY) {
  let left = 0;
  const counts = { deaths: 0, judged: 0, runs: 0 };
  const die = (): never => {
    left = 0;
    counts.deaths += 1;
    throw new Died();
  };
  return {
    counts,
    splitting: {
      async run(rows: readonly number[]): Promise<string[]> {
        counts.runs += 1;
        return rows.map((row) => {
          left += leak;
          if (guilty.has(row) || left > room) die();
          return `value ${row}`;
        });
      },
      async judge(row: number): Promise<string> {
        counts.judged += 1;
        if (guilty.has(row)) counts.deaths += 1;
        return guilty.has(row) ? 'guilty' : `value ${row}`;
      },
      isDeath: (error: unknown) => error instanceof Died,
    },
  };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('every row gets its value and exactly the guilty ones are found, wherever and however many they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(400), fc.array(fc.nat(400), { maxLength: 12 }), async (count, some) => {
      const guilty = new Set(some.filter((row) => row < count));
      const { splitting, counts } = played(guilty);
      const values = await runSplitting(numbers(count), splitting);
      assert.deepEqual(
        values,
        numbers(count).map((row) => (guilty.has(row) ? 'guilty' : `value ${row}`)),
      );
      assert.equal(counts.judged, guilty.size, 'only they are judged');
      assert.ok(counts.deaths <= 1 + 4 * guilty.size);
    }),
  );
});

test('one guilty row of 5,000 costs four deaths', async () => {
  const { splitting, counts } = played(new Set([3_217]));
  await runSplitting(numbers(5_000), splitting);
  assert.deepEqual(counts, { deaths: 4, judged: 1, runs: counts.runs });
});

test('what builds up over rows is nobody’s fault: all get their values', async () => {
  for (const room of [30, 100, 700]) {
    const { splitting, counts } = played(new Set([500]), 1, room);
    const values = await runSplitting(numbers(1_000), splitting);
    assert.deepEqual(
      values,
      numbers(1_000).map((row) => (row === 500 ? 'guilty' : `value ${row}`)),
    );
    assert.ok(counts.deaths > 2);
  }
});

test('what is no death ends it', async () => {
  const { splitting } = played(new Set());
  const down = new Error('down');
  await assert.rejects(runSplitting([1, 2], { ...splitting, run: () => Promise.reject(down) }), down);
});
