import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ControlPort } from '../channel/control/port.ts';
import { type Kind, type Owner, Spares, type Unborn } from './spares.ts';

const PLAIN: Kind = { env: {}, memoryMb: 0, background: false };
const LIMITED: Kind = { ...PLAIN, memoryMb: 100 };
const CALM_MS = 250;
const FIRST_CALM_MS = 1_000;

/** Spares of processes that are none; their pid is this one's, so that the operating system says of each that it runs. */
function stage(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const started: (Unborn & { readonly kind: Kind; killed: boolean })[] = [];
  const warnings: string[] = [];
  let isPossible = true;
  const spares = new Spares({
    start: (kind, owner) => {
      if (!isPossible) throw new Error('no processes left');
      const child = {
        pid: process.pid,
        port: {} as ControlPort,
        output: [],
        kill: () => void Object.assign(one, { killed: true }),
      };
      const one = { kind, owner, child, killed: false };
      started.push(one);
      return one;
    },
    prepare: () => {},
    forget: () => {},
    changed: () => {},
    warn: (line) => warnings.push(line),
  });
  const owner = (which: number): Owner => (started[which] as Unborn).owner;
  return {
    spares,
    started,
    warnings,
    tick: (ms: number) => t.mock.timers.tick(ms),
    warm: (which: number) => {
      owner(which).onMessage({ t: 'warm' }, []);
      t.mock.timers.tick(0);
    },
    die: (which: number) => owner(which).onExit({ code: 1, signal: null }),
    killed: (which: number) => owner(which).onExit({ code: null, signal: 'SIGKILL' }),
    setPossible: (possible: boolean) => {
      isPossible = possible;
    },
  };
}

test('spares are made when it is calm, one at a time, so many of each kind', (t) => {
  const { spares, started, tick, warm } = stage(t);
  spares.keep(2, [PLAIN, LIMITED, { ...PLAIN }]);
  tick(FIRST_CALM_MS - 1);
  spares.calm();
  tick(FIRST_CALM_MS - 1);
  assert.equal(started.length, 0);
  tick(1);
  assert.deepEqual(
    started.map(({ kind }) => kind),
    [PLAIN],
  );
  for (let which = 0; which < 4; which++) {
    tick(10_000);
    assert.equal(started.length, which + 1);
    warm(which);
  }
  tick(10_000);
  assert.deepEqual(
    started.map(({ kind }) => kind),
    [PLAIN, PLAIN, LIMITED, LIMITED],
  );
});

test('one is taken when it is warm, of its kind, once; another is made in its place', (t) => {
  const { spares, started, tick, warm } = stage(t);
  spares.keep(1, [PLAIN]);
  tick(FIRST_CALM_MS);
  assert.equal(spares.take(PLAIN), undefined, 'not warm');
  warm(0);
  assert.equal(spares.take(LIMITED), undefined, 'of another kind');
  assert.equal(spares.take({ ...PLAIN, env: { A: '1' } }), undefined);
  assert.equal(spares.take({ ...PLAIN }), started[0]);
  assert.equal(spares.take(PLAIN), undefined, 'taken');
  spares.calm();
  tick(CALM_MS);
  assert.equal(started.length, 2);
});

test('one that dies is replaced; a kind whose spares are of no use is given up, and said so, until modules have changed', (t) => {
  const { spares, started, warnings, tick, warm, die, killed } = stage(t);
  spares.keep(1, [PLAIN]);
  tick(FIRST_CALM_MS);
  for (let which = 0; which < 10; which++) {
    if (which % 2 === 0) warm(which);
    killed(which); // by somebody: that says nothing of its kind
    tick(CALM_MS);
    assert.equal(started.length, which + 2);
  }
  for (let which = 10; which < 15; which++) {
    if (which % 2 === 0) warm(which); // it was warm, and died soon after
    started[which]?.owner.onMessage({ t: 'dying', error: { message: 'out of\u001border' } }, []);
    die(which);
    tick(60_000);
  }
  assert.equal(started.length, 15);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /5 spare processes in a row.*out of\?order/);
  spares.renew();
  spares.calm();
  tick(CALM_MS);
  assert.equal(started.length, 16);
});

test('one that does not get warm is ended; what cannot be started is tried again', (t) => {
  const { spares, started, tick, warm, setPossible } = stage(t);
  setPossible(false);
  spares.keep(1, [PLAIN]);
  tick(FIRST_CALM_MS);
  assert.equal(started.length, 0);
  setPossible(true);
  tick(CALM_MS);
  assert.equal(started.length, 1);
  tick(30_000);
  assert.equal(started[0]?.killed, true);
  warm(0);
});

test('when modules have changed those that have loaded them are replaced; at the end all go and none comes', (t) => {
  const { spares, started, tick, warm, die } = stage(t);
  spares.keep(1, [PLAIN]);
  tick(FIRST_CALM_MS);
  warm(0);
  spares.renew();
  assert.equal(started[0]?.killed, true);
  assert.equal(spares.take(PLAIN), undefined);
  die(0);
  tick(CALM_MS);
  warm(1);
  spares.end();
  assert.equal(started[1]?.killed, true);
  die(1);
  tick(60_000);
  assert.equal(started.length, 2);
  assert.deepEqual(spares.pids, []);
});
