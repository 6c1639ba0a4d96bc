import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Descriptor, NativeAddon } from '../memory/native.ts';
import { Closer } from './closer.ts';

const LOOK_AGAIN_MS = 20;

test('a descriptor is closed at once when no message waits with it, else when none does any more, and once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const closed: number[] = [];
  const queued = new Set<number>([1, 2]);
  const addon = { close: (descriptor: Descriptor) => closed.push(descriptor) } as unknown as NativeAddon;
  const closer = new Closer(addon, (descriptor) => queued.has(descriptor));
  for (const descriptor of [1, 2, 3]) closer.close(descriptor as Descriptor);
  assert.deepEqual(closed, [3]);
  for (let look = 0; look < 5; look++) t.mock.timers.tick(LOOK_AGAIN_MS);
  assert.deepEqual(closed, [3]);
  queued.delete(2);
  t.mock.timers.tick(LOOK_AGAIN_MS);
  assert.deepEqual(closed, [3, 2]);
  queued.clear(); // its port is gone, and its queue with it
  for (let look = 0; look < 5; look++) t.mock.timers.tick(LOOK_AGAIN_MS);
  assert.deepEqual(closed, [3, 2, 1]);
});
