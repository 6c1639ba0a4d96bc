// Limits, by a status region that the test writes, figures of its own and a clock that it moves.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Ticker } from '../../base/ticker.ts';
import type { Region } from '../../memory/region.ts';
import { STATUS_REGION_BYTES, StatusWord } from '../../memory/status.ts';
import type { Limits } from '../../server/system.ts';
import { watchLimits } from './limit-watch.ts';

const LOOK_MS = 25;

function rig(t: TestContext, limits: Limits, concurrency = 64) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const i32 = new Int32Array(STATUS_REGION_BYTES / 4);
  const region = { i32 } as unknown as Region;
  let now = 100_000;
  let cpuMs = 0;
  const ended: string[] = [];
  const unwatch = watchLimits(
    {
      pid: 7,
      limits,
      concurrency,
      status: () => region,
      ring: () => {},
      end: (reason) => {
        unwatch();
        ended.push(reason);
      },
    },
    new Ticker(),
    () => now,
    () => ({ state: 'R', cpuMs, bornMs: 0 }),
    () => ({ state: 'R', cpuMs, delayedMs: 0 }),
  );
  const write = (word: keyof typeof StatusWord, value: number) => {
    i32[StatusWord[word]] = value;
  };
  write('phase', 1);
  write('phaseSinceMs', now);
  return {
    ended,
    write,
    /** @param share of a core that it uses meanwhile. @param each at every look */
    pass(ms: number, share = 1, each = () => {}) {
      for (let left = ms; left > 0; left -= LOOK_MS) {
        now += LOOK_MS;
        cpuMs += LOOK_MS * share;
        each();
        t.mock.timers.tick(LOOK_MS);
      }
    },
    turn: () => write('turns', (i32[StatusWord.turns] as number) + 1),
    start: () => write('started', (i32[StatusWord.started] as number) + 1),
  };
}

test('without a limit of its own a server that hangs is ended after a second, unless its handlers run one at a time', (t) => {
  const many = rig(t, {});
  many.pass(500);
  assert.deepEqual(many.ended, []);
  many.pass(500);
  assert.equal(many.ended.length, 1);
  assert.match(many.ended[0] as string, /^hung: its event loop has made no turn for \d+ ms \(limits\.heartbeatMs: 500; see ctx/);
  t.mock.timers.reset();
  const one = rig(t, {}, 1);
  one.pass(60_000);
  assert.deepEqual(one.ended, []);
  t.mock.timers.reset();
  const asked = rig(t, { heartbeatMs: 1000 }, 1);
  asked.pass(2000);
  assert.equal(asked.ended.length, 1);
  t.mock.timers.reset();
  const never = rig(t, { heartbeatMs: 0 });
  never.pass(60_000);
  assert.deepEqual(never.ended, []);
});

test('processor time counts over ten seconds', (t) => {
  const { pass, ended, turn } = rig(t, { cpuPercent: 50, heartbeatMs: 0 });
  pass(20_000, 0.4, turn);
  pass(4_000, 0.58, turn); // on average below
  pass(20_000, 0.4, turn);
  assert.deepEqual(ended, []);
  pass(9_000, 1, turn);
  assert.equal(ended.length, 1);
  assert.match(ended[0] as string, /^CPU limit: it has used 5\d% of a core over 10 s \(limits\.cpuPercent: 50\)$/);
  pass(20_000, 1, turn);
  assert.equal(ended.length, 1, 'told once');
});

for (const word of ['debugged', 'debugger'] as const) {
  test(`processor time does not count while a debugger may hold it: ${word}`, (t) => {
    const { pass, ended, turn, write } = rig(t, { cpuPercent: 50, heartbeatMs: 0 });
    write(word, 1);
    pass(30_000, 1, turn);
    assert.deepEqual(ended, []);
    write(word, 0);
    pass(30_000, 1, turn);
    assert.equal(ended.length, 1);
  });
}

test('a queue is too old when calls wait and none is started for so long', (t) => {
  const { pass, ended, write, turn, start } = rig(t, { queueMs: 1000 });
  pass(10_000, 0, turn);
  assert.deepEqual(ended, [], 'nobody waits');
  write('queued', 3);
  pass(10_000, 0, () => {
    turn();
    start();
  });
  assert.deepEqual(ended, [], 'they are started, one after the other');
  write('debugged', 1);
  pass(10_000, 0, turn);
  assert.deepEqual(ended, [], 'a debugger may hold it');
  write('debugged', 0);
  pass(1_000, 0, turn);
  assert.deepEqual(ended, []);
  pass(500, 0, turn);
  assert.deepEqual(ended, ['queue limit: 3 calls have waited for 1000 ms while none was started (limits.queueMs: 1000)']);
});

test('looks of half a heartbeat are left to who makes them without JavaScript, and end with the watch', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const region = { i32: new Int32Array(STATUS_REGION_BYTES / 4) } as unknown as Region;
  const seen: unknown[] = [];
  const unwatch = watchLimits(
    {
      pid: 7,
      limits: { heartbeatMs: 301 },
      concurrency: 64,
      status: () => region,
      onDoubt: (...args) => {
        seen.push(args.slice(0, 2));
        return () => seen.push('over');
      },
      ring: () => {},
      end: () => {},
    },
    new Ticker(),
    () => 100_000,
  );
  t.mock.timers.tick(1000);
  assert.deepEqual(seen, [[region, 150.5]]);
  unwatch();
  assert.deepEqual(seen, [[region, 150.5], 'over']);
});
