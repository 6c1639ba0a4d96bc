// Finds instances that hang: from the loop's phase and counter in their status regions, without a message.
//
//   turns have moved since the last look ─────────────────────────▶ it lives
//   no turn, it runs JavaScript ─────────▶ two looks in a row, and a phase as old as the heartbeat ▶ it hangs
//   no turn, it waits for events ────────▶ ring: one that waits takes a turn; else as above
//
// All that is well is seen without JavaScript (`onDoubt`, where there is an addon): a process that does nothing but look sleeps on.
//
// A look is every half heartbeat and counts by itself, not by the clock: a machine or a process server that was suspended has looked once,
// not for an hour. One whose threads wait for a processor is given a heartbeat of processor time, from the last look at which it had moved,
// before it counts as hung: one that is starved makes no turn either; it is looked at more often then. Who watches rings by itself: no
// third process that is slow can make an idle one look hung. One that takes turns only when it is rung is rung less and less often, down to
// every sixteenth look: idleness costs next to nothing, and a hang of one that has been idle for long is found within ten heartbeats. What
// a debugger may hold is left alone, and so is one that has announced a long task, for as long as it said (an hour at most).

import type { Share } from '../base/process-stat.ts';
import type { Ticker } from '../base/ticker.ts';
import type { Region } from './region.ts';
import { readPulse } from './status.ts';

/** Of whom nothing else was said, ms. */
export const HEARTBEAT_MS = 500;

/** Looks without a turn: the first begins the doubt, and these many end it. */
const LOOKS = 2;
/** Turns of the loop that a ring leads to, at most. */
const RING_TURNS = 3;
/** Looks in a row for which one that waits is not rung. */
const REST_MAX = 15;
/** Of a heartbeat: what its first thread must have used since then, if it is starved. Less than all: so that two looks are enough. */
const SPENT_SHARE = 0.8;
/** Of the time since then: whose threads have waited so much for a processor is starved. Its first thread may wait for the others. */
const DELAYED_SHARE = 0.1;
/** Heartbeats after which being starved is no excuse any more: it may hang beside threads that want to run. */
const STARVED_MAX = 120;
/** Looks in a heartbeat at one that would count as hung, if it were not starved. */
const STARVED_LOOKS = 5;

export interface Watched {
  readonly heartbeatMs: number;
  readonly status: () => Region | undefined;
  /** What the operating system says of it, where it says something. */
  readonly share: () => Share | undefined;
  /** Has it been sent something since the last look? Then it should turn. */
  readonly isAsked?: () => boolean;
  /** Each `ms`, unless its loop has made a turn since the last time and waits for events (watchPulse of status.ts); else every look is made here. */
  readonly onDoubt?: ((region: Region, ms: number, look: () => void) => () => void) | undefined;
  /** Wakes its loop. */
  ring(): void;
  onHung(ms: number): void;
}

/** @param every calls a function again and again. @param nowMs CLOCK_MONOTONIC. @returns ends it. */
export function watchForHangs(
  { heartbeatMs, status, share, isAsked, onDoubt, ring, onHung }: Watched,
  every: Ticker['every'],
  nowMs: () => number,
): () => void {
  let turns: number | undefined;
  let still = 0;
  let over = false;
  /** As it was when it had moved and went on running, else when the doubt began; undefined: it has been idle, and is rung. */
  let before: { readonly share: Share; readonly atMs: number } | undefined;
  let unhurry: (() => void) | undefined;
  /** Whose pulse is looked at without JavaScript. */
  let looked: Region | undefined;
  let rung = false;
  /** It has done nothing of its own: it is left to sleep for so many looks, each time for longer. */
  let rest = 0;
  let resting = 0;
  /** It rested when it moved last: it is given a heartbeat from when it is rung, or asked, on. */
  let idle = false;
  let lookedMs = 0;
  const isStarved = () => {
    const now = share();
    if (now === undefined || before === undefined) return false;
    const elapsedMs = nowMs() - before.atMs;
    const hasWaited = now.state === 'R' || now.delayedMs - before.share.delayedMs > elapsedMs * DELAYED_SHARE;
    const hasHadItsTime = now.cpuMs - before.share.cpuMs >= heartbeatMs * SPENT_SHARE;
    return hasWaited && !hasHadItsTime && elapsedMs < heartbeatMs * STARVED_MAX;
  };
  const sample = () => {
    const now = share();
    return now === undefined ? undefined : { share: now, atMs: nowMs() };
  };
  const calm = () => {
    unhurry?.();
    unhurry = undefined;
  };
  const look = () => {
    const region = over ? undefined : status();
    if (region === undefined) {
      turns = undefined;
      return calm();
    }
    if (onDoubt !== undefined && region !== looked) {
      unschedule();
      unschedule = onDoubt(region, heartbeatMs / 2, look);
      looked = region;
    }
    const now = nowMs();
    // Whoever watches was suspended, and so was the machine, perhaps: what it had until then counts no more.
    if (before !== undefined && now - lookedMs > 2 * heartbeatMs) before = sample();
    lookedMs = now;
    const pulse = readPulse(region, now);
    if (pulse.turns !== turns || pulse.debugged || pulse.inLongTask) {
      const isOurs = rung && turns !== undefined && ((pulse.turns - turns) | 0) <= RING_TURNS;
      rest = isOurs ? Math.min(REST_MAX, rest * 2 + 1) : 0;
      resting = rest;
      idle = rest > 0;
      rung = false;
      turns = pulse.turns;
      still = 0;
      before = pulse.parked || pulse.debugged || pulse.inLongTask ? undefined : sample();
      return calm();
    }
    if (isAsked?.() === true) {
      rest = 0;
      resting = 0;
    }
    if (pulse.parked && resting > 0) {
      resting -= 1;
      return;
    }
    still += 1;
    if (!pulse.parked || rest === 0 || still > 1) before ??= sample();
    if (pulse.parked) {
      ring();
      rung = true;
    }
    const isEarly = idle && before !== undefined && now - before.atMs < heartbeatMs;
    if (still < LOOKS || pulse.phaseMs < heartbeatMs || isEarly) return;
    if (isStarved()) {
      unhurry ??= every(heartbeatMs / STARVED_LOOKS, look);
      return;
    }
    end();
    onHung(pulse.phaseMs);
  };
  let unschedule = every(heartbeatMs / 2, look);
  const end = () => {
    over = true;
    calm();
    unschedule();
  };
  return end;
}
