// What a server may take, and what becomes of one that takes more.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, isSkerryError, type OperatingSystem } from 'skerry';
import limitedSystem from '../fixtures/e2e/limited.system.ts';

const TIMEOUT = { timeout: 60_000 };

type Limited = OperatingSystem<(typeof limitedSystem)['servers']>;

async function withSystem(body: (sys: Limited) => Promise<void>): Promise<void> {
  const sys = await boot(limitedSystem, { transport: 'ring' });
  try {
    await body(sys);
  } finally {
    await sys.stop();
  }
}

/** @returns the reason of the death that the call has met */
async function deathOf(call: Promise<unknown>): Promise<string> {
  try {
    const answer = await call;
    return `answered ${String(answer)}`;
  } catch (error) {
    assert.ok(isSkerryError(error, 'SKERRY_SERVER_DIED'), String(error));
    return String(error.data?.reason);
  }
}

test(
  'by default a server whose loop hangs for a second is ended; a task that is announced, and a pool, may compute',
  TIMEOUT,
  () =>
    withSystem(async ({ servers: { plain, calm, serial } }) => {
      const pid = await plain.pid();
      const since = performance.now();
      assert.match(await deathOf(plain.block(10_000)), /^hung: .*limits\.heartbeatMs: 500/);
      const ms = performance.now() - since;
      assert.ok(ms >= 500 && ms < 5_000, `found after ${ms} ms`);
      const next = await plain.pid();
      assert.notEqual(next, pid);
      assert.equal(await plain.compute(2_000), next);
      assert.equal(await calm.block(2_000), await calm.pid());
      const one = await serial.block(2_000);
      assert.equal(await serial.block(1), one);
    }),
);

test('a server that uses more processor time than it may is ended after ten seconds', TIMEOUT, () =>
  withSystem(async (sys) => {
    const { burner } = sys.servers;
    const pid = await burner.pid();
    await burner.burn();
    const reason = await deathOf(burner.never());
    assert.match(reason, /^CPU limit: it has used \d+% of a core over 1\d s \(limits\.cpuPercent: 15\)$/);
    assert.notEqual(await burner.pid(), pid);
  }),
);

test('a server that starts none of the calls that wait is ended', TIMEOUT, () =>
  withSystem(async (sys) => {
    const { queue } = sys.servers;
    const stuck = Array.from({ length: 64 }, () => deathOf(queue.never()));
    await sleep(100);
    const waiting = queue.pid();
    for (const reason of await Promise.all(stuck)) assert.match(reason, /^queue limit: 1 calls have waited for 400 ms/);
    assert.ok((await waiting) > 0, 'the one that waited is answered by the successor');
    assert.match((await sys.processes.status('queue'))[0]?.lastDeath?.reason ?? '', /^queue limit/);
  }),
);

test('a server may have so many descriptors, and goes on when it has asked for more', TIMEOUT, () =>
  withSystem(async ({ servers: { files, plain } }) => {
    const { files: opened, code } = await files.open(200);
    assert.equal(code, 'EMFILE');
    assert.ok(opened > 20 && opened < 100, `${opened}`);
    assert.deepEqual(await plain.open(200), { files: 200, code: undefined });
    assert.ok((await files.pid()) > 0);
  }),
);
