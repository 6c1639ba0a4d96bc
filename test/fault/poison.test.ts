// A request that ends every server that runs it is found out among innocent ones: it alone is rejected, with SKERRY_POISON.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, isSkerryError, type OperatingSystem } from '../../src/index.ts';
import type { Ending } from '../fixtures/fault/faulty.server.ts';
import faultySystem from '../fixtures/fault/faulty.system.ts';
import { descendants, isAlive, until } from './processes.ts';
import { TRANSPORTS, type Transport } from './siege.ts';

type FaultySystem = OperatingSystem<(typeof faultySystem)['servers']>;

const INNOCENT = 63;
const REASONS: Partial<Record<Ending, RegExp>> = { SIGKILL: /SIGKILL/, segfault: /SIGSEGV/, abort: /SIGABRT/ };

for (const transport of TRANSPORTS) {
  for (const ending of ['SIGKILL', 'segfault', 'abort'] as const) {
    test(
      `${transport}: a call that ends its server by ${ending} is rejected as poison; the 63 beside it are answered`,
      { timeout: 30_000 },
      () =>
        withSystem(transport, async (sys) => {
          const { faulty } = sys.servers;
          const innocent = Array.from({ length: INNOCENT }, () => faulty.innocent(5));
          const poisoned = faulty.poison(ending);
          const answers = Promise.all(innocent);
          await assert.rejects(poisoned, (error: unknown) => {
            assert.ok(isSkerryError(error, 'SKERRY_POISON'), String(error));
            assert.equal(error.maybeExecuted, true);
            assert.match(String(error.data?.reason), REASONS[ending] as RegExp);
            return true;
          });
          assert.equal((await answers).length, INNOCENT);
          const { restarts } = await entryOf(sys, 'faulty');
          assert.equal(restarts, 3, 'one death in company, two alone');
          assert.equal(await faulty.echo('after'), 'after');
        }),
    );
  }

  test(`${transport}: a non-idempotent call that ends its server is never run again`, { timeout: 30_000 }, () =>
    withSystem(transport, async (sys) => {
      const { faulty } = sys.servers;
      const innocent = Array.from({ length: INNOCENT }, () => faulty.innocent(5));
      await assert.rejects(
        faulty.die('SIGKILL'),
        (error) => isSkerryError(error, 'SKERRY_SERVER_DIED') && error.maybeExecuted === true,
      );
      assert.equal((await Promise.all(innocent)).length, INNOCENT);
      assert.equal((await entryOf(sys, 'faulty')).restarts, 1);
    }),
  );

  test(`${transport}: an operator's kill makes no suspects and takes nobody for poison`, { timeout: 30_000 }, () =>
    withSystem(transport, async (sys) => {
      const { faulty } = sys.servers;
      const alone = faulty.innocent(400);
      for (let kill = 0; kill < 3; kill++) {
        await sleep(20);
        await sys.processes.kill('faulty');
        await until('it runs again', async () => (await entryOf(sys, 'faulty')).state === 'running');
      }
      assert.equal(await alone, 1, 'alone at three deaths, and answered');

      const crowd = Array.from({ length: INNOCENT }, () => faulty.innocent(50));
      await sleep(20);
      await sys.processes.kill('faulty');
      const together = await Promise.all(crowd);
      assert.ok(Math.max(...together) > 1, 'they are run again at the same time, not one by one as suspects are');
      assert.equal((await entryOf(sys, 'faulty')).lastReason, 'killed by an operator');
    }),
  );
}

async function entryOf(sys: FaultySystem, name: string): Promise<{ restarts: number; state: string; lastReason?: string }> {
  const entry = (await sys.processes.list()).find((one) => one.name === name);
  assert.ok(entry);
  return entry;
}

async function withSystem(transport: Transport, body: (sys: FaultySystem) => Promise<void>): Promise<void> {
  const sys = await boot(faultySystem, { transport });
  let pids: number[] = [];
  try {
    await body(sys);
  } finally {
    pids = descendants();
    await sys.stop();
  }
  await until('no process is left', () => !pids.some(isAlive));
}
