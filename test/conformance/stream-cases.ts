// Streams: items, credit, the ways to end.

import assert from 'node:assert/strict';
import { STREAM_CREDIT } from '../../src/protocol/limits.ts';
import { getCurrentCall } from '../../src/rpc/call-context.ts';
import { collectGarbage } from '../fault/collect-garbage.ts';
import { type Cases, inWorld, rejectsWith, until } from './case.ts';
import { sleep } from './rig.ts';

export const streamCases: Cases = (name, makeRig) => {
  inWorld(
    name,
    makeRig,
    'a stream gives all items in order, then its return value',
    {
      count: {
        stream: true,
        run: async function* (to: number) {
          for (let i = 0; i < to; i++) yield i;
          return 'end';
        },
      },
    },
    async ({ only }) => {
      for (const length of [0, 1, STREAM_CREDIT - 1, STREAM_CREDIT, STREAM_CREDIT + 1, 1000]) {
        const items: unknown[] = [];
        const stream = only.stream('count', length);
        for (;;) {
          const step = await stream.next();
          if (step.done === true) {
            assert.equal(step.value, 'end');
            break;
          }
          items.push(step.value);
        }
        assert.deepEqual(
          items,
          Array.from({ length }, (_, i) => i),
        );
      }
      const streams = Array.from({ length: 20 }, async () => {
        let sum = 0;
        for await (const item of only.stream('count', 200)) sum += item as number;
        return sum;
      });
      assert.deepEqual(await Promise.all(streams), new Array(20).fill(19_900));
    },
  );

  const endless = {
    stream: true,
    run: async function* () {
      for (let i = 0; ; i++) yield i;
    },
  };
  inWorld(
    name,
    makeRig,
    'streams whose consumers take nothing leave their places to other calls, and end when nobody holds them',
    { endless, echo: async (value: unknown) => value },
    async ({ only, dispatcher }) => {
      const held = only.stream('endless');
      const openMany = async () => {
        const streams = Array.from({ length: 70 }, () => only.stream('endless'));
        for (const stream of streams) assert.equal((await stream.next()).value, 0);
        assert.equal(dispatcher.running, 71);
        assert.equal(await only.call('echo', 'served'), 'served');
        assert.equal(streams.length, 70);
      };
      await openMany();
      assert.equal(only.holds, 0, 'nobody waits for an item');
      await until(() => {
        collectGarbage();
        return dispatcher.running === 1;
      }, 'only the stream that is held goes on');
      assert.equal((await held.next()).value, 0);
      await held.return?.();
    },
  );

  inWorld(
    name,
    makeRig,
    'where one call runs at a time a stream keeps its place while its consumer takes nothing',
    { endless, echo: async (value: unknown) => value },
    async ({ only }) => {
      const stream = only.stream('endless');
      assert.equal((await stream.next()).value, 0);
      let served = false;
      const call = only.call('echo', 1).then(() => {
        served = true;
      });
      await sleep(20);
      assert.equal(served, false);
      await stream.return?.();
      await call;
    },
    { concurrency: 1 },
  );

  let made = 0;
  inWorld(
    name,
    makeRig,
    'a server is never more than its credit ahead of the consumer',
    {
      count: {
        stream: true,
        run: async function* () {
          for (made = 0; made < 500; made++) yield made;
        },
      },
    },
    async ({ only }) => {
      let taken = 0;
      for await (const item of only.stream('count')) {
        assert.equal(item, taken);
        taken += 1;
        if (taken % 50 === 0) await sleep(3);
        assert.ok(made - taken <= STREAM_CREDIT + 1, `${made} were made when ${taken} had been taken`);
      }
      assert.equal(taken, 500);
    },
  );

  inWorld(
    name,
    makeRig,
    'items of a megabyte flow on, though there is room for few of them at a time',
    {
      large: {
        stream: true,
        run: async function* (count: number) {
          for (let i = 0; i < count; i++) yield new Uint8Array(1_000_000).fill(i);
        },
      },
    },
    async ({ only }) => {
      let next = 0;
      for await (const item of only.stream('large', 40)) {
        const bytes = item as Uint8Array;
        assert.equal(bytes.length, 1_000_000);
        assert.equal(bytes[999_999], next);
        next += 1;
      }
      assert.equal(next, 40);
    },
  );

  let stopped = 0;
  inWorld(
    name,
    makeRig,
    'a consumer that leaves early ends the generator, at a yield, while it waits, and at its next item',
    {
      endless: {
        stream: true,
        run: async function* (everyMs: number) {
          try {
            for (let i = 0; ; i++) {
              if (everyMs > 0) await sleep(everyMs);
              yield i;
            }
          } finally {
            stopped += 1;
          }
        },
      },
      echo: (value: unknown) => value,
    },
    async ({ only, dispatcher }) => {
      for (const everyMs of [0, 2]) {
        stopped = 0;
        for await (const item of only.stream('endless', everyMs)) if (item === 5) break;
        await until(() => stopped === 1, 'the generator to be ended');
      }
      const idle = only.stream('endless', 0);
      await idle.next();
      await sleep(5); // it waits for credit now
      await idle.return?.();
      await until(() => stopped === 2 && dispatcher.running === 0, 'the waiting generator to be ended');
      assert.equal(await only.call('echo', 1), 1);
    },
  );

  inWorld(
    name,
    makeRig,
    'an error in the middle comes after the items before it',
    {
      failing: {
        stream: true,
        run: async function* () {
          for (let i = 0; i < 40; i++) yield i;
          throw Object.assign(new RangeError('in the middle'), { code: 'E_MIDDLE' });
        },
      },
    },
    async ({ only }) => {
      const items: unknown[] = [];
      await assert.rejects(
        (async () => {
          for await (const item of only.stream('failing')) items.push(item);
        })(),
        (error: Error & { code: string }) => error instanceof RangeError && error.code === 'E_MIDDLE',
      );
      assert.equal(items.length, 40);
    },
  );

  inWorld(
    name,
    makeRig,
    'a stream whose next item does not come in time ends with SKERRY_TIMEOUT, and its handler is told',
    {
      slow: {
        stream: true,
        run: async function* () {
          yield 1;
          const signal = getCurrentCall()?.signal as AbortSignal;
          await new Promise((resolve) => {
            signal.addEventListener('abort', resolve);
          });
        },
      },
    },
    async ({ only, dispatcher }) => {
      const stream = only.streamWith({ timeoutMs: 30 }, 'slow');
      assert.equal((await stream.next()).value, 1);
      await rejectsWith(stream.next(), 'SKERRY_TIMEOUT');
      await until(() => dispatcher.running === 0, 'the handler to end');
    },
  );

  inWorld(
    name,
    makeRig,
    'credit and cancel reach a stream past calls that wait unstarted behind it',
    {
      count: {
        stream: true,
        run: async function* (to: number) {
          for (let i = 0; i < to; i++) yield i;
        },
      },
      echo: (value: unknown) => value,
    },
    async ({ only }) => {
      const stream = only.stream('count', 300);
      await until(() => only.end.unstarted === 0, 'the stream to start');
      const behind = Array.from({ length: 300 }, (_, id) => only.call('echo', 'x'.repeat(1000) + id));
      let count = 0;
      for await (const _ of stream) count += 1;
      assert.equal(count, 300);
      assert.equal((await Promise.all(behind)).length, 300);
    },
    { concurrency: 1 },
  );
};
