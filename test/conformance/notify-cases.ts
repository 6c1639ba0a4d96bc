// Notifications that cannot go out yet: each gets an outcome, whatever comes first.

import assert from 'node:assert/strict';
import { type Cases, inWorld, outcome } from './case.ts';

/** Needs a region of its own in a ring, so that it waits for the kernel even where the mailbox takes small ones at once. */
const LARGE_BYTES = 3_000_000;
const never = (): Promise<never> => new Promise(() => {});

export const notifyCases: Cases = (name, makeRig) => {
  inWorld(
    name,
    makeRig,
    'a notification that waits when its channel is closed is rejected: it was not executed',
    { note: never },
    async (world) => {
      await world.kill();
      const { only } = world;
      const waiting = [0, 1, 2].map(() => outcome(only.notify('note', new Uint8Array(LARGE_BYTES))));
      only.leave();
      for (const one of await Promise.all(waiting)) assert.deepEqual(one, { code: 'SKERRY_SERVER_DOWN', maybeExecuted: false });
    },
  );

  inWorld(
    name,
    makeRig,
    'a notification that waits goes out to the next instance, and resolves then',
    { note: (bytes: Uint8Array) => bytes.length },
    async (world) => {
      await world.kill();
      const waiting = [0, 1, 2].map(() => world.only.notify('note', new Uint8Array(LARGE_BYTES)));
      await world.run();
      await Promise.all(waiting);
    },
  );

  inWorld(
    name,
    makeRig,
    'a notification that waits when no successor comes is rejected: it may be executed, should one come after all',
    { note: (bytes: Uint8Array) => bytes.length },
    async (world) => {
      await world.kill();
      const waiting = outcome(world.only.notifyWith({ timeoutMs: 0 }, 'note', new Uint8Array(LARGE_BYTES)));
      world.only.down();
      assert.deepEqual(await waiting, { code: 'SKERRY_SERVER_DOWN', maybeExecuted: true });
    },
  );
};
