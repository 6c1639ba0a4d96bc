import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Descriptor, NativeAddon } from '../memory/native.ts';
import type { Closer } from './closer.ts';
import { Listeners } from './listeners.ts';
import type { Process } from './process-record.ts';

const WHERE = { address: '127.0.0.1', port: 80, nth: 0 };
const READY_MS = 5_000;

function stage(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const open = new Set<number>();
  let last = 0;
  const listenTcp = () => {
    last += 1;
    open.add(last);
    return last as Descriptor;
  };
  const closer = { close: (descriptor: Descriptor) => void open.delete(descriptor) };
  const listeners = new Listeners({ listenTcp } as unknown as NativeAddon, closer as unknown as Closer);
  const instance = (slot: number) => ({ name: 'web', endpoint: { node: 0, slot, generation: 1 } }) as Process;
  return { listeners, open, instance, tick: (ms: number) => t.mock.timers.tick(ms) };
}

test('the timer of an instance that dies soon after it was ready does not take the socket from its successor', (t) => {
  const { listeners, open, instance, tick } = stage(t);
  listeners.open(instance(2), WHERE);
  listeners.ready(2);
  tick(READY_MS - 1);
  listeners.died(2);
  tick(60_000); // the successor takes its time
  assert.deepEqual([...open], [1]);
  assert.equal(listeners.open(instance(2), WHERE), 1);
  listeners.ready(2);
  tick(60_000);
  assert.deepEqual([...open], [1]);
});

test('a socket is closed when each slot that has served it is down, has left it, or is ready without it', (t) => {
  const { listeners, open, instance, tick } = stage(t);
  for (const slot of [2, 3, 4]) assert.equal(listeners.open(instance(slot), WHERE), 1);
  listeners.died(2);
  listeners.down(2);
  listeners.leave(instance(3), WHERE);
  listeners.died(4);
  tick(60_000);
  assert.deepEqual([...open], [1], 'one is expected');
  listeners.ready(4);
  tick(READY_MS);
  assert.deepEqual([...open], []);
});

test('a slot asks once for a socket, another server has none of it, and a stop closes all of a server', (t) => {
  const { listeners, open, instance } = stage(t);
  listeners.open(instance(2), WHERE);
  assert.throws(() => listeners.open(instance(2), WHERE), { code: 'EADDRINUSE' });
  listeners.leave({ ...instance(2), name: 'other' } as Process, WHERE);
  assert.deepEqual([...open], [1]);
  listeners.open(instance(2), { ...WHERE, port: 0 });
  listeners.close('web');
  assert.deepEqual([...open], []);
});
