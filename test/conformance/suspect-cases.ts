// Suspects and poison: calls that may be repeated and were running when their server died.

import assert from 'node:assert/strict';
import { type Cases, gate, inWorld, outcome, until } from './case.ts';
import { sleep } from './rig.ts';
import type { Method } from './world.ts';

const never = (): Promise<never> => new Promise(() => {});

/** A method that may be repeated: so many runs of it hang, and those after them give back what they were given. */
function hangingWork(hanging: number): Method & { runs: number } {
  const work = {
    runs: 0,
    idempotent: true,
    run: (id: number) => {
      work.runs += 1;
      return work.runs <= hanging ? never() : id;
    },
  };
  return work;
}

export const suspectCases: Cases = (name, makeRig) => {
  const log: string[] = [];
  let running = 0;
  inWorld(
    name,
    makeRig,
    'started calls that may be repeated run again at the successor: first, one at a time, with nothing else in flight',
    { work: { idempotent: true, run: never } },
    async (world) => {
      const { only } = world;
      const other = world.client();
      await other.introduce(world.dispatcher, world.instance);
      const suspects = [only.call('work', 's1'), other.call('work', 's2'), only.call('work', 's3')];
      await until(() => world.dispatcher.running === 3, 'three calls to start');
      const others = [only.call('work', 'a'), other.call('work', 'b'), only.call('work', 'c')];
      await sleep(5);
      world.define(
        {
          work: {
            idempotent: true,
            run: async (id: string) => {
              running += 1;
              log.push(`${id} with ${running}`);
              await sleep(3);
              running -= 1;
              return id;
            },
          },
        },
        { concurrency: 3 },
      );
      await world.kill();
      await world.run();
      assert.deepEqual(await Promise.all([...suspects, ...others]), ['s1', 's2', 's3', 'a', 'b', 'c']);
      assert.deepEqual(log.slice(0, 3).sort(), ['s1 with 1', 's2 with 1', 's3 with 1']);
      assert.ok(log.indexOf('s1 with 1') < log.indexOf('s3 with 1'), 'suspects of one client keep their order');
    },
    { concurrency: 3 },
  );

  let runs = 0;
  const kill = gate();
  inWorld(
    name,
    makeRig,
    'a call that was alone at two deaths is rejected with SKERRY_POISON; the rest goes on',
    {
      poison: {
        idempotent: true,
        run: () => {
          runs += 1;
          kill.open();
          return never();
        },
      },
      echo: { idempotent: true, run: (value: unknown) => value },
    },
    async (world) => {
      const { only } = world;
      assert.equal(await only.call('echo', 0), 0);
      const poisoned = outcome(only.call('poison'));
      await until(() => runs === 1, 'the call to run');
      await world.kill();
      const waiting = only.call('echo', 1);
      await world.run();
      await until(() => runs === 2, 'the suspect to run');
      await sleep(5);
      await world.kill();
      await world.run();
      assert.deepEqual(await poisoned, { code: 'SKERRY_POISON', maybeExecuted: true });
      assert.equal(await waiting, 1);
      assert.equal(runs, 2);
    },
  );

  const attempts = hangingWork(2);
  inWorld(
    name,
    makeRig,
    'a call that shared both deaths with others is not poisoned before it was alone',
    { work: attempts },
    async (world) => {
      const { only } = world;
      const both = [only.call('work', 1), only.call('work', 2)];
      await until(() => attempts.runs === 2, 'both to run');
      await world.kill();
      await world.run();
      assert.deepEqual(await Promise.all(both), [1, 2]);
    },
  );

  const ordered = hangingWork(3);
  inWorld(
    name,
    makeRig,
    'a death that was ordered makes no suspects: calls that may be repeated just run again',
    { work: ordered, once: never },
    async (world) => {
      const { only } = world;
      const again = [only.call('work', 1), only.call('work', 2), only.call('work', 3)];
      const once = outcome(only.call('once'));
      await until(() => ordered.runs === 3 && world.dispatcher.running === 4, 'all to run');
      await world.kill({ ordered: true });
      await world.run();
      assert.deepEqual(await Promise.all(again), [1, 2, 3]);
      assert.deepEqual(await once, { code: 'SKERRY_SERVER_DIED', maybeExecuted: true });
    },
  );

  const second = hangingWork(5);
  inWorld(
    name,
    makeRig,
    'a suspect that the successor did not start either goes to the next one',
    { work: second },
    async (world) => {
      const { only } = world;
      const controller = new AbortController();
      const calls = [only.call('work', 1), only.call('work', 2), only.call('work', 3)];
      const left = outcome(only.callWith({ signal: controller.signal }, 'work', 4));
      await until(() => second.runs === 4, 'all to run');
      await world.kill();
      await world.run(); // the first suspect hangs, the others wait behind it
      await until(() => second.runs === 5, 'the first suspect to run');
      controller.abort();
      await left;
      await sleep(5);
      await world.kill();
      await world.run();
      assert.deepEqual(await Promise.all(calls), [1, 2, 3]);
      assert.equal(second.runs, 8);
      assert.equal(only.channel.inFlight, 0);
    },
  );

  const stuck = hangingWork(3);
  inWorld(
    name,
    makeRig,
    'a suspect that hangs holds the others up until its caller gives it up, and no longer',
    { work: stuck },
    async (world) => {
      const { only } = world;
      const controller = new AbortController();
      const hangs = outcome(only.callWith({ signal: controller.signal }, 'work', 1));
      const stays = only.call('work', 2);
      await until(() => stuck.runs === 2, 'both to run');
      await world.kill();
      const waits = only.call('work', 3);
      await world.run();
      await until(() => stuck.runs === 3, 'the first suspect to run');
      assert.equal(world.dispatcher.running, 1, 'nothing runs beside it');
      controller.abort();
      assert.equal(((await hangs) as { code: string }).code, 'SKERRY_ABORTED');
      assert.deepEqual(await Promise.all([stays, waits]), [2, 3]);
      assert.equal(world.dispatcher.running, 1, 'its handler goes on: only its author knows how to end it');
    },
  );

  const gone = hangingWork(2);
  inWorld(
    name,
    makeRig,
    'a suspect whose caller gives it up between the instances does not hold up the others',
    { work: gone },
    async (world) => {
      const { only } = world;
      const controller = new AbortController();
      const left = outcome(only.callWith({ signal: controller.signal }, 'work', 1));
      const stays = only.call('work', 2);
      await until(() => gone.runs === 2, 'both to run');
      await world.kill();
      controller.abort();
      assert.equal(((await left) as { code: string }).code, 'SKERRY_ABORTED');
      await world.run();
      assert.equal(await stays, 2);
      assert.equal(await only.call('work', 3), 3);
    },
  );

  inWorld(
    name,
    makeRig,
    'a client that leaves with its suspects unstarted does not hold up the others',
    { work: { idempotent: true, run: never } },
    async (world) => {
      const { only } = world;
      const other = world.client();
      await other.introduce(world.dispatcher, world.instance);
      const left = [outcome(other.call('work', 1)), outcome(other.call('work', 2))];
      const stays = only.call('work', 3);
      await until(() => world.dispatcher.running === 3, 'all to run');
      world.define({ work: { idempotent: true, run: async (id: number) => sleep(5).then(() => id) } });
      await world.kill();
      const successor = world.run();
      await successor;
      other.leave();
      assert.equal(await stays, 3);
      for (const one of await Promise.all(left))
        assert.ok((one as { code?: string }).code === 'SKERRY_ABORTED' || (one as { value?: number }).value !== undefined);
      assert.equal(await only.call('work', 4), 4);
    },
  );
};
