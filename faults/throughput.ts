// Throughput against the interval between kills: the same load, windows without a kill and windows with one each 15, 5, 2 and 1 s, in
// turn, so that what the machine does meanwhile hits all of them alike. Each kill hits another server of the service.

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
}

export interface ThroughputTelling {
  readonly t: 'throughput';
  readonly window: Window;
}

const INTERVALS_MS = [0, 15_000, 5_000, 2_000, 1_000];
const LANES = 16;
const REST_MS = 1_000;

export async function measureThroughput(order: ThroughputOrder, tell: (telling: ThroughputTelling) => void): Promise<void> {
  const { seed, rounds, windowMs, folder } = order;
  const load = { ...LOAD, lanes: LANES, pauseMs: 4 };
  const world = await World.open({ folder: join(folder, 'throughput'), seed, load });
  try {
    world.load.start();
    await sleep(3 * REST_MS);
    for (let round = 1; round <= rounds; round++) {
      for (const intervalMs of INTERVALS_MS) tell({ t: 'throughput', window: await measure(world, round, intervalMs, windowMs) });
    }
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

/** Against the windows without a kill of the same round; the median of the rounds. */
export function losses(windows: readonly Window[]): Loss[] {
  return INTERVALS_MS.map((intervalMs) => {
    const own = windows.filter((window) => window.intervalMs === intervalMs);
    const lost = own.map(({ round, perSecond }) => {
      const calm = windows.find((window) => window.round === round && window.intervalMs === 0)?.perSecond ?? Number.NaN;
      return 100 * (1 - perSecond / calm);
    });
    const kills = own.reduce((sum, window) => sum + window.kills, 0);
    return { intervalMs, perSecond: median(own.map(({ perSecond }) => perSecond)), lossPercent: median(lost), kills };
  });
}

async function measure(world: World, round: number, intervalMs: number, windowMs: number): Promise<Window> {
  const { tally } = world.journal;
  const [answered, failed, from] = [tally.answered, tally.failed + tally.refused, performance.now()];
  let kills = 0;
  const end = from + windowMs;
  // The first kill is half an interval after the beginning: a window of 15 s has one of each 15 s.
  for (let next = from + intervalMs / 2; intervalMs > 0 && next < end; next += intervalMs) {
    await sleep(Math.max(0, next - performance.now()));
    kills += await killOne(world.sys, kills + round);
  }
  await sleep(Math.max(0, end - performance.now()));
  const seconds = (performance.now() - from) / 1_000;
  const window = {
    intervalMs,
    round,
    perSecond: (tally.answered - answered) / seconds,
    kills,
    failed: tally.failed + tally.refused - failed,
  };
  await sleep(REST_MS); // what died last is back, and its spare
  return window;
}

async function killOne(sys: CampaignSystem, n: number): Promise<number> {
  const victims = (await sys.processes.list()).filter(({ name, pid }) => pid !== 0 && name !== 'kernel' && name !== 'process');
  const victim = victims[n % victims.length];
  if (victim === undefined) return 0;
  process.kill(victim.pid, 'SIGKILL');
  return 1;
}
