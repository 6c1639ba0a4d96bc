// Throughput against the interval between kills: the same load, windows with a kill each 15, 5, 2 and 1 s, and before and after each of them
// a window without: what the machine does meanwhile hits all of them alike. Each kill hits another server of the service.
//
//   calm │ each 15 s │ calm │ each 5 s │ calm │ each 2 s │ calm │ each 1 s │ calm
//
// What one kill costs is told as well, from kills that stand alone: the answers that are missing in the 2.5 s after it, against the second
// before and the second after that, as milliseconds of full throughput. It is less disturbed by the machine than whole windows are.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../bench/stats.ts';
import { type CampaignSystem, LOAD } from './load.ts';
import { World } from './world.ts';

export interface ThroughputOrder {
  readonly what: 'throughput';
  readonly seed: number;
  readonly rounds: number;
  readonly windowMs: number;
  readonly folder: string;
}

/** Answers a second in one window. */
export interface Window {
  /** 0: no kill. */
  readonly intervalMs: number;
  readonly round: number;
  readonly perSecond: number;
  readonly kills: number;
  readonly failed: number;
  /** Of each kill that stood alone. */
  readonly costsMs: readonly number[];
}

export interface ThroughputTelling {
  readonly t: 'throughput';
  readonly window: Window;
}

const INTERVALS_MS = [15_000, 5_000, 2_000, 1_000];
/** Kills of these stand alone. */
const ALONE_MS = 5_000;
const LANES = 16;
const REST_MS = 1_000;
const SAMPLE_MS = 50;
/** After a kill: so long it may cost something. */
const COST_MS = 2_500;
const BESIDE_MS = 1_000;

interface Sample {
  readonly atMs: number;
  readonly answered: number;
}

export async function measureThroughput(order: ThroughputOrder, tell: (telling: ThroughputTelling) => void): Promise<void> {
  const { seed, rounds, windowMs, folder } = order;
  const load = { ...LOAD, lanes: LANES, pauseMs: 4 };
  const world = await World.open({ folder: join(folder, 'throughput'), seed, load });
  try {
    world.load.start();
    await sleep(3 * REST_MS);
    for (let round = 1; round <= rounds; round++) {
      for (const intervalMs of INTERVALS_MS) {
        tell({ t: 'throughput', window: await measure(world, round, 0, windowMs / 2) });
        tell({ t: 'throughput', window: await measure(world, round, intervalMs, windowMs) });
      }
    }
    tell({ t: 'throughput', window: await measure(world, rounds, 0, windowMs / 2) });
  } finally {
    await world.load.pause();
    await world.stop();
  }
}

export interface Loss {
  readonly intervalMs: number;
  readonly perSecond: number;
  readonly lossPercent: number;
  readonly kills: number;
}

/** Each window against the mean of the calm ones before and after it; the median of the rounds. */
export function losses(windows: readonly Window[]): Loss[] {
  return INTERVALS_MS.map((intervalMs) => {
    const own = windows.filter((window) => window.intervalMs === intervalMs);
    const lost = own.map((window) => {
      const at = windows.indexOf(window);
      const calm = [windows[at - 1], windows[at + 1]]
        .filter((beside) => beside?.intervalMs === 0)
        .map((beside) => beside?.perSecond ?? 0);
      return 100 * (1 - (window.perSecond * calm.length) / calm.reduce((sum, each) => sum + each, 0));
    });
    const kills = own.reduce((sum, window) => sum + window.kills, 0);
    return { intervalMs, perSecond: median(own.map(({ perSecond }) => perSecond)), lossPercent: median(lost), kills };
  });
}

/** What a kill costs, ms of full throughput: mean and standard error over kills that stood alone. */
export function costOfKill(windows: readonly Window[]): {
  readonly meanMs: number;
  readonly errorMs: number;
  readonly kills: number;
} {
  const all = windows.flatMap(({ costsMs }) => costsMs);
  const meanMs = all.reduce((sum, ms) => sum + ms, 0) / all.length;
  const variance = all.reduce((sum, ms) => sum + (ms - meanMs) ** 2, 0) / Math.max(1, all.length - 1);
  return { meanMs, errorMs: Math.sqrt(variance / all.length), kills: all.length };
}

async function measure(world: World, round: number, intervalMs: number, windowMs: number): Promise<Window> {
  const { tally } = world.journal;
  const [answered, failed, from] = [tally.answered, tally.failed + tally.refused, performance.now()];
  let kills = 0;
  const killedMs: number[] = [];
  const samples: Sample[] = [];
  const sampler = setInterval(() => samples.push({ atMs: performance.now(), answered: tally.answered }), SAMPLE_MS);
  const end = from + windowMs;
  // The first kill is half an interval after the beginning: a window of 15 s has one of each 15 s.
  for (let next = from + intervalMs / 2; intervalMs > 0 && next < end; next += intervalMs) {
    await sleep(Math.max(0, next - performance.now()));
    kills += await killOne(world.sys, kills + round);
    killedMs.push(performance.now());
  }
  await sleep(Math.max(0, end - performance.now()));
  clearInterval(sampler);
  const seconds = (performance.now() - from) / 1_000;
  const window = {
    intervalMs,
    round,
    perSecond: (tally.answered - answered) / seconds,
    kills,
    failed: tally.failed + tally.refused - failed,
    costsMs: intervalMs < ALONE_MS ? [] : killedMs.flatMap((atMs) => costOf(samples, atMs)),
  };
  await sleep(REST_MS); // what died last is back, and its spare
  return window;
}

/** @returns nothing when the window has too little before or after it */
function costOf(samples: readonly Sample[], killMs: number): number[] {
  const at = (atMs: number) => samples.find((sample) => sample.atMs >= atMs);
  const times = [killMs - BESIDE_MS, killMs, killMs + COST_MS, killMs + COST_MS + BESIDE_MS].map(at);
  const [a, b, c, d] = times as [Sample, Sample, Sample, Sample];
  if (times.some((sample) => sample === undefined)) return [];
  const calm = (b.answered - a.answered + d.answered - c.answered) / (b.atMs - a.atMs + d.atMs - c.atMs);
  return [c.atMs - b.atMs - (c.answered - b.answered) / calm];
}

async function killOne(sys: CampaignSystem, n: number): Promise<number> {
  const victims = (await sys.processes.list()).filter(({ name, pid }) => pid !== 0 && name !== 'kernel' && name !== 'process');
  const victim = victims[n % victims.length];
  if (victim === undefined) return 0;
  process.kill(victim.pid, 'SIGKILL');
  return 1;
}
