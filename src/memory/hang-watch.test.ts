// Hangs, by words of a status region that the test writes and a clock that it moves: with all looks made in JavaScript, and with those
// alone that leave a doubt, which must come to the same.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { watchForHangs } from './hang-watch.ts';
import type { DoubtListener } from './native.ts';
import type { Region } from './region.ts';
import { STATUS_REGION_BYTES, StatusWord } from './status.ts';

const HEARTBEAT_MS = 500;
const [RUNNING, WAITING] = [1, 2];

/** As the addon does it. */
function watchPulse({ i32 }: Region, ms: number, onDoubt: DoubtListener): () => void {
  let turns = i32[StatusWord.turns] as number;
  let well = 0;
  return each(ms, () => {
    const [before, wereWell] = [turns, well];
    turns = i32[StatusWord.turns] as number;
    const isWell = turns !== before && i32[StatusWord.phase] === WAITING;
    well = isWell ? well + 1 : 0;
    if (!isWell) onDoubt(wereWell, before);
  });
}

/** The interval of a held clock goes on when its own callback has ended it. */
function each(ms: number, act: () => void): () => void {
  let over = false;
  const timer = setInterval(() => {
    if (!over) act();
  }, ms);
  return () => {
    over = true;
    clearInterval(timer);
  };
}

function rigOf(t: TestContext, doubts: boolean) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const i32 = new Int32Array(STATUS_REGION_BYTES / 4);
  const region = { i32 } as unknown as Region;
  let now = 100_000;
  let known: Region | undefined = region;
  const seen = { hung: 0, rung: 0, looks: 0 };
  const set = (phase: number) => {
    i32[StatusWord.phase] = phase;
    i32[StatusWord.phaseSinceMs] = now;
  };
  const turn = () => {
    i32[StatusWord.turns] = (i32[StatusWord.turns] as number) + 1;
  };
  const end = watchForHangs(
    {
      heartbeatMs: HEARTBEAT_MS,
      status: () => {
        seen.looks += 1;
        return known;
      },
      share: () => ({ state: rigged.state, cpuMs: rigged.cpuMs, delayedMs: rigged.delayedMs }),
      isAsked: () => rigged.asked,
      onDoubt: doubts ? watchPulse : undefined,
      ring: () => {
        seen.rung += 1;
        if (i32[StatusWord.phase] === WAITING && !rigged.stuck) turn(); // a loop that waits takes a turn
      },
      onHung: () => {
        seen.hung += 1;
      },
    },
    each,
    () => now,
  );
  const rigged = {
    seen,
    set,
    turn,
    end,
    i32,
    stuck: false,
    asked: false,
    /** As the operating system says; by default it runs all the time. */
    state: 'R',
    cpuMs: 0,
    delayedMs: 0,
    /** Of a core. */
    share: 1,
    forget: () => {
      known = undefined;
    },
    /** Time passes, a tenth of a heartbeat at a time. */
    pass: (ms: number) => {
      for (let left = ms; left > 0; left -= HEARTBEAT_MS / 10) {
        now += HEARTBEAT_MS / 10;
        if (rigged.state === 'R') rigged.cpuMs += (HEARTBEAT_MS / 10) * rigged.share;
        t.mock.timers.tick(HEARTBEAT_MS / 10);
      }
    },
    /** The machine sleeps: the clock goes on, no look is made. */
    sleep: (ms: number) => {
      now += ms;
    },
  };
  set(RUNNING);
  return rigged;
}

/** One that has done nothing of its own for so long. */
function idleFor(rig: Rig, t: TestContext, ms: number): ReturnType<Rig> {
  const idle = rig(t);
  idle.set(WAITING);
  idle.state = 'S';
  idle.pass(ms);
  return idle;
}

type Rig = (t: TestContext) => ReturnType<typeof rigOf>;

for (const [name, doubts] of [
  ['every look', false],
  ['looks that leave a doubt', true],
] as const) {
  const rig: Rig = (t) => rigOf(t, doubts);
  describe(name, () => {
    test('a loop without a turn is found after the heartbeat, and within twice of it', (t) => {
      const { pass, seen } = rig(t);
      pass(HEARTBEAT_MS);
      assert.equal(seen.hung, 0);
      pass(HEARTBEAT_MS);
      assert.equal(seen.hung, 1);
      pass(10 * HEARTBEAT_MS);
      assert.equal(seen.hung, 1, 'told once');
    });

    test('one that was well for long and hangs then is found within twice the heartbeat', (t) => {
      const { pass, turn, set, seen } = rig(t);
      set(WAITING);
      for (let look = 0; look < 40; look++) {
        turn();
        pass(HEARTBEAT_MS / 2);
      }
      turn();
      set(RUNNING);
      pass(HEARTBEAT_MS);
      assert.equal(seen.hung, 0);
      pass(HEARTBEAT_MS);
      assert.equal(seen.hung, 1);
    });

    test('a loop that turns lives, however much it works', (t) => {
      const { pass, turn, seen } = rig(t);
      for (let i = 0; i < 50; i++) {
        turn();
        pass(HEARTBEAT_MS / 2);
      }
      assert.equal(seen.hung, 0);
    });

    test('one that waits for events is rung, and lives', (t) => {
      const { pass, set, seen } = rig(t);
      set(WAITING);
      pass(20 * HEARTBEAT_MS);
      assert.equal(seen.hung, 0);
      assert.ok(seen.rung >= 2 && seen.rung <= 6, `rung ${seen.rung} times in 40 looks: less and less often`);
    });

    test('one that seems to wait, and does not turn when it is rung, hangs in a callback of its own', (t) => {
      const rigged = rig(t);
      rigged.set(WAITING);
      rigged.stuck = true;
      rigged.pass(2 * HEARTBEAT_MS);
      assert.equal(rigged.seen.hung, 1);
    });

    test('a machine that slept for an hour has made one look: nobody is taken for hung by the clock alone', (t) => {
      const { pass, sleep, turn, seen } = rig(t);
      turn();
      pass(HEARTBEAT_MS / 2);
      sleep(3_600_000);
      pass(HEARTBEAT_MS / 2);
      assert.equal(seen.hung, 0);
      turn();
      pass(HEARTBEAT_MS);
      assert.equal(seen.hung, 0);
    });

    test('what a debugger may hold is left alone, and nobody is looked at without a region or after the end', (t) => {
      const { pass, i32, seen, forget, end } = rig(t);
      i32[StatusWord.debugged] = 1;
      pass(20 * HEARTBEAT_MS);
      assert.equal(seen.hung, 0);
      i32[StatusWord.debugged] = 0;
      forget();
      pass(20 * HEARTBEAT_MS);
      end();
      pass(20 * HEARTBEAT_MS);
      assert.equal(seen.hung, 0);
    });

    test('a task that was announced may take as long as was said, and no longer', (t) => {
      const { set, pass, seen, i32 } = rig(t);
      set(RUNNING);
      const until = (ms: number) => {
        i32[StatusWord.longTaskUntilMs] = (100_000 + ms) & 0x7fff_ffff;
      };
      until(10_000);
      pass(10_000);
      assert.equal(seen.hung, 0);
      pass(1_500);
      assert.equal(seen.hung, 1);
    });

    test('a time beyond an hour is no announcement', (t) => {
      const { set, pass, seen, i32 } = rig(t);
      set(RUNNING);
      i32[StatusWord.longTaskUntilMs] = 0x7fff_fff0;
      pass(2_000);
      assert.equal(seen.hung, 1);
    });

    test('one that could run and gets no processor time is not taken for hung, until it gets some', (t) => {
      const starved = rig(t);
      starved.share = 0.1;
      starved.pass(6 * HEARTBEAT_MS);
      assert.equal(starved.seen.hung, 0, 'it has had half a heartbeat');
      starved.turn();
      starved.pass(6 * HEARTBEAT_MS);
      assert.equal(starved.seen.hung, 0, 'a turn begins it anew');
      starved.pass(6 * HEARTBEAT_MS);
      assert.equal(starved.seen.hung, 1);
    });

    test('a loop that gets part of a core is found within twice the heartbeat all the same', (t) => {
      const starved = rig(t);
      starved.share = 0.6;
      starved.turn();
      starved.pass(2 * HEARTBEAT_MS - HEARTBEAT_MS / 10);
      assert.equal(starved.seen.hung, 1);
    });

    test('one that sleeps or is stopped within a turn uses no processor time, and hangs', (t) => {
      for (const state of ['S', 'D', 'T']) {
        const sleeping = rig(t);
        sleeping.state = state;
        sleeping.pass(2 * HEARTBEAT_MS);
        assert.equal(sleeping.seen.hung, 1, state);
        sleeping.end();
        t.mock.timers.reset();
      }
    });

    test('one that was busy and is stopped while it waits is found within twice the heartbeat, one that was idle for long somewhat later', (t) => {
      const busy = rig(t);
      busy.set(WAITING);
      busy.state = 'S';
      for (let look = 0; look < 40; look++) {
        for (let turn = 0; turn < 5; turn++) busy.turn();
        busy.pass(HEARTBEAT_MS / 2);
      }
      assert.equal(busy.seen.rung, 0);
      busy.set(WAITING);
      busy.stuck = true;
      busy.state = 'T';
      busy.pass(2 * HEARTBEAT_MS);
      assert.equal(busy.seen.hung, 1);
      busy.end();
      t.mock.timers.reset();

      const idle = idleFor(rig, t, 40 * HEARTBEAT_MS);
      idle.stuck = true;
      idle.state = 'T';
      idle.pass(10 * HEARTBEAT_MS);
      assert.equal(idle.seen.hung, 1);
    });

    test('one that was idle and has been asked something has a heartbeat to turn, and no more than two', (t) => {
      const asked = idleFor(rig, t, 40 * HEARTBEAT_MS);
      asked.stuck = true;
      asked.asked = true;
      asked.pass(HEARTBEAT_MS);
      assert.equal(asked.seen.hung, 0);
      asked.pass(HEARTBEAT_MS);
      assert.equal(asked.seen.hung, 1);
    });

    test('after two minutes for which all stood still, a turn that goes on may end', (t) => {
      const frozen = rig(t);
      frozen.delayedMs = 1_000;
      frozen.turn();
      frozen.pass(HEARTBEAT_MS / 2);
      frozen.sleep(120_000);
      frozen.delayedMs = 2_000;
      frozen.pass(HEARTBEAT_MS / 2);
      frozen.pass(HEARTBEAT_MS / 5);
      assert.equal(frozen.seen.hung, 0);
      frozen.turn();
      frozen.pass(HEARTBEAT_MS);
      assert.equal(frozen.seen.hung, 0);
    });
  });
}

test('looks that find all well are not made here', (t) => {
  const { pass, turn, set, seen } = rigOf(t, true);
  set(WAITING);
  turn();
  pass(HEARTBEAT_MS / 2);
  assert.equal(seen.looks, 1, 'the first one finds the region');
  for (let look = 0; look < 40; look++) {
    turn();
    pass(HEARTBEAT_MS / 2);
  }
  assert.equal(seen.looks, 1);
  pass(HEARTBEAT_MS / 2);
  assert.equal(seen.looks, 2);
});

test('both come to the same, at the same time, whatever a loop does', (t) => {
  type Rigged = ReturnType<typeof rigOf>;
  const acts: readonly (readonly [number, (rigged: Rigged) => void])[] = [
    [12, () => {}],
    [4, ({ turn }) => turn()],
    [2, ({ turn }) => [1, 2, 3, 4, 5].forEach(turn)],
    [2, ({ set }) => set(RUNNING)],
    [3, ({ set }) => set(WAITING)],
    [1, (rigged) => Object.assign(rigged, { stuck: !rigged.stuck })],
    [1, (rigged) => Object.assign(rigged, { asked: !rigged.asked })],
    [1, (rigged) => Object.assign(rigged, { state: 'S' })],
    [1, (rigged) => Object.assign(rigged, { state: 'R', share: 0.3 })],
    [1, (rigged) => Object.assign(rigged, { delayedMs: rigged.delayedMs + 100 })],
    [1, ({ sleep }) => sleep(3 * HEARTBEAT_MS)],
    [1, ({ i32 }) => Object.assign(i32, { [StatusWord.debugged]: 1 - (i32[StatusWord.debugged] as number) })],
  ];
  const step = fc.oneof(
    ...acts.map(([weight, act]) => ({ weight, arbitrary: fc.tuple(fc.constant(act), fc.integer({ min: 1, max: 25 })) })),
  );
  const play = (steps: readonly (readonly [(rigged: Rigged) => void, number])[], doubts: boolean) => {
    const rigged = rigOf(t, doubts);
    const story: string[] = [];
    for (const [act, ticks] of steps) {
      act(rigged);
      for (let tick = 0; tick < ticks; tick++) {
        rigged.pass(HEARTBEAT_MS / 10);
        story.push(`${rigged.seen.hung} ${rigged.seen.rung}`);
      }
    }
    rigged.end();
    t.mock.timers.reset();
    return story;
  };
  let hung = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const every = play(steps, false);
      assert.deepEqual(play(steps, true), every);
      hung += every.at(-1)?.startsWith('1') === true ? 1 : 0;
    }),
    { numRuns: 2000 },
  );
  assert.ok(hung > 200 && hung < 2000, `${hung} of 2000 hung`);
});
