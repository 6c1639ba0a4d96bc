// Calls: values, order, concurrency, errors, cancellation, deadlines, overload.

import assert from 'node:assert/strict';
import { SkerryError } from '../../src/base/errors.ts';
import { getCurrentCall } from '../../src/rpc/call-context.ts';
import { type Cases, gate, inWorld, outcome, rejectsWith, until } from './case.ts';
import { sleep } from './rig.ts';

const echo = async (value: unknown): Promise<unknown> => value;

function values(): unknown[] {
  const cycle: Record<string, unknown> = { name: 'cycle' };
  cycle.self = cycle;
  const shared = { x: 1 };
  return [
    undefined,
    null,
    true,
    -0,
    Number.NaN,
    2 ** 53,
    1.5,
    10n ** 30n,
    '',
    'ascii',
    'ünï',
    '漢字 🎈',
    [1, 'two', [3]],
    // biome-ignore lint/suspicious/noSparseArray: holes travel
    [1, , 3],
    { a: { b: { c: [] } } },
    cycle,
    [shared, shared],
    new Date(1234567890),
    /a+b/giu,
    new Map<unknown, unknown>([['k', new Set([1, 2])]]),
    new Uint8Array([1, 2, 3]),
    new Float64Array([1.5, -0]),
    new ArrayBuffer(5),
    new TypeError('a type error'),
  ];
}

export const callCases: Cases = (name, makeRig) => {
  inWorld(name, makeRig, 'a call gives back every kind of value as it was', { echo }, async ({ only }) => {
    for (const value of values()) assert.deepStrictEqual(await only.call('echo', value), value);
  });

  inWorld(
    name,
    makeRig,
    'a thousand calls at once get their own answers, in any order of the answers',
    {
      late: async (ms: number, id: number) => {
        if (ms > 0) await sleep(ms);
        return id;
      },
    },
    async ({ only }) => {
      const ids = Array.from({ length: 1000 }, (_, id) => id);
      const answered: number[] = [];
      const answers = ids.map((id) => only.call('late', (id * 7) % 5, id).then((value) => answered.push(value as number)));
      await Promise.all(answers);
      assert.deepEqual(
        [...answered].sort((a, b) => a - b),
        ids,
      );
      assert.notDeepEqual(answered, ids);
    },
  );

  const log: string[] = [];
  inWorld(
    name,
    makeRig,
    'handlers that keep the processor busy do not hold back the answers of those that are done',
    {
      busy: async (ms: number, id: number) => {
        for (const start = performance.now(); performance.now() - start < ms; );
        log.push(`ran ${id}`);
      },
    },
    async ({ only }) => {
      await only.call('busy', 0, 0);
      log.length = 0;
      const ids = Array.from({ length: 8 }, (_, id) => id);
      await Promise.all(ids.map((id) => only.call('busy', 3, id).then(() => log.push(`answered ${id}`))));
      assert.ok(log.indexOf('answered 0') < log.indexOf('ran 4'), log.join(', '));
    },
  );

  const state = { n: 0 };
  inWorld(
    name,
    makeRig,
    'what a handler returns at once is answered as it is then, though the next one changes it',
    {
      next: () => {
        state.n += 1;
        return state;
      },
    },
    async ({ only }) => {
      state.n = 0;
      const answers = await Promise.all(Array.from({ length: 50 }, () => only.call('next')));
      assert.deepEqual(
        answers,
        Array.from({ length: 50 }, (_, i) => ({ n: i + 1 })),
      );
    },
  );

  const started: number[] = [];
  inWorld(
    name,
    makeRig,
    'calls and notifications start in the order in which they were sent',
    { mark: (id: number) => started.push(id) },
    async ({ only }) => {
      started.length = 0;
      const sent: Promise<unknown>[] = [];
      for (let id = 0; id < 600; id++) sent.push(id % 3 === 0 ? only.notify('mark', id) : only.call('mark', id));
      await Promise.all(sent);
      await until(() => started.length === 600, '600 starts');
      assert.deepEqual(
        started,
        Array.from({ length: 600 }, (_, id) => id),
      );
    },
  );

  inWorld(
    name,
    makeRig,
    'an error arrives with code, data, cause and its own stack',
    {
      fail: async () => {
        throw new SkerryError('SKERRY_NOT_FOUND', 'no such thing', { data: { id: 7 }, cause: new RangeError('beneath') });
      },
      failPlain: () => {
        throw Object.assign(new TypeError('plain'), { code: 'E_OWN', data: { x: [1] } });
      },
      failOdd: () => {
        throw 'a string';
      },
    },
    async ({ only }) => {
      await assert.rejects(only.call('fail'), (error: SkerryError) => {
        assert.ok(error instanceof SkerryError);
        assert.equal(error.code, 'SKERRY_NOT_FOUND');
        assert.deepEqual(error.data, { id: 7 });
        assert.ok(error.cause instanceof RangeError);
        assert.match(error.stack ?? '', /call-cases/);
        return true;
      });
      await assert.rejects(only.call('failPlain'), (error: TypeError & { code: string; data: unknown }) => {
        assert.ok(error instanceof TypeError);
        assert.equal(error.code, 'E_OWN');
        assert.deepEqual(error.data, { x: [1] });
        return true;
      });
      await assert.rejects(only.call('failOdd'), /a string/);
    },
  );

  inWorld(
    name,
    makeRig,
    'an unknown method and a denied one are refused by the server, and the channel goes on',
    { echo, secret: echo },
    async ({ only }) => {
      await rejectsWith(only.call('nothing', 1), 'SKERRY_NOT_FOUND');
      await rejectsWith(only.call('secret', 1), 'SKERRY_DENIED');
      assert.equal(await only.call('echo', 2), 2);
    },
    { allowed: ['echo'] },
  );

  inWorld(
    name,
    makeRig,
    'what cannot travel is refused with its path, nothing is sent, and the channel goes on',
    { echo, bad: () => ({ deep: [() => {}] }) },
    async ({ only, dispatcher }) => {
      await assert.rejects(only.call('echo', { deep: [() => {}] }), /args\[0\]\.deep\[0\]/);
      await rejectsWith(only.call('echo', Symbol('s')), 'SKERRY_UNSENDABLE');
      assert.equal(dispatcher.options.status.started, 0);
      await assert.rejects(only.call('bad'), /result\.deep\[0\]/);
      assert.equal(await only.call('echo', 1), 1);
    },
  );

  inWorld(name, makeRig, 'arguments that call while they are encoded disturb nothing', { echo }, async ({ only }) => {
    const inner: Promise<unknown>[] = [];
    const nosy = (id: number) => ({
      before: 'b'.repeat(40),
      get asked() {
        inner.push(only.call('echo', `inner ${id}`), only.call('echo', [id]));
        return id;
      },
      after: 'a'.repeat(40),
    });
    const outer = Array.from({ length: 20 }, (_, id) => only.call('echo', nosy(id)));
    const answers = await Promise.all(outer);
    assert.deepEqual(
      answers.map((answer) => (answer as { asked: number }).asked),
      Array.from({ length: 20 }, (_, id) => id),
    );
    assert.deepEqual((await Promise.all(inner)).slice(0, 2), ['inner 0', [0]]);
  });

  const gates = { running: 0, most: 0 };
  inWorld(
    name,
    makeRig,
    'at most `concurrency` handlers run at once; the rest waits unstarted',
    {
      work: async () => {
        gates.running += 1;
        gates.most = Math.max(gates.most, gates.running);
        await sleep(1);
        gates.running -= 1;
      },
    },
    async ({ only }) => {
      await Promise.all(Array.from({ length: 60 }, () => only.call('work')));
      assert.equal(gates.most, 3);
    },
    { concurrency: 3 },
  );

  const hold = gate();
  inWorld(
    name,
    makeRig,
    'a client that has queueMax calls waiting is refused at once with SKERRY_BUSY',
    { wait: () => hold.opened },
    async ({ only }) => {
      const sent = Array.from({ length: 200 }, () => outcome(only.call('wait')));
      const outcomes = sent.slice(-100);
      await sleep(20);
      hold.open();
      for (const refused of await Promise.all(outcomes)) assert.deepEqual(refused, { code: 'SKERRY_BUSY', maybeExecuted: false });
      const accepted = (await Promise.all(sent)).filter((one) => (one as { code?: string }).code === undefined).length;
      assert.ok(accepted >= 16 && accepted <= 33, `${accepted} calls were accepted`);
    },
    { concurrency: 1, queueMax: 16 },
  );

  const first = gate();
  let ran = 0;
  inWorld(
    name,
    makeRig,
    'a call that is cancelled before it started never runs',
    {
      block: () => first.opened,
      count: () => {
        ran += 1;
      },
    },
    async ({ only }) => {
      const blocked = only.call('block');
      await until(() => only.end.unstarted === 0, 'the first call to start');
      const controller = new AbortController();
      const cancelled = Array.from({ length: 20 }, () => outcome(only.callWith({ signal: controller.signal }, 'count')));
      await sleep(10);
      controller.abort();
      for (const one of await Promise.all(cancelled)) assert.equal((one as { code: string }).code, 'SKERRY_ABORTED');
      await sleep(5); // a cancel takes its way
      first.open();
      await blocked;
      await only.call('count');
      assert.equal(ran, 1);
    },
    { concurrency: 1 },
  );

  let aborted: unknown;
  const stopped = gate();
  inWorld(
    name,
    makeRig,
    'a running call that is cancelled: its caller hears at once, its handler by the signal, even while others wait unstarted',
    {
      linger: async () => {
        const signal = getCurrentCall()?.signal as AbortSignal;
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
        aborted = signal.reason;
        await stopped.opened;
      },
      echo,
    },
    async ({ only }) => {
      const controller = new AbortController();
      const lingering = outcome(only.callWith({ signal: controller.signal }, 'linger'));
      await until(() => only.end.unstarted === 0, 'the call to start');
      const waiting = Array.from({ length: 50 }, (_, id) => only.call('echo', 'x'.repeat(2000) + id));
      await sleep(5);
      controller.abort(new Error('enough'));
      assert.equal(((await lingering) as { code: string }).code, 'SKERRY_ABORTED');
      await until(() => aborted !== undefined, 'the signal of the handler');
      assert.equal((aborted as SkerryError).code, 'SKERRY_ABORTED');
      stopped.open();
      await Promise.all(waiting);
    },
    { concurrency: 1 },
  );

  const asked = gate();
  let late: AbortSignal | undefined;
  inWorld(
    name,
    makeRig,
    'a signal that is asked for after the abort says so',
    {
      slow: async () => {
        await asked.opened;
        late = getCurrentCall()?.signal;
      },
    },
    async ({ only, dispatcher }) => {
      const controller = new AbortController();
      const call = outcome(only.callWith({ signal: controller.signal }, 'slow'));
      await until(() => only.end.unstarted === 0, 'the call to start');
      controller.abort();
      await call;
      await until(() => dispatcher.running === 0 || only.end.unstarted === 0, 'the abort to arrive');
      await sleep(50);
      asked.open();
      await until(() => late !== undefined, 'the handler to go on');
      assert.equal(late?.aborted, true);
      assert.equal((late?.reason as SkerryError | undefined)?.code, 'SKERRY_ABORTED');
    },
  );

  inWorld(
    name,
    makeRig,
    'a call without an answer ends at its deadline, and its late answer hits nobody',
    { sleep: async (ms: number, value: unknown) => sleep(ms).then(() => value), echo },
    async ({ only }) => {
      assert.deepEqual(await outcome(only.callWith({ timeoutMs: 20 }, 'sleep', 60, 'late')), {
        code: 'SKERRY_TIMEOUT',
        maybeExecuted: true,
      });
      for (let id = 0; id < 1200; id += 100) {
        assert.deepEqual(
          await Promise.all(Array.from({ length: 100 }, (_, i) => only.call('echo', id + i))),
          Array.from({ length: 100 }, (_, i) => id + i),
        );
      }
      await sleep(60);
      assert.equal(await only.call('echo', 'on'), 'on');
    },
  );

  inWorld(
    name,
    makeRig,
    'a slot that is used again at once: what was given up in it, and what comes late for that, hits no later call',
    { sleep: async (ms: number, value: unknown) => sleep(ms).then(() => value), echo },
    async ({ only }) => {
      for (let round = 0; round < 60; round++) {
        const controller = new AbortController();
        const given = Array.from({ length: 4 }, (_, n) =>
          outcome(only.callWith({ signal: controller.signal }, 'sleep', n % 3, `given up ${round}.${n}`)),
        );
        const late = outcome(only.callWith({ timeoutMs: 1 }, 'sleep', 3, `late ${round}`));
        if (round % 3 > 0) await sleep(round % 3);
        controller.abort();
        const ids = Array.from({ length: 8 }, (_, n) => `${round}.${n}`);
        assert.deepEqual(await Promise.all(ids.map((id) => only.call('echo', id))), ids);
        const isFine = (ended: unknown, value: string, code: string) =>
          'value' in (ended as object)
            ? assert.deepEqual(ended, { value })
            : assert.equal((ended as { readonly code?: string }).code, code);
        for (const [n, ended] of (await Promise.all(given)).entries()) isFine(ended, `given up ${round}.${n}`, 'SKERRY_ABORTED');
        isFine(await late, `late ${round}`, 'SKERRY_TIMEOUT');
      }
    },
  );
};
