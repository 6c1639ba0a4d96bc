// The ends of a channel: what a client that leaves means for its handlers, and that all is given back (checked after each case).

import assert from 'node:assert/strict';
import { getCurrentCall } from '../../src/rpc/call-context.ts';
import { type Cases, inWorld, outcome, until } from './case.ts';
import { sleep } from './rig.ts';

export const releaseCases: Cases = (name, makeRig) => {
  let lingering = 0;
  let aborted = 0;
  inWorld(
    name,
    makeRig,
    'when a client leaves, the signals of its handlers abort, its unstarted calls never run, and other clients notice nothing',
    {
      linger: () =>
        new Promise((resolve) => {
          lingering += 1;
          getCurrentCall()?.signal.addEventListener('abort', () => {
            aborted += 1;
            resolve(undefined);
          });
        }),
      echo: (value: unknown) => value,
    },
    async (world) => {
      const { only } = world;
      const other = world.client();
      await other.introduce(world.dispatcher, world.instance);
      aborted = 0;
      lingering = 0;
      const left = Array.from({ length: 6 }, () => outcome(other.call('linger')));
      await until(() => lingering === 4, 'four to run');
      const mine = only.call('echo', 1);
      await sleep(5);
      other.leave();
      for (const one of await Promise.all(left)) assert.equal((one as { code: string }).code, 'SKERRY_ABORTED');
      assert.equal(await mine, 1);
      assert.equal(aborted, 4);
      await until(() => world.dispatcher.running === 0, 'all handlers to end');
    },
    { concurrency: 4 },
  );

  inWorld(
    name,
    makeRig,
    'a channel that is closed with everything in flight settles every call and gives all back',
    {
      slow: async (bytes: Uint8Array) => sleep(20).then(() => bytes),
      count: {
        stream: true,
        run: async function* () {
          for (let i = 0; ; i++) yield new Uint8Array(20_000).fill(i);
        },
      },
    },
    async (world) => {
      const { only } = world;
      const calls = Array.from({ length: 40 }, (_, id) =>
        outcome(only.call('slow', new Uint8Array(id % 10 === 3 ? 2_500_000 : 3_000))),
      );
      const stream = only.stream('count');
      await stream.next();
      only.leave();
      for (const one of await Promise.all(calls))
        assert.ok((one as { code?: string }).code === 'SKERRY_ABORTED' || (one as { value?: unknown }).value !== undefined);
      await until(() => world.dispatcher.running === 0, 'all handlers to end');
    },
    { concurrency: 16 },
  );

  inWorld(
    name,
    makeRig,
    'no successor comes: what waits is rejected, and a later instance serves again',
    { echo: (value: unknown) => value },
    async (world) => {
      const { only } = world;
      await world.kill();
      const waiting = Array.from({ length: 10 }, () => outcome(only.call('echo', 1)));
      only.down();
      for (const one of await Promise.all(waiting)) assert.equal((one as { code: string }).code, 'SKERRY_SERVER_DOWN');
      await world.run();
      assert.equal(await only.call('echo', 2), 2);
    },
  );
};
