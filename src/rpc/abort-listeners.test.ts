import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { collectGarbage } from '../../test/fault/collect-garbage.ts';
import { onAbort } from './abort-listeners.ts';

test('all that were not taken back are called, once each', () => {
  const abort = new AbortController();
  const heard: number[] = [];
  const back = [0, 1, 2, 3, 4, 5].map((i) => onAbort(abort.signal, () => void heard.push(i)));
  for (const i of [1, 5, 1, 0]) back[i]?.();
  abort.abort();
  abort.abort();
  back[2]?.();
  assert.deepEqual(
    heard.sort((a, b) => a - b),
    [2, 3, 4],
  );
});

test('what was taken back is free for a collection of the young, however long the signal lives', async () => {
  const PIECE_BYTES = 64 * 1024;
  const abort = new AbortController();
  const held: (() => void)[] = [];
  const use = (): void => {
    const piece = new Uint8Array(PIECE_BYTES);
    held.push(onAbort(abort.signal, () => piece.fill(1)));
    if (held.length > 4) held.shift()?.();
  };
  for (let i = 0; i < 200; i++) use();
  collectGarbage(); // all that is there has grown old
  const before = process.memoryUsage().arrayBuffers;
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 50; i++) use();
    await turn();
    collectGarbage({ type: 'minor' });
  }
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 100 * PIECE_BYTES, `${grown / PIECE_BYTES} of 500 pieces are still there`);
});
