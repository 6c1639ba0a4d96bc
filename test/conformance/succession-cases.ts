// Deaths and successors: the fate of each call.

import assert from 'node:assert/strict';
import { type Cases, gate, inWorld, outcome, until } from './case.ts';
import { sleep } from './rig.ts';

const ids = (count: number): number[] => Array.from({ length: count }, (_, id) => id);
const never = (): Promise<never> => new Promise(() => {});
const DIED = { code: 'SKERRY_SERVER_DIED', maybeExecuted: true };

export const successionCases: Cases = (name, makeRig) => {
  const starts: number[] = [];
  inWorld(
    name,
    makeRig,
    'calls that the dead server had not started go to its successor, in order; started ones may have been executed',
    { hang: never },
    async (world) => {
      const { only } = world;
      const hanging = [outcome(only.call('hang')), outcome(only.call('hang'))];
      await until(() => only.end.unstarted === 0, 'two calls to start');
      const waiting = ids(300).map((id) => only.call('hang', id, 'x'.repeat((id * 37) % 700)));
      await sleep(5);
      world.define({ hang: (id: number) => starts.push(id) }, { concurrency: 2 });
      await world.kill();
      const meanwhile = only.call('hang', 300);
      assert.deepEqual(await Promise.all(hanging), [DIED, DIED]);
      await world.run();
      await Promise.all([...waiting, meanwhile]);
      assert.deepEqual(starts, ids(301));
    },
    { concurrency: 2 },
  );

  inWorld(
    name,
    makeRig,
    'answers that the server had given are delivered though it is dead',
    { echo: (value: unknown) => value, hang: never },
    async (world) => {
      const { only } = world;
      const answers = ids(20).map((id) => outcome(only.call('echo', id)));
      const hanging = outcome(only.call('hang'));
      const { dispatcher } = world;
      await until(
        () => dispatcher.options.status.started === 21 && dispatcher.running === 1,
        'all to start, and all but one to end',
      );
      await Promise.resolve();
      await new Promise((resolve) => {
        process.nextTick(resolve);
      });
      await world.kill();
      assert.deepEqual(
        await Promise.all(answers),
        ids(20).map((value) => ({ value })),
      );
      assert.deepEqual(await hanging, DIED);
      await world.run();
      assert.equal(await only.call('echo', 1), 1);
    },
  );

  const counts = new Map<number, number>();
  inWorld(
    name,
    makeRig,
    'over many deaths no call that may not be repeated runs twice, and none is lost',
    {
      once: async (id: number) => {
        counts.set(id, (counts.get(id) ?? 0) + 1);
        await sleep(id % 3);
        return id;
      },
    },
    async (world) => {
      const { only } = world;
      const outcomes: Promise<unknown>[] = [];
      let id = 0;
      for (let death = 0; death < 12; death++) {
        for (let i = 0; i < 60; i++) {
          outcomes.push(outcome(only.call('once', id)));
          id += 1;
        }
        await sleep(death % 4);
        await world.kill();
        await world.run();
      }
      const all = (await Promise.all(outcomes)) as { value?: number; code?: string }[];
      for (const [at, one] of all.entries()) {
        const runs = counts.get(at) ?? 0;
        if (one.code === undefined) assert.deepEqual({ one, runs }, { one: { value: at }, runs: 1 });
        else assert.deepEqual(one, DIED);
        assert.ok(runs <= 1, `call ${at} ran ${runs} times`);
      }
      assert.ok(all.some((one) => one.code === undefined));
    },
    { concurrency: 8 },
  );

  inWorld(
    name,
    makeRig,
    'a kill while rings are being replaced and large payloads are on their way loses nothing',
    { size: (id: number, bytes: Uint8Array) => [id, bytes.length, bytes[bytes.length - 1]], hang: never },
    async (world) => {
      const { only } = world;
      for (let round = 0; round < 8; round++) {
        const hanging = outcome(only.call('hang'));
        await until(() => only.end.unstarted === 0, 'a call to start');
        const sent = ids(60).map((id) => {
          const size = id % 15 === 4 ? 2_200_000 + id : 100 + ((id * 7919) % 12_000);
          return only.call('size', id, new Uint8Array(size).fill(id)).then((answer) => assert.deepEqual(answer, [id, size, id]));
        });
        for (let turns = 0; turns < round; turns++) {
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
        }
        await world.kill();
        assert.deepEqual(await hanging, DIED);
        await world.run();
        await Promise.all(sent);
      }
    },
    { concurrency: 1 },
  );

  const pause = gate();
  inWorld(
    name,
    makeRig,
    'an interrupted stream gives the items that were sent, then the coded error; an unstarted one runs at the successor',
    {
      count: {
        stream: true,
        run: async function* (to: number) {
          for (let i = 0; i < to; i++) {
            if (i === 10) await pause.opened;
            yield i;
          }
        },
      },
    },
    async (world) => {
      const { only } = world;
      const broken = only.stream('count', 20);
      const waiting = only.stream('count', 10);
      await until(() => world.dispatcher.running === 1 && only.end.unstarted === 1, 'the first stream to start');
      await sleep(20);
      await world.kill();
      await world.run();
      const items: unknown[] = [];
      const error = await outcome(
        (async () => {
          for await (const item of broken) items.push(item);
        })(),
      );
      assert.deepEqual(items, ids(10));
      assert.deepEqual(error, DIED);
      let count = 0;
      for await (const item of waiting) {
        assert.equal(item, count);
        count += 1;
      }
      assert.equal(count, 10);
    },
    { concurrency: 1 },
  );

  const noted: string[] = [];
  inWorld(
    name,
    makeRig,
    'a notification that was started never runs again; one that was not goes to the successor',
    {
      note: (text: string) => {
        noted.push(text);
        return never();
      },
    },
    async (world) => {
      const { only } = world;
      await only.notify('note', 'first');
      await until(() => noted.length === 1, 'the first notification to start');
      const sent = Promise.all([only.notify('note', 'second'), only.notify('note', 'third')]);
      await sleep(5);
      world.define({ note: (text: string) => void noted.push(text) }, { concurrency: 1 });
      await world.kill();
      await world.run();
      await sent;
      await until(() => noted.length >= 3, 'the other notifications');
      await sleep(10);
      assert.deepEqual(noted, ['first', 'second', 'third']);
    },
    { concurrency: 1 },
  );

  let late = 0;
  inWorld(
    name,
    makeRig,
    'a call that was given up before a death does not run at the successor',
    {
      hang: never,
      late: () => {
        late += 1;
      },
    },
    async (world) => {
      const { only } = world;
      const hanging = outcome(only.call('hang'));
      await until(() => only.end.unstarted === 0, 'the first call to start');
      const controller = new AbortController();
      const given = outcome(only.callWith({ signal: controller.signal }, 'late'));
      await sleep(5);
      controller.abort();
      await given;
      await world.kill();
      await world.run();
      await only.call('late');
      await hanging;
      assert.equal(late, 1);
    },
    { concurrency: 1 },
  );

  inWorld(
    name,
    makeRig,
    'calls before the first instance, and between two, wait for it',
    { echo: (value: unknown) => value },
    async (world) => {
      await world.kill();
      const early = ids(100).map((id) => world.only.call('echo', [id, 'y'.repeat(500)]));
      const other = world.client();
      const before = ids(50).map((id) => other.call('echo', id));
      await world.run();
      assert.deepEqual(
        (await Promise.all(early)).map((answer) => (answer as [number])[0]),
        ids(100),
      );
      assert.deepEqual(await Promise.all(before), ids(50));
    },
  );
};
