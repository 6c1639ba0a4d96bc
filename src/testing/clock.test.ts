// Time in a test's hand: timers of a server, deadlines of calls to it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../base/clock.ts';
import { type CurrentCall, getCurrentCall } from '../rpc/call-context.ts';
import { method, server } from '../server/definition.ts';
import { call } from '../system/call.ts';
import { clock } from './clock.ts';
import { mount } from './mount.ts';

const TIMEOUT = { timeout: 20_000 };
const HOUR_MS = 3_600_000;

const patient = server(() => {
  let ticks = 0;
  setInterval(() => {
    ticks += 1;
  }, 1000).unref();
  return {
    ticks: () => ticks,
    now: () => Date.now(),
    never: method({ timeoutMs: 200 }, () => {
      const { signal } = getCurrentCall() as CurrentCall;
      return new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }),
    after: method(
      { timeoutMs: 2 * HOUR_MS },
      (ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms)),
    ),
    async *each(ms: number) {
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setTimeout(resolve, ms));
        yield i;
      }
    },
  };
});

test('an hour passes at once: timers, intervals and dates of a server', TIMEOUT, async (t) => {
  const time = clock();
  t.after(() => time.restore());
  const mounted = await mount(patient);
  const before = await mounted.server.now();
  assert.equal(await mounted.server.now(), before, 'time stands still');
  const hour = mounted.server.after(HOUR_MS);
  await time.advance(HOUR_MS);
  assert.equal(await hour, HOUR_MS);
  assert.equal(await mounted.server.ticks(), 3600);
  assert.equal(await mounted.server.now(), before + HOUR_MS);
  await mounted.stop();
});

test('a deadline expires when the test says so, and not before', TIMEOUT, async (t) => {
  const time = clock();
  t.after(() => time.restore());
  const mounted = await mount(patient);
  let outcome = 'pending';
  const given = mounted.server.never().catch((error: { code: string }) => {
    outcome = error.code;
  });
  await time.advance(199);
  assert.equal(outcome, 'pending');
  await time.advance(2);
  await given;
  assert.equal(outcome, 'SKERRY_TIMEOUT');
  const longer = assert.rejects(call(mounted.server, { timeoutMs: 5000 }).after(6000), { code: 'SKERRY_TIMEOUT' });
  await time.advance(6000);
  await longer;
  await mounted.stop();
});

test('a stream whose items take time gives them as time passes', TIMEOUT, async (t) => {
  const time = clock();
  t.after(() => time.restore());
  const mounted = await mount(patient);
  const seen: number[] = [];
  const consumed = (async () => {
    for await (const item of mounted.server.each(1000)) seen.push(item);
  })();
  await time.advance(2000);
  assert.deepEqual(seen, [0, 1]);
  await time.advance(1000);
  await consumed;
  assert.deepEqual(seen, [0, 1, 2]);
  await mounted.stop();
});

test('real time is back after restore(); one clock at a time; wrong times are refused', TIMEOUT, async () => {
  const time = clock();
  assert.throws(() => clock(), { code: 'SKERRY_INVALID' });
  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    await assert.rejects(time.advance(wrong), { code: 'SKERRY_INVALID' });
  const before = nowMs();
  time.restore();
  time.restore();
  await sleep(5);
  assert.ok(nowMs() >= before + 4);
  clock().restore();
});
