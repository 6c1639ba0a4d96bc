// Notifications that cannot go out yet: each gets an outcome, whatever comes first.

import assert from 'node:assert/strict';
import { type Cases, inWorld, outcome } from './case.ts';
import type { Method, World } from './world.ts';

/** Needs a region of its own in a ring, so that it waits for the kernel even where the mailbox takes small ones at once. */
const LARGE_BYTES = 3_000_000;
const never = (): Promise<never> => new Promise(() => {});

export const notifyCases: Cases = (name, makeRig) => {
  /** A case in a world whose server has been killed. */
  const whileDown = (sentence: string, note: Method['run'], run: (world: World) => Promise<void>): void =>
    inWorld(name, makeRig, sentence, { note }, async (world) => {
      await world.kill();
      await run(world);
    });
  const size = (bytes: Uint8Array): number => bytes.length;

  whileDown('a notification that waits when its channel is closed is rejected: it was not executed', never, async ({ only }) => {
    const waiting = [0, 1, 2].map(() => outcome(only.notify('note', new Uint8Array(LARGE_BYTES))));
    only.leave();
    for (const one of await Promise.all(waiting)) assert.deepEqual(one, { code: 'SKERRY_SERVER_DOWN', maybeExecuted: false });
  });

  whileDown('a notification that waits goes out to the next instance, and resolves then', size, async (world) => {
    const waiting = [0, 1, 2].map(() => world.only.notify('note', new Uint8Array(LARGE_BYTES)));
    await world.run();
    await Promise.all(waiting);
  });

  whileDown(
    'a notification that waits when no successor comes is rejected: it may be executed, should one come after all',
    size,
    async ({ only }) => {
      const waiting = outcome(only.notifyWith({ timeoutMs: 0 }, 'note', new Uint8Array(LARGE_BYTES)));
      only.down();
      assert.deepEqual(await waiting, { code: 'SKERRY_SERVER_DOWN', maybeExecuted: true });
    },
  );
};
