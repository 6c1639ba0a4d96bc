// What deaths leave behind: processes, descriptors and maps of those who live on, against a baseline.
//
// Measured while nothing is asked, all servers run and the spares are there. More than at the baseline for SETTLE_MS is a leak.

import { setTimeout as sleep } from 'node:timers/promises';
import { descendants, mappedRegions, openDescriptors, zombies } from '../test/fault/processes.ts';
import type { World } from './world.ts';

/** Of kernel, process server and the caller together. */
export interface Used {
  readonly processes: number;
  readonly zombies: number;
  readonly descriptors: Readonly<Record<string, number>>;
  readonly maps: Readonly<Record<string, number>>;
}

export interface Leaks {
  readonly processes: number;
  readonly descriptors: number;
  readonly maps: number;
  /** In words; empty if there are none. */
  readonly what: string;
}

const SETTLE_MS = 5_000;
const LOOK_MS = 100;
const SPARES = 1;
const INSTANCES = 5;

export async function baseline(world: World): Promise<Used> {
  await settled(world);
  return use(world);
}

/** @param settleMs how long what is more than before may take to go. */
export async function leaksSince(before: Used, world: World, settleMs = SETTLE_MS): Promise<Leaks> {
  const end = performance.now() + settleMs;
  await settled(world);
  for (;;) {
    const leaks = compare(before, await use(world));
    if (leaks.what === '' || performance.now() > end) return leaks;
    await sleep(LOOK_MS);
  }
}

/** All run, the spares are warm, and each has a channel to each. */
async function settled(world: World): Promise<void> {
  const end = performance.now() + SETTLE_MS;
  while (performance.now() < end) {
    const [all, spares] = await Promise.all([world.processes(), world.sparePids()]);
    const run = all.filter(
      ({ state, name }) => (state === 'running' || state === 'sleeping') && name !== 'process' && name !== 'kernel',
    );
    if (run.length === INSTANCES && spares.length === SPARES) break;
    await sleep(20);
  }
  await sleep(50);
}

async function use(world: World): Promise<Used> {
  const pids: Record<string, number> = { caller: process.pid };
  for (const { name, pid } of await world.processes()) if (name === 'kernel' || name === 'process') pids[name] = pid;
  const each = (count: (pid: number) => number) =>
    Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, count(pid)]));
  return {
    processes: descendants().length,
    zombies: zombies().length,
    descriptors: each(openDescriptors),
    maps: each(mappedRegions),
  };
}

function compare(before: Used, now: Used): Leaks {
  const words: string[] = [];
  const more = (what: 'descriptors' | 'maps'): number => {
    let sum = 0;
    for (const [name, count] of Object.entries(now[what])) {
      const extra = count - (before[what][name] ?? 0);
      if (extra <= 0) continue;
      sum += extra;
      words.push(`${extra} ${what} of ${name}`);
    }
    return sum;
  };
  const processes = Math.max(0, now.processes - before.processes) + Math.max(0, now.zombies - before.zombies);
  if (processes > 0) words.push(`${processes} processes`);
  const [descriptors, maps] = [more('descriptors'), more('maps')];
  return { processes, descriptors, maps, what: words.join(', ') };
}
