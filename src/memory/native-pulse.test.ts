// Looks of the addon at the loops of others: silent while all is well, a call for each that leaves a doubt.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addon, finished, options, start } from '../../test/fault/addon-child.ts';
import type { PulseWatch } from './native.ts';

const [PHASE, TURNS, CHANGED_MS] = [0, 1, 2];
const [RUNNING, WAITING] = [1, 2];
const PERIOD_MS = 20;

/** A region with the words of a loop at its start, which turns in each of the test's own turns when it is told to. */
function loop() {
  const { buffer, descriptor } = addon.createRegion(4096, 'loop');
  const words = new Int32Array(buffer);
  words[PHASE] = WAITING;
  let turning: NodeJS.Immediate | undefined;
  const turn = () => {
    words[TURNS] = (words[TURNS] as number) + 1;
    turning = setImmediate(turn);
  };
  return { buffer, descriptor, words, turn, stop: () => clearImmediate(turning) };
}

/** Waits for `count` to reach `least`, as long as a busy machine takes. */
async function comes(count: () => number, least: number): Promise<void> {
  for (let waits = 0; count() < least && waits < 1000; waits++) await sleep(5);
  assert.ok(count() >= least, `${count()} of ${least}`);
}

describe('looks at pulses', options, () => {
  test('a loop that turns and waits is not told, one that stands still or runs is, at each look', async () => {
    const { buffer, words, turn, stop } = loop();
    let doubts = 0;
    turn();
    await sleep(1);
    const watch = addon.watchPulse(buffer, 0, PERIOD_MS, () => doubts++);
    try {
      await sleep(10 * PERIOD_MS);
      assert.equal(doubts, 0, 'all is well');
      stop();
      await comes(() => doubts, 3);
      turn();
      await sleep(3 * PERIOD_MS);
      doubts = 0;
      await sleep(5 * PERIOD_MS);
      assert.equal(doubts, 0, 'well again');
      words[PHASE] = RUNNING;
      await comes(() => doubts, 3);
    } finally {
      stop();
      addon.unwatchPulse(watch);
    }
    addon.unwatchPulse(watch);
    doubts = 0;
    await sleep(3 * PERIOD_MS);
    assert.equal(doubts, 0, 'nobody looks any more');
  });

  test("a peer's loop is read where its own process writes it, and the third word is left to who asks", async () => {
    const { buffer, descriptor, turn, stop } = loop();
    const map = addon.mapRegion(descriptor, 'of a peer');
    new Int32Array(buffer)[CHANGED_MS] = 7;
    let doubts = 0;
    turn();
    await sleep(1);
    const watch = addon.watchPulse(map, 0, PERIOD_MS, () => doubts++);
    await sleep(5 * PERIOD_MS);
    assert.equal(doubts, 0);
    stop();
    await comes(() => doubts, 1);
    addon.unwatchPulse(watch);
    addon.close(descriptor);
  });

  test('looks of one period come together', async () => {
    const { buffer } = loop();
    const at: number[][] = [[], []];
    const watches: PulseWatch[] = [];
    for (const times of at) {
      watches.push(addon.watchPulse(buffer, 0, PERIOD_MS, () => times.push(performance.now())));
      await sleep(PERIOD_MS / 3);
    }
    for (const times of at) times.length = 0;
    await comes(() => at[1]?.length ?? 0, 4);
    for (const watch of watches) addon.unwatchPulse(watch);
    const apart = (at[1] ?? []).map((ms) => Math.min(...(at[0] ?? []).map((other) => Math.abs(other - ms))));
    apart.sort((a, b) => a - b);
    assert.ok((apart[0] ?? 99) < PERIOD_MS / 4, `${apart.map((ms) => ms.toFixed(1))} ms apart`);
  });

  test('a watch may end itself and another one from its callback', async () => {
    const { buffer } = loop();
    const seen: string[] = [];
    const watches: PulseWatch[] = [];
    const endAll = (name: string) => () => {
      seen.push(name);
      for (const watch of watches) addon.unwatchPulse(watch);
    };
    for (const name of ['a', 'b', 'c']) watches.push(addon.watchPulse(buffer, 0, PERIOD_MS, endAll(name)));
    await comes(() => seen.length, 1);
    await sleep(3 * PERIOD_MS);
    assert.equal(seen.length, 1, seen.join());
  });

  test('memory given back before reads as no life, and stays mapped as long as somebody looks', async () => {
    const before = addon.counters();
    const { buffer, turn, stop } = loop();
    let doubts = 0;
    turn();
    const watch = addon.watchPulse(buffer, 0, PERIOD_MS, () => doubts++);
    stop();
    addon.releaseRegion(buffer);
    await comes(() => doubts, 2);
    assert.equal(addon.counters().watches, before.watches + 1);
    addon.unwatchPulse(watch);
    assert.equal(addon.counters().watches, before.watches);
    const code = `let doubts = 0, watch;
      const look = () => { const { buffer } = addon.createRegion(4096, 'gone'); watch = addon.watchPulse(buffer, 0, 5, () => doubts++); return new WeakRef(buffer); };
      const held = look(), maps = () => addon.counters().maps, before = maps();
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      await wait(20);
      for (let i = 0; i < 50 && held.deref() !== undefined; i++) { await wait(5); gc(); }
      await wait(20);
      const during = maps(), doubted = doubts; addon.unwatchPulse(watch);
      for (let i = 0; i < 400 && maps() !== before - 1; i++) { gc(); await wait(5); }
      console.log(held.deref() === undefined, during === before, doubted > 2, maps() === before - 1);`;
    const end = await finished(start(code, { flags: ['--expose-gc'] }));
    assert.equal(end.stdout, 'true true true true\n', end.stderr);
  });

  test('it keeps no process alive, and an exception in its callback is an uncaught one', async () => {
    const make = (act: string) =>
      `const { buffer } = addon.createRegion(4096, 'l'); addon.watchPulse(buffer, 0, 1, () => { ${act} });`;
    assert.equal((await finished(start(make('')))).code, 0);
    const thrown = await finished(start(`${make("throw new Error('in doubt')")} setTimeout(() => {}, 10_000);`));
    assert.equal(thrown.code, 1);
    assert.match(thrown.stderr, /Error: in doubt/);
  });

  test('what it cannot take is refused', () => {
    const { buffer } = loop();
    const refused = (code: string, text: RegExp, ...args: unknown[]) =>
      assert.throws(
        () => (addon.watchPulse as (...all: unknown[]) => unknown)(...args),
        (error: NodeJS.ErrnoException) => error.code === code && text.test(error.message),
      );
    const nothing = () => {};
    refused(
      'ERR_INVALID_ARG_TYPE',
      /watchPulse: buffer must be the ArrayBuffer of a region, got object/,
      new ArrayBuffer(4096),
      0,
      1,
      nothing,
    );
    refused('ERR_INVALID_ARG_TYPE', /buffer must be/, undefined, 0, 1, nothing);
    refused('ERR_OUT_OF_RANGE', /byteOffset must be an integer from 0 to 4084/, buffer, 4088, 1, nothing);
    refused('ERR_OUT_OF_RANGE', /byteOffset must be a multiple of 4/, buffer, 2, 1, nothing);
    for (const period of [0, 0.5, 86_400_001, Number.NaN])
      refused('ERR_OUT_OF_RANGE', /periodMs must be an integer/, buffer, 0, period, nothing);
    refused('ERR_INVALID_ARG_TYPE', /onDoubt must be a function/, buffer, 0, 1, 7);
    assert.throws(() => addon.unwatchPulse('1' as never), /pulse must be an integer/);
    addon.unwatchPulse((2 ** 40) as PulseWatch);
  });
});
