// Finds instances that hang: from the loop's phase and counter in their status regions, without a message.
//
//   turns have moved since the last look ─────────────────────────▶ it lives
//   no turn, it runs JavaScript ─────────▶ two looks in a row, and a phase as old as the heartbeat ▶ it hangs
//   no turn, it waits for events ────────▶ ring: one that waits takes a turn; else as above
//
// Where there is an addon, looks run no JavaScript as long as they find turns and a loop that waits (`onDoubt`); the next one that does is
// told of them, and comes to what every look together would have come to.
//
// A look is every half heartbeat and counts by itself, not by the clock: a machine or a process server that was suspended has looked once,
// not for an hour. One whose threads wait for a processor is given a heartbeat of processor time, from the last look at which it had moved,
// before it counts as hung: one that is starved makes no turn either; it is looked at more often then. Who watches rings by itself: no
// third process that is slow can make an idle one look hung. One that takes turns only when it is rung is rung less and less often, down to
// every sixteenth look: idleness costs next to nothing, and a hang of one that has been idle for long is found within ten heartbeats. What
// a debugger may hold is left alone, and so is one that has announced a long task, for as long as it said (an hour at most).

import type { Share } from '../base/process-stat.ts';
import type { Ticker } from '../base/ticker.ts';
import type { DoubtListener } from './native.ts';
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
/** Of a heartbeat: two looks, when the clock was read at the end of the first. */
const EARLY_SHARE = 0.9;
/** Looks in a heartbeat at one that would count as hung, if it were not starved. */
const STARVED_LOOKS = 5;

export interface Watched {
  readonly heartbeatMs: number;
  readonly status: () => Region | undefined;
  /** What the operating system says of it, where it says something. */
  readonly share: () => Share | undefined;
  /** Has it been sent something since the last look? Then it should turn. */
  readonly isAsked?: () => boolean;
  /** Looks each `ms`, and calls `look` only when in doubt (watchPulse of status.ts). Without it every look is made here. */
  readonly onDoubt?: ((region: Region, ms: number, look: DoubtListener) => () => void) | undefined;
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
  let pulseOf: Region | undefined;
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
  /** All looks are made here then, until it moves: of two kinds at once, neither would know what the other has seen. */
  const hurry = () => {
    if (unhurry !== undefined) return;
    if (pulseOf !== undefined) {
      unschedule();
      unschedule = every(heartbeatMs / 2, look);
      pulseOf = undefined;
    }
    unhurry = every(heartbeatMs / STARVED_LOOKS, look);
  };
  const calm = () => {
    unhurry?.();
    unhurry = undefined;
  };
  /** @param works it is in the midst of something of which nobody has said that it may take long. */
  const moved = (now: number, works: boolean) => {
    const isOurs = rung && turns !== undefined && ((now - turns) | 0) <= RING_TURNS;
    rest = isOurs ? Math.min(REST_MAX, rest * 2 + 1) : 0;
    resting = rest;
    idle = rest > 0;
    rung = false;
    turns = now;
    still = 0;
    before = works ? sample() : undefined;
    calm();
  };
  /** @param well how many looks before this one found all well and were not made here. @param turnsThen at the last of them. */
  const look = (well = 0, turnsThen = 0) => {
    const region = over ? undefined : status();
    if (region === undefined) {
      turns = undefined;
      return calm();
    }
    if (onDoubt !== undefined && region !== pulseOf && unhurry === undefined) {
      const next = onDoubt(region, heartbeatMs / 2, look);
      unschedule();
      unschedule = next;
      pulseOf = region;
    }
    if (well > 1) rung = false; // what it did between two of them was its own
    if (well > 0) moved(turnsThen, false);
    const now = nowMs();
    // Whoever watches was suspended, and so was the machine, perhaps: what it had until then counts no more.
    if (before !== undefined && now - lookedMs > 2 * heartbeatMs) before = sample();
    lookedMs = now;
    const pulse = readPulse(region, now);
    if (pulse.turns !== turns || pulse.debugged || pulse.inLongTask) {
      return moved(pulse.turns, !pulse.parked && !pulse.debugged && !pulse.inLongTask);
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
    const isEarly = idle && before !== undefined && now - before.atMs < heartbeatMs * EARLY_SHARE;
    if (still < LOOKS || pulse.phaseMs < heartbeatMs || isEarly) return;
    if (isStarved()) {
      hurry();
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
