// Kills at random of whatever the system consists of but its kernel: servers, replicas, spares, the process server. Those who live through it all
// have no more descriptors, maps and memory than before, and no call hangs.
//
//   SKERRY_SOAK_S   seconds, 4 by default; over streams only where it is given

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot } from 'skerry';
import countingSystem from '../fixtures/fault/counting.system.ts';
import { descendants, isAlive, mappedRegions, openDescriptors, until } from './processes.ts';
import { Random, SEED, seeded, steps } from './random.ts';
import { type CountingSystem, TRANSPORTS, type Transport } from './siege.ts';

const SECONDS = steps('SKERRY_SOAK_S', 4);
/** A call that has not ended after so long hangs: its deadline is 5 s. */
const HANGS_MS = 30_000;
/** What a heap may have grown by, MB; over a long run a leak of a hundred bytes a call is more. */
const GROWTH_MB = 60;

for (const transport of process.env.SKERRY_SOAK_S === undefined ? (['ring'] as const) : TRANSPORTS) {
  test(
    `${transport}: ${SECONDS} s of random kills leave kernel and caller as they were`,
    { timeout: (SECONDS + 90) * 1000 },
    (t) =>
      seeded(async () => {
        const sys = await boot(countingSystem, { transport });
        let pids: number[] = [];
        try {
          await storm(sys, 2_000, new Random(SEED, 1));
          const before = await calm(sys, transport);
          const { kills, calls } = await storm(sys, SECONDS * 1000, new Random(SEED, 2));
          let now = before;
          await until(
            'descriptors and maps are as before',
            async () => {
              now = await calm(sys, transport);
              return now.every(
                (one, i) => one.descriptors <= (before[i]?.descriptors ?? 0) && one.maps <= (before[i]?.maps ?? 0) + 4,
              );
            },
            20_000,
          ).catch(() => assert.deepEqual(now, before));
          t.diagnostic(
            `seed ${SEED}: ${kills} kills, ${calls} calls; before ${JSON.stringify(before)}, now ${JSON.stringify(now)}`,
          );
          for (const [i, { megabytes }] of now.entries())
            assert.ok(megabytes <= (before[i]?.megabytes ?? 0) + GROWTH_MB, `memory: ${JSON.stringify([before, now])}`);
          assert.ok(kills > SECONDS && calls > kills);
        } finally {
          pids = descendants();
          await sys.stop();
        }
        await until('no process is left', () => !pids.some(isAlive));
      }),
  );
}

/** Calls all the time, and a kill every 50 to 400 ms. */
async function storm(sys: CountingSystem, ms: number, random: Random): Promise<{ kills: number; calls: number }> {
  const end = performance.now() + ms;
  let calls = 0;
  let last = performance.now();
  const lanes = Array.from({ length: 8 }, async (_, lane) => {
    const own = new Random(SEED ^ lane, 3);
    for (let n = 0; performance.now() < end; n++) {
      const { one, two } = sys.servers;
      const call = lane % 2 === 0 ? one : two;
      await (own.chance(0.05) ? call.bulk(n, new Uint8Array(own.int(0, 100_000))) : call.countAgain(n, own.int(0, 2))).catch(
        () => {},
      );
      calls += 1;
      last = performance.now();
    }
  });
  let kills = 0;
  const killer = (async () => {
    while (performance.now() < end) {
      await sleep(random.int(50, 400));
      const all = await sys.processes.usage().catch(() => []);
      const victims = all.filter(({ name, pid }) => name !== 'kernel' && pid > 0);
      const victim = victims.length === 0 ? undefined : random.pick(victims);
      try {
        if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
        kills += victim === undefined ? 0 : 1;
      } catch {} // it has died meanwhile
    }
  })();
  const over = Promise.all([...lanes, killer]).then(() => true);
  while (!(await Promise.race([over, sleep(1000, false)])))
    if (performance.now() - Math.max(last, end) > HANGS_MS) throw new Error('calls hang');
  return { kills, calls };
}

interface Used {
  readonly descriptors: number;
  readonly maps: number;
  readonly megabytes: number;
}

/** Of the kernel and of this process, when all is there again. */
async function calm(sys: CountingSystem, transport: Transport): Promise<Used[]> {
  const isThere = async () => {
    const all = await sys.processes.usage().catch(() => []);
    const [spares, servers] = [all.filter(({ name }) => name === 'spare'), all.filter(({ name }) => name !== 'spare')];
    return (
      spares.length === 1 && servers.length === 6 && servers.every(({ state }) => state === 'running' || state === 'sleeping')
    );
  };
  await until('all is there again', isThere, 60_000);
  const { one, two } = sys.servers;
  await Promise.all([one.pid(), two.pid(), two.pid(), two.pid()]);
  await sleep(300);
  const kernel = (await sys.processes.list()).find(({ name }) => name === 'kernel')?.pid as number;
  return [kernel, process.pid].map((pid) => ({
    descriptors: openDescriptors(pid),
    maps: transport === 'ring' ? mappedRegions(pid) : 0,
    megabytes: Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
  }));
}
