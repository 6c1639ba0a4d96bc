// The checker can fail: a ledger that does wrong on purpose is found out, and one that does not is not.

import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadNative } from '../src/memory/load-native.ts';
import { descendants } from '../test/fault/processes.ts';
import type { Findings } from './checker.ts';
import type { Tally } from './journal.ts';
import { kindsNamed } from './kinds/index.ts';
import { fault } from './kinds/kind.ts';
import { baseline, leaksSince } from './leaks.ts';
import { draw, Step } from './step.ts';
import type { Sabotage } from './system/ledger.server.ts';
import { World } from './world.ts';

const { addon, reason } = loadNative();
const OPTIONS = { timeout: 30_000, skip: addon === undefined && reason };
const NOTHING: Findings = { lost: 0, doubled: 0, denied: 0, phantom: 0 };
/** Without a deadline of Skerry's: what is forgotten stays so. */
const LOAD = { lanes: 8, pauseMs: 4, timeoutMs: 0, hangMs: 400 };
const LOAD_MS = 500;

interface Found {
  readonly findings: Findings;
  readonly tally: Tally;
}

async function found(sabotage?: Sabotage, meanwhile?: (world: World) => Promise<void>): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-checker-'));
  const world = await World.open({ folder, seed: 7, load: LOAD, ...(sabotage === undefined ? {} : { sabotage }) });
  try {
    world.load.start();
    await sleep(LOAD_MS);
    await meanwhile?.(world);
    await world.load.pause();
    world.checker.check();
    return { findings: { ...world.checker.findings }, tally: { ...world.journal.tally } };
  } finally {
    assert.equal(await world.stop(), 0, 'no process is left');
    assert.deepEqual(descendants(), []);
    rmSync(folder, { recursive: true });
  }
}

test('an honest ledger whose process is killed: nothing is lost, doubled or hung, and what fails says so', OPTIONS, async () => {
  const { findings, tally } = await found(undefined, async (world) => {
    const [kill] = kindsNamed(['kill']);
    assert.ok(kill);
    const record = await new Step(world, 1, { ...draw(7, 1, [kill]), name: 'ledger' }).run();
    const { activated, detectedBy, recovered, hung, systemCrash, collateral } = record;
    assert.deepEqual(
      { activated, detectedBy, recovered, hung, systemCrash, collateral, findings: record.findings },
      { activated: true, detectedBy: 'exit', recovered: true, hung: 0, systemCrash: false, collateral: 0, findings: NOTHING },
    );
  });
  assert.deepEqual(findings, NOTHING);
  assert.equal(tally.hung, 0);
  assert.equal(tally.wrong, 0);
  assert.ok(tally.answered > 100, `${tally.answered}`);
});

test('a ledger that acknowledges before it writes: lost', OPTIONS, async () => {
  const { findings } = await found('acknowledges before it writes', async (world) => {
    world.checker.check();
    await sleep(5);
    world.checker.check();
  });
  assert.ok(findings.lost > 0, JSON.stringify(findings));
  assert.equal(findings.doubled, 0);
});

test('a ledger that writes twice: doubled', OPTIONS, async () => {
  const { findings } = await found('writes twice');
  assert.ok(findings.doubled > 0, JSON.stringify(findings));
  assert.equal(findings.lost, 0);
});

test('a ledger that forgets to answer: hung', OPTIONS, async () => {
  const { tally } = await found('forgets');
  assert.ok(tally.hung > 0, JSON.stringify(tally));
});

test(
  'an answer that was tampered with is told as a silent error; one that never comes is found by its deadline',
  OPTIONS,
  async () => {
    await found(undefined, async (world) => {
      const [wrong, missing] = kindsNamed(['wrong', 'missing']);
      assert.ok(wrong && missing);
      let silent = 0;
      for (let step = 0; step < 12 && silent === 0; step++)
        silent += (await new Step(world, step, draw(7, step, [wrong])).run()).silent;
      assert.ok(silent > 0);
      const record = await new Step(world, 100, draw(7, 100, [missing])).run();
      assert.deepEqual([record.activated, record.detectedBy], [true, 'deadline']);
    });
  },
);

test('descriptors that nobody gives back, and a system whose kernel is killed: leaked, and a crash', OPTIONS, async () => {
  await found(undefined, async (world) => {
    await world.load.pause();
    const before = await baseline(world);
    const files = Array.from({ length: 3 }, () => openSync('/dev/null', 'r'));
    const { descriptors, what } = await leaksSince(before, world, 500);
    files.forEach(closeSync);
    assert.ok(descriptors >= 3, what);
    const kernel = fault('kernel', 'SIGKILL of the kernel', ['exit'], {}, async (scene) => {
      scene.signal((await world.processes()).find(({ name }) => name === 'kernel')?.pid ?? 0, 'SIGKILL');
    });
    const { systemCrash } = await new Step(world, 1, draw(7, 1, [kernel]))
      .run()
      .catch(() => ({ systemCrash: world.crashed !== undefined }));
    assert.equal(systemCrash, true);
  });
});
