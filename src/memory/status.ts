// The status region of an instance: fixed fields without payload, written by the instance, read in place by the kernel, the process
// server and every introduced client; constant after its death, which makes the post-mortem sound. `queued`, which clients look at all the
// time, shares no pair of cache lines with what is written for each call.
//
//   word  name              written by
//   32    phase             the addon (uv_prepare/check): 1 running JavaScript, 2 waiting for events
//   33    turns             the addon: turns of the event loop
//   34    phaseSinceMs      the addon: monotonic ms, low 31 bits
//   40    fatalSignal       the addon's fault handler
//   41    anonymousKb       the addon's fault handler: anonymous memory then
//   42    outOfMemory       the addon's fault handler: 1 if V8 said so
//   43    debugger          the addon's handler of SIGUSR1, by which Node opens its debugger, also while the loop hangs: 1
//   64    running           the dispatcher: handlers that run now; exact where it is none or one, else to within a factor of two
//   66    started           the dispatcher: calls started, in all (u32); counted each half millisecond, and when it has nothing to do
//   67    failed            the dispatcher: calls that ended with an error, in all (u32)
//   68-72                   the dispatcher: rates of calls (call-times.ts)
//   112   queued            the dispatcher: unstarted calls that it sees, all clients together
//   128-319                 the dispatcher: durations of calls (call-times.ts)
//   320   debugged          1: a debugger may hold it: deadlines and the watch for hangs pause
//   321   longTaskUntilMs   until then its loop may make no turn (ctx.longTask): monotonic ms, low 31 bits; 0: no such task

import { type CallRates, CallTimes, readCallTimes } from './call-times.ts';
import type { DoubtListener, NativeAddon } from './native.ts';
import type { Region } from './region.ts';

export const STATUS_REGION_BYTES = 4096;

export const StatusWord = {
  phase: 32,
  turns: 33,
  phaseSinceMs: 34,
  fatalSignal: 40,
  anonymousKb: 41,
  outOfMemory: 42,
  debugger: 43,
  running: 64,
  started: 66,
  failed: 67,
  queued: 112,
  debugged: 320,
  longTaskUntilMs: 321,
} as const;

const PHASE_WAITING = 2;
const LOW_BITS = 0x7fff_ffff;
export const LONG_TASK_MAX_MS = 3_600_000;

export const LOOP_WORDS_OFFSET = StatusWord.phase * 4;
export const FAULT_WORDS_OFFSET = StatusWord.fatalSignal * 4;

/** The dispatcher's pen. Without a region (stream transport) the numbers go out with its frames instead. */
export class StatusCounters {
  readonly times: CallTimes;
  readonly #words: Int32Array;
  #running = 0;
  /** What the word says. */
  #said = 0;
  #started = 0;

  constructor(region: Region | undefined) {
    this.#words = region?.i32 ?? new Int32Array(StatusWord.longTaskUntilMs + 1);
    this.times = new CallTimes(region);
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#words[StatusWord.queued] as number;
  }

  /** Also where nobody has told this process: SIGUSR1 comes in the midst of a handler. */
  get debugged(): boolean {
    return isDebugged(this.#words);
  }

  /** Calls started, in all. */
  get started(): number {
    return this.#started;
  }

  /** A handler begins. */
  begin(running: number): void {
    this.#running = running;
    if (running <= 2 || running >= 2 * this.#said) this.#say(running);
    this.#started = (this.#started + 1) | 0;
  }

  /** A handler has ended. */
  end(running: number, failed: boolean): void {
    const words = this.#words;
    this.#running = running;
    if (running <= 1 || running * 2 <= this.#said) this.#say(running);
    if (failed) words[StatusWord.failed] = (words[StatusWord.failed] as number) + 1;
  }

  /** Not each change, since each store counts; but whether one runs alone decides what its death says of it. */
  #say(running: number): void {
    this.#said = running;
    this.#words[StatusWord.running] = running;
  }

  /** What is counted now and then. */
  count(queued: number): void {
    const words = this.#words;
    if (queued !== this.queued) words[StatusWord.queued] = queued;
    this.#say(this.#running);
    words[StatusWord.started] = this.#started;
  }

  /** A debugger may hold this process from now on, or does no more. */
  markDebugged(on: boolean): void {
    this.#words[StatusWord.debugged] = on ? 1 : 0;
    if (!on) this.#words[StatusWord.debugger] = 0;
  }

  /** @param nowMs CLOCK_MONOTONIC. @param ms how long its loop may make no turn from now on, up to LONG_TASK_MAX_MS; 0: the task is over. */
  markLongTask(nowMs: number, ms: number): void {
    this.#words[StatusWord.longTaskUntilMs] = ms === 0 ? 0 : Math.max(1, Math.floor(nowMs + ms) & LOW_BITS);
  }
}

/** What an instance says of itself, for those who look at a system. */
export interface Vitals extends CallRates, Pulse {
  readonly running: number;
  readonly queued: number;
  readonly started: number;
  readonly failed: number;
}

/** Whether its event loop turns. */
export interface Pulse {
  /** It waits for events; false also while a callback of Node's own runs (see `watchLoop` of the addon). */
  readonly parked: boolean;
  readonly turns: number;
  /** Since the last change between running and waiting. */
  readonly phaseMs: number;
  readonly debugged: boolean;
  /** It has said that its loop may make no turn now. */
  readonly inLongTask: boolean;
}

/** @param nowMs CLOCK_MONOTONIC; @param region another process's: every figure is input, and clamped. */
export function readVitals(region: Region, nowMs: number): Vitals {
  const words = region.i32;
  const count = (word: number) => (words[word] as number) >>> 0;
  return {
    ...readStatus(region),
    ...readCallTimes(region, count(StatusWord.started), nowMs),
    started: count(StatusWord.started),
    failed: count(StatusWord.failed),
    ...readPulse(region, nowMs),
  };
}

/** @param nowMs CLOCK_MONOTONIC; @param region another process's. */
export function readPulse({ i32: words }: Region, nowMs: number): Pulse {
  return {
    parked: words[StatusWord.phase] === PHASE_WAITING,
    turns: words[StatusWord.turns] as number,
    phaseMs: (Math.floor(nowMs) - (words[StatusWord.phaseSinceMs] as number)) & LOW_BITS,
    debugged: isDebugged(words),
    inLongTask: isBefore(words[StatusWord.longTaskUntilMs] as number, nowMs),
  };
}

/**
 * Calls `onDoubt` each `ms` at which the instance's loop has made no turn since the last time, or does not wait for events; the looks
 * before run no JavaScript. @param region another process's. @param ms rounded up. @returns ends it
 */
export function watchPulse(addon: NativeAddon, { buffer }: Region, ms: number, onDoubt: DoubtListener): () => void {
  const watch = addon.watchPulse(buffer, LOOP_WORDS_OFFSET, Math.ceil(ms), onDoubt);
  return () => addon.unwatchPulse(watch);
}

/** May a debugger hold it? Then no deadline runs, and nobody watches for hangs. */
export function isDebugged(words: Int32Array): boolean {
  return words[StatusWord.debugged] === 1 || words[StatusWord.debugger] === 1;
}

function isBefore(untilMs: number, nowMs: number): boolean {
  const leftMs = (untilMs - Math.floor(nowMs)) & LOW_BITS;
  return untilMs !== 0 && leftMs > 0 && leftMs <= LONG_TASK_MAX_MS;
}

/** A peer's status, as it stands now; clamped, since a peer may write anything. */
export function readStatus(region: Region): { running: number; queued: number } {
  return { running: Math.max(region.i32[StatusWord.running] as number, 0), queued: readQueued(region) };
}

/** The one word of it that is written seldom. */
export function readQueued({ i32: words }: Region): number {
  return Math.max(words[StatusWord.queued] as number, 0);
}
