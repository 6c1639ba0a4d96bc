// One timer for the deadlines of many calls, with timers and a clock that the test moves.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setClock } from '../base/clock.ts';
import { type DeadlineOwner, Deadlines } from './deadlines.ts';

const TIMEOUT_MS = 30_000;

/** An owner whose calls are their deadlines. */
function rig(t: TestContext) {
  let now = 1000.5;
  let alarm: { readonly atMs: number; readonly act: () => void } | undefined;
  const pending = new Set<number>();
  const seen = { set: 0, fired: 0, expired: 0, earlyMs: 0 };
  setClock(() => now);
  t.after(() => setClock(undefined));
  t.mock.method(globalThis, 'setTimeout', (act: () => void, ms: number) => {
    seen.set += 1;
    const own = { atMs: now + ms, act };
    alarm = own;
    return { unref: () => {}, own };
  });
  t.mock.method(globalThis, 'clearTimeout', (timer: { readonly own: object } | undefined) => {
    if (timer?.own === alarm) alarm = undefined;
  });
  const deadlines = new Deadlines();
  const owner: DeadlineOwner = {
    expire(nowMs) {
      for (const one of pending) if (one <= nowMs && pending.delete(one)) seen.expired += 1;
      return Math.min(Number.POSITIVE_INFINITY, ...pending);
    },
  };
  deadlines.add(owner);
  return {
    seen,
    owner,
    pending,
    deadlines,
    /** @returns its deadline. */
    call(timeoutMs = TIMEOUT_MS): number {
      pending.add(now + timeoutMs);
      deadlines.note(now + timeoutMs);
      return now + timeoutMs;
    },
    pass(ms: number): void {
      const end = now + ms;
      for (let turns = 0; alarm !== undefined && alarm.atMs <= end; turns++) {
        assert.ok(turns < 1000, 'the timer is set again and again');
        const { atMs, act } = alarm;
        alarm = undefined;
        now = atMs - seen.earlyMs;
        seen.fired += 1;
        act();
      }
      now = end;
    },
  };
}

test('calls expire at their deadlines, whatever the order in which they were made', (t) => {
  const { call, pass, pending, seen } = rig(t);
  call();
  call(100);
  call(5000);
  pass(101);
  assert.equal(seen.expired, 1);
  pass(4900);
  assert.equal(seen.expired, 2);
  assert.equal(pending.size, 1);
  pass(25_000);
  assert.equal(seen.expired, 3);
});

test('as long as calls come none of them sets the timer, and once they have ceased it stands no more', (t) => {
  const { call, pass, pending, seen } = rig(t);
  pending.delete(call());
  assert.equal(seen.set, 1);
  let byCalls = 0;
  for (let i = 0; i < 1200; i++) {
    const before = seen.set;
    pending.delete(call());
    byCalls += seen.set - before;
    pass(100);
  }
  assert.equal(byCalls, 0);
  assert.ok(seen.fired >= 3 && seen.fired <= 4, `it fired ${seen.fired} times in two minutes`);
  pass(10 * TIMEOUT_MS);
  assert.ok(seen.fired <= 6, `it fired ${seen.fired} times`);
  assert.equal(seen.expired, 0);
  call(50);
  pass(51);
  assert.equal(seen.expired, 1);
});

test('a shorter timeout among longer ones is kept, also where the longer was noted last', (t) => {
  const { call, pass, pending, seen } = rig(t);
  pending.delete(call());
  pending.delete(call(10 * TIMEOUT_MS));
  pass(TIMEOUT_MS + 1); // nothing is pending: it stands at the longer one now
  call(100);
  pass(101);
  assert.equal(seen.expired, 1);
});

test('a paused process expires nothing until it goes on', (t) => {
  const { call, pass, deadlines, seen } = rig(t);
  deadlines.isPaused = () => true;
  call(100);
  pass(10_000);
  assert.equal(seen.expired, 0);
  deadlines.isPaused = () => false;
  pass(1001);
  assert.equal(seen.expired, 1);
});

test('a timer that fires a moment too early is not set once more for a call that is settled', (t) => {
  const { call, pass, pending, seen } = rig(t);
  seen.earlyMs = 0.4;
  pending.delete(call());
  pass(10 * TIMEOUT_MS);
  assert.equal(seen.fired, 1);
});

test('a call that an owner makes while it looks through its own is noted', (t) => {
  const { call, pass, owner, pending, deadlines, seen } = rig(t);
  let isFirst = true;
  deadlines.add({
    expire() {
      if (isFirst) {
        call(5);
        call(TIMEOUT_MS);
      }
      isFirst = false;
      return Number.POSITIVE_INFINITY;
    },
  });
  call(100);
  pass(101);
  pass(6);
  assert.equal(seen.expired, 2);
  deadlines.remove(owner);
  call(50);
  pass(100);
  assert.equal(seen.expired, 2, 'one that is gone is asked no more');
  assert.equal(pending.size, 2);
});
