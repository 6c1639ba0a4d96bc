// A successor that is told to hold: until the kernel releases it, or a client has been too slow to say what it had in flight.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SETTLE_MS } from '../protocol/limits.ts';
import type { Dispatcher } from '../rpc/dispatcher.ts';
import { LinkConnections } from './connections.ts';
import type { Link } from './link.ts';

/** Connections of a process without clients, and whether its dispatcher is held. */
function rig(t: TestContext): { connections: LinkConnections; held: () => number } {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let held = 0;
  const connections = new LinkConnections({} as Link);
  const dispatcher = {
    hold: () => {
      held += 1;
    },
    release: () => {
      held -= 1;
    },
  };
  connections.use(dispatcher as unknown as Dispatcher);
  return { connections, held: () => held };
}

test('a successor that nobody releases starts after SETTLE_MS; a release that comes later changes nothing', async (t) => {
  const { connections, held } = rig(t);
  connections.hold();
  t.mock.timers.tick(SETTLE_MS - 1);
  await turn();
  assert.equal(held(), 1);
  t.mock.timers.tick(1);
  await turn();
  assert.equal(held(), 0);
  connections.release();
  await turn();
  assert.equal(held(), 0);
});

test('one that is released starts then, once; it can be held again', async (t) => {
  const { connections, held } = rig(t);
  for (let succession = 0; succession < 2; succession++) {
    connections.hold();
    connections.hold();
    assert.equal(held(), 1);
    connections.release();
    await turn();
    assert.equal(held(), 0);
    t.mock.timers.tick(10 * SETTLE_MS);
    await turn();
    assert.equal(held(), 0);
  }
});
