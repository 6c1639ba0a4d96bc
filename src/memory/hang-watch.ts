// Finds instances that hang: from the loop's phase and counter in their status regions, without a message.
//
//   turns have moved since the last look ─────────────────────────▶ it lives
//   no turn, it runs JavaScript ─────────▶ two looks in a row, and a phase as old as the heartbeat ▶ it hangs
//   no turn, it waits for events ────────▶ ring: one that waits takes a turn; else as above
//
// A look is every half heartbeat and counts by itself, not by the clock: a machine or a process server that was suspended has looked once,
// not for an hour. One that could run is given a heartbeat of processor time, from the doubt on, before it counts as hung, however long that
// takes: one that is starved makes no turn either. Who watches rings by itself: no third process that is slow can make an idle one look
// hung. What a debugger may hold is left alone, and so is one that has announced a long task, for as long as it said (an hour at most).

import type { ProcessStat } from '../base/process-stat.ts';
import type { Region } from './region.ts';
import { readVitals } from './status.ts';

/** Looks without a turn: the first begins the doubt, and these many end it. */
const LOOKS = 2;
/** Of a heartbeat: what one that could run must have used since the doubt. Less than all of it: so that two looks are enough. */
const SPENT_SHARE = 0.8;

export interface Watched {
  readonly heartbeatMs: number;
  readonly status: () => Region | undefined;
  /** What the operating system says of it, where it says something. */
  readonly stat: () => ProcessStat | undefined;
  /** Wakes its loop. */
  ring(): void;
  onHung(ms: number): void;
}

/** @param nowMs CLOCK_MONOTONIC. @returns ends it. */
export function watchForHangs({ heartbeatMs, status, stat, ring, onHung }: Watched, nowMs: () => number): () => void {
  let turns: number | undefined;
  let still = 0;
  /** Its processor time when the doubt began. */
  let cpuBefore = 0;
  const isStarved = () => {
    const { state, cpuMs } = stat() ?? { state: '', cpuMs: 0 };
    return state === 'R' && cpuMs - cpuBefore < heartbeatMs * SPENT_SHARE;
  };
  let over = false;
  const timer = setInterval(() => {
    const region = over ? undefined : status();
    if (region === undefined) {
      turns = undefined;
      return;
    }
    const vitals = readVitals(region, nowMs());
    if (vitals.turns !== turns || vitals.debugged || vitals.inLongTask) {
      turns = vitals.turns;
      still = 0;
    } else {
      still += 1;
      if (still === 1) cpuBefore = stat()?.cpuMs ?? 0;
    }
    if (vitals.parked) ring();
    if (still < LOOKS || vitals.phaseMs < heartbeatMs || isStarved()) return;
    end();
    onHung(vitals.phaseMs);
  }, heartbeatMs / 2);
  timer.unref();
  const end = () => {
    over = true;
    clearInterval(timer);
  };
  return end;
}
