// Watches what an instance takes, against the limits of its entry: turns of its loop, processor time, the age of its queue. Memory is watched
// by the kernel, descriptors by the operating system.
//
// Looks count, not the clock: a process server or a machine that was suspended has looked once, not for an hour.

import { type ProcessStat, readProcessStat, readShare, type Share } from '../../base/process-stat.ts';
import type { Ticker } from '../../base/ticker.ts';
import { HEARTBEAT_MS, type Watched, watchForHangs } from '../../memory/hang-watch.ts';
import type { Region } from '../../memory/region.ts';
import { isDebugged, readVitals } from '../../memory/status.ts';
import type { Limits } from '../../server/system.ts';

const CPU_LOOK_MS = 1000;
const CPU_LOOKS = 10;
const QUEUE_LOOKS = 4;

export interface Guarded {
  readonly pid: number;
  readonly limits: Limits;
  /** Handlers at once. */
  readonly concurrency: number;
  /** undefined over streams. */
  readonly status: () => Region | undefined;
  /** See Watched of memory/hang-watch.ts. */
  readonly onDoubt?: Watched['onDoubt'];
  /** Wakes its loop. */
  ring(): void;
  /** It has taken more than it may. */
  end(reason: string): void;
}

/** @param ticker of the process that watches. @param nowMs CLOCK_MONOTONIC. @returns ends it. */
export function watchLimits(
  guarded: Guarded,
  ticker: Ticker,
  nowMs: () => number,
  stat: (pid: number) => ProcessStat | undefined = readProcessStat,
  share: (pid: number) => Share | undefined = readShare,
): () => void {
  const { pid, limits, status, onDoubt, ring, concurrency } = guarded;
  const { cpuPercent, queueMs } = limits;
  // Handlers that have the instance for themselves may compute for long.
  const heartbeatMs = limits.heartbeatMs ?? (concurrency === 1 ? 0 : HEARTBEAT_MS);
  const ends: (() => void)[] = [];
  if (heartbeatMs > 0) {
    const onHung = (ms: number) =>
      guarded.end(
        `hung: its event loop has made no turn for ${Math.round(ms)} ms (limits.heartbeatMs: ${heartbeatMs}; see ctx.longTask)`,
      );
    const watched = { heartbeatMs, status, share: () => share(pid), onDoubt, ring, onHung };
    ends.push(watchForHangs(watched, (ms, act) => ticker.every(ms, act), nowMs));
  }
  if (cpuPercent !== undefined) ends.push(watchProcessor(guarded, cpuPercent, ticker, nowMs, stat));
  if (queueMs !== undefined) ends.push(watchQueue(guarded, queueMs, ticker, nowMs));
  return () => {
    for (const end of ends) end();
  };
}

function watchProcessor(
  { pid, status, end }: Guarded,
  limit: number,
  ticker: Ticker,
  nowMs: () => number,
  stat: (pid: number) => ProcessStat | undefined,
): () => void {
  const looks: { readonly atMs: number; readonly cpuMs: number }[] = [];
  return ticker.every(CPU_LOOK_MS, () => {
    const cpuMs = stat(pid)?.cpuMs;
    if (cpuMs === undefined) return;
    const region = status();
    if (region !== undefined && isDebugged(region.i32)) looks.length = 0; // whoever looks into it wants to find it
    looks.push({ atMs: nowMs(), cpuMs });
    const first = looks.at(-1 - CPU_LOOKS);
    if (first === undefined) return;
    looks.shift();
    const seconds = (nowMs() - first.atMs) / 1000;
    const percent = (cpuMs - first.cpuMs) / 10 / seconds;
    if (percent <= limit) return;
    end(`CPU limit: it has used ${percent.toFixed(0)}% of a core over ${seconds.toFixed(0)} s (limits.cpuPercent: ${limit})`);
  });
}

function watchQueue({ status, end }: Guarded, limitMs: number, ticker: Ticker, nowMs: () => number): () => void {
  let before = -1;
  let still = 0;
  return ticker.every(limitMs / QUEUE_LOOKS, () => {
    const region = status();
    if (region === undefined) return;
    const { queued, started, debugged, inLongTask } = readVitals(region, nowMs());
    const isWaiting = queued > 0 && started === before && !debugged && !inLongTask;
    before = started;
    still = isWaiting ? still + 1 : 0;
    if (still <= QUEUE_LOOKS) return;
    end(`queue limit: ${queued} calls have waited for ${limitMs} ms while none was started (limits.queueMs: ${limitMs})`);
  });
}
