import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BACKOFF, nextRestart } from './backoff.ts';

test('a stable instance is started again at once, and clears the count', () => {
  assert.deepEqual(nextRestart(DEFAULT_BACKOFF, 4, 500), { unstable: 0, afterMs: 0 });
  assert.deepEqual(nextRestart(DEFAULT_BACKOFF, 0, 60_000), { unstable: 0, afterMs: 0 });
});

test('unstable deaths back off, and the fifth in a row makes a zombie', () => {
  const waits: (number | undefined)[] = [];
  let unstable = 0;
  for (let death = 0; death < 5; death++) {
    const next = nextRestart(DEFAULT_BACKOFF, unstable, death % 2 === 0 ? undefined : 499);
    waits.push(next.afterMs);
    unstable = next.unstable;
  }
  assert.deepEqual(waits, [0, 50, 200, 1000, undefined]);
});

test('with more deaths allowed the wait grows to 30 s and no further', () => {
  const policy = { stableMs: 500, unstableMax: 100 };
  assert.equal(nextRestart(policy, 7, undefined).afterMs, 16_000);
  assert.equal(nextRestart(policy, 50, undefined).afterMs, 30_000);
});
