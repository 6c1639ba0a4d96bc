import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Room } from './room.ts';

test('no more is taken than there is, in the order of asking, and a failure gives back what it had', {
  timeout: 10_000,
}, async () => {
  const room = new Room(100);
  let taken = 0;
  let most = 0;
  const order: number[] = [];
  const read = (name: number, bytes: number, fails = false) =>
    room.within(bytes, async () => {
      order.push(name);
      taken += bytes;
      most = Math.max(most, taken);
      await sleep(5);
      taken -= bytes;
      if (fails) throw new Error('as asked');
      return name;
    });
  const all = await Promise.allSettled([read(0, 60), read(1, 50, true), read(2, 40), read(3, 100), read(4, 1), read(5, 99)]);
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5]);
  assert.ok(most <= 100, `${most}`);
});
