// A request that ends every server that runs it is found out among innocent ones: it alone is rejected, with SKERRY_POISON.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, isSkerryError, type OperatingSystem } from 'skerry';
import type { ProcessEntry } from '../../src/servers/process/process-api.ts';
import type { Ending } from '../fixtures/fault/faulty.server.ts';
import faultySystem from '../fixtures/fault/faulty.system.ts';
import { descendants, isAlive, until } from './processes.ts';
import { steps } from './random.ts';
import { TRANSPORTS, type Transport } from './siege.ts';

type FaultySystem = OperatingSystem<(typeof faultySystem)['servers']>;

const INNOCENT = 63;
const REASONS: Partial<Record<Ending, RegExp>> = {
  SIGKILL: /SIGKILL/,
  segfault: /SIGSEGV/,
  abort: /SIGABRT/,
  loop: /^hung: /,
  memory: /memory limit/,
};
/** Kills from outside, one a second. */
const KILLS = steps('SKERRY_OUTSIDE_KILLS', 2);

for (const transport of TRANSPORTS) {
  for (const ending of ['SIGKILL', 'segfault', 'abort', 'loop', 'memory'] as const) {
    test(
      `${transport}: a call that ends its server by ${ending} is rejected as poison and kept; the 63 beside it are answered`,
      { timeout: 60_000, skip: ending === 'loop' && transport === 'stream' ? 'over streams nobody sees a loop' : false },
      () =>
        withSystem(transport, async (sys) => {
          // Without a status region V8's abort is told from others only by what the kernel saw in its last look, each second.
          const reason = transport === 'stream' && ending === 'memory' ? /memory limit|SIGABRT/ : (REASONS[ending] as RegExp);
          const name = ending === 'memory' ? 'limited' : ending === 'loop' ? 'watched' : 'faulty';
          const faulty = sys.servers[name];
          const innocent = Array.from({ length: INNOCENT }, () => faulty.innocent(5));
          const poisoned = faulty.poison(ending);
          const answers = Promise.all(innocent);
          await assert.rejects(poisoned, (error: unknown) => {
            assert.ok(isSkerryError(error, 'SKERRY_POISON'), String(error));
            assert.equal(error.maybeExecuted, true);
            assert.match(String(error.data?.reason), reason);
            return true;
          });
          assert.equal((await answers).length, INNOCENT);
          const { restarts } = await entryOf(sys, name);
          assert.equal(restarts, 3, 'one death in company, two alone');
          assert.equal(await faulty.echo('after'), 'after');
          const [kept, ...more] = await sys.processes.quarantine();
          assert.deepEqual(more, [], 'exactly one');
          assert.ok(kept !== undefined && Math.abs(kept.time - Date.now()) < 60_000);
          const { id, server, replica, method, client, principal, deaths, isWhole } = kept;
          assert.deepEqual(
            { id, server, replica, method, client, principal, deaths, isWhole },
            {
              id: 1,
              server: name,
              replica: 0,
              method: 'poison',
              client: 'the caller',
              principal: 'operator',
              deaths: 2,
              isWhole: true,
            },
          );
          assert.match(kept.reason, reason);
          assert.deepEqual(await sys.processes.quarantinedArguments(1), [ending]);
        }),
    );
  }

  test(`${transport}: kills from outside, one a second, put nobody into quarantine`, { timeout: 30_000 + KILLS * 2_000 }, () =>
    withSystem(transport, async (sys) => {
      const { faulty } = sys.servers;
      let over = false;
      let answered = 0;
      const lanes = Array.from({ length: 64 }, async () => {
        for (; !over; answered++) await faulty.innocent(5);
      });
      for (let kill = 0; kill < KILLS; kill++) {
        await sleep(1_000);
        const { pid } = await entryOf(sys, 'faulty');
        if (pid > 0) process.kill(pid, 'SIGKILL');
      }
      over = true;
      await Promise.all(lanes);
      assert.ok(answered > 64 * KILLS, `${answered}`);
      assert.ok((await entryOf(sys, 'faulty')).restarts > 0);
      assert.deepEqual(await sys.processes.quarantine(), []);
    }),
  );

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

async function entryOf(sys: FaultySystem, name: string): Promise<ProcessEntry> {
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
