// Deaths leave nothing behind: after many kills under light load, descriptors, maps and processes of all others are as before.
//
//   SKERRY_KILLS   kills, 20 by default

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot } from 'skerry';
import countingSystem from '../fixtures/fault/counting.system.ts';
import { descendants, isAlive, mappedRegions, openDescriptors, until } from './processes.ts';
import { Random, SEED, seeded, steps } from './random.ts';
import { type CountingSystem, TRANSPORTS, type Transport } from './siege.ts';

const KILLS = steps('SKERRY_KILLS', 20);
/** Until everything that is made once has been made. */
const WARM_UP = 3;

for (const transport of TRANSPORTS) {
  test(
    `${transport}: ${KILLS} kills under light load leave descriptors, maps and processes as before`,
    { timeout: 20_000 + KILLS * 1_500 },
    (t) =>
      seeded(async () => {
        const sys = await boot(countingSystem, { transport });
        let pids: number[] = [];
        try {
          const load = new Load(sys);
          for (let step = 0; step < WARM_UP; step++) await killOne(sys, new Random(SEED, step));
          await load.pause();
          const before = await used(sys, transport);
          load.goOn();
          for (let step = WARM_UP; step < KILLS + WARM_UP; step++) await killOne(sys, new Random(SEED, step));
          const answered = await load.pause();
          let now = before;
          await until('all is as before', async () => {
            now = await used(sys, transport);
            return Object.keys(before).every((name) => !hasLeaked(before[name], now[name]));
          }).catch(() => assert.deepEqual(now, before));
          t.diagnostic(`seed ${SEED}: ${answered} answers; ${JSON.stringify(now)}`);
          assert.ok(answered > KILLS);
        } finally {
          pids = descendants();
          await sys.stop();
        }
        await until('no process is left', () => !pids.some(isAlive));
      }),
  );
}

/** A few calls in flight all the time: answers of all sizes, so that rings are replaced and one-off regions come and go. */
class Load {
  readonly #sys: CountingSystem;
  #on = true;
  #lanes: Promise<void>[] = [];
  #answered = 0;

  constructor(sys: CountingSystem) {
    this.#sys = sys;
    this.goOn();
  }

  goOn(): void {
    this.#on = true;
    this.#lanes = Array.from({ length: 6 }, (_, lane) => this.#run(lane));
  }

  /** @returns calls answered so far; none is in flight then. */
  async pause(): Promise<number> {
    this.#on = false;
    await Promise.all(this.#lanes);
    return this.#answered;
  }

  async #run(lane: number): Promise<void> {
    const { one, two } = this.#sys.servers;
    for (let n = 0; this.#on; n++) {
      const random = new Random(SEED ^ lane, n);
      try {
        if (lane === 0) await one.bulk(n, new Uint8Array(random.chance(0.1) ? 2_500_000 : random.int(0, 30_000)));
        else if (lane === 1) await two.countAgain(n, 1);
        else await one.countAgain(n, random.int(0, 3));
        this.#answered += 1;
      } catch {
        // A death. Which outcomes are right is the business of succession.test.ts.
      }
      await sleep(random.int(0, 3));
    }
  }
}

async function killOne(sys: CountingSystem, random: Random): Promise<void> {
  let pid = 0;
  await until(
    '"one" runs',
    async () => {
      pid = (await sys.processes.list()).find(({ name, state }) => name === 'one' && state === 'running')?.pid ?? 0;
      return pid !== 0 && isAlive(pid);
    },
    15_000,
  );
  await sleep(random.int(0, 20));
  process.kill(pid, 'SIGKILL');
  await until('it is dead', () => !isAlive(pid));
}

interface Used {
  readonly descriptors: number;
  readonly maps: number;
}

/** One for each kill, or each other one, is a leak; a ring that has been replaced is none. */
function hasLeaked(before: Used | undefined, now: Used | undefined): boolean {
  if (before === undefined || now === undefined) return true;
  return Math.max(now.descriptors - before.descriptors, now.maps - before.maps) > KILLS / 4;
}

/** By name; a server that is on its way is waited for. */
async function used(sys: CountingSystem, transport: Transport): Promise<Record<string, Used>> {
  const { one, two } = sys.servers;
  // Each replica has a channel and a call behind it.
  await Promise.all([one.pid(), two.pid(), two.pid(), two.pid()]);
  await until('all servers run', async () => (await sys.processes.list()).every(({ state }) => state === 'running'));
  await sleep(50);
  const of = (pid: number): Used => ({ descriptors: openDescriptors(pid), maps: transport === 'ring' ? mappedRegions(pid) : 0 });
  // The victim is another process each time: what it has depends on how far its rings have grown.
  const others = (await sys.processes.list()).filter(({ name }) => name !== 'one');
  const entries = others.map(({ name, replica, pid }) => [`${name}.${replica}`, of(pid)] as const);
  // A spare may just be on its way.
  await until('no process but those of the system', async () => (await sys.processes.usage()).length === descendants().length);
  return Object.fromEntries([['caller', of(process.pid)], ...entries]);
}
