// How often an instance is called and how long its handlers take, in its status region: written by the dispatcher, read in place by
// the process server, also while the instance hangs.
//
//   word  name            meaning
//   68    windowMs        start of the current second (CLOCK_MONOTONIC ms, low 31 bits); 0: never called
//   69    windowStarted   calls started until then, in all (u32)
//   70    previousCalls   calls of the window before
//   71    previousMs      its length
//   72    current         which of the two histograms is written: 0 or 1
//   128   histogram 0     96 buckets of how long handlers took, four to an octave, from 1 us up
//   224   histogram 1     the same; they change places every HISTOGRAM_MS, so that what is read is of the last 10 to 20 s
//
// A window is closed by the first call after its second is over: an instance that nobody calls does nothing, and a reader takes the age
// of the window into account. Durations are a sample: one call each half millisecond.

import type { Region } from './region.ts';

const Word = { windowMs: 68, windowStarted: 69, previousCalls: 70, previousMs: 71, current: 72, histogram: 128 } as const;
const BUCKETS = 96;
const PER_OCTAVE = 4;
const WINDOW_MS = 1000;
const HISTOGRAM_MS = 10_000;
const LOW_31_BITS = 0x7fff_ffff;

/** The dispatcher's pen. Without a region (stream transport) it writes nothing. */
export class CallTimes {
  readonly #words: Int32Array | undefined;
  #windowAtMs = Number.NEGATIVE_INFINITY;
  #histogramAtMs = 0;

  constructor(region: Region | undefined) {
    this.#words = region?.i32;
  }

  /** @param nowMs of the machine; @param started calls until now, in all. */
  count(nowMs: number, started: number): void {
    const words = this.#words;
    if (words === undefined || nowMs - this.#windowAtMs < WINDOW_MS) return;
    const isFirst = this.#windowAtMs === Number.NEGATIVE_INFINITY;
    words[Word.previousCalls] = isFirst ? 0 : (started - (words[Word.windowStarted] as number)) | 0;
    words[Word.previousMs] = isFirst ? 0 : Math.min(nowMs - this.#windowAtMs, LOW_31_BITS);
    words[Word.windowStarted] = isFirst ? 0 : started | 0;
    words[Word.windowMs] = low(nowMs) || 1;
    this.#windowAtMs = nowMs;
    if (nowMs - this.#histogramAtMs < HISTOGRAM_MS) return;
    this.#histogramAtMs = nowMs;
    const next = 1 - ((words[Word.current] as number) & 1);
    words.fill(0, Word.histogram + next * BUCKETS, Word.histogram + (next + 1) * BUCKETS);
    words[Word.current] = next;
  }

  /** A handler has taken so long. */
  took(ms: number): void {
    const words = this.#words;
    if (words === undefined) return;
    const at = Word.histogram + ((words[Word.current] as number) & 1) * BUCKETS + bucketOf(ms);
    words[at] = (words[at] as number) + 1;
  }
}

export interface CallRates {
  readonly callsPerSecond: number;
  /** Of the last 10 to 20 s in which calls were made; undefined: none yet. */
  readonly p99Ms: number | undefined;
}

/** @param region another process's status: input, so each figure is clamped. @param started what it says of its calls, in all. */
export function readCallTimes(region: Region, started: number, nowMs: number): CallRates {
  const words = region.i32;
  const at = (word: number) => words[word] as number;
  const windowMs = at(Word.windowMs);
  if (windowMs === 0) return { callsPerSecond: 0, p99Ms: undefined };
  const ageMs = Math.max((low(nowMs) - windowMs) & LOW_31_BITS, 1);
  const since = Math.max((started - at(Word.windowStarted)) | 0, 0);
  const isOld = ageMs >= WINDOW_MS || at(Word.previousMs) <= 0;
  const callsPerSecond = isOld ? (since * 1000) / ageMs : (Math.max(at(Word.previousCalls), 0) * 1000) / at(Word.previousMs);
  return { callsPerSecond, p99Ms: quantile(words.subarray(Word.histogram, Word.histogram + 2 * BUCKETS), 0.99) };
}

function low(ms: number): number {
  return Math.floor(ms) % (LOW_31_BITS + 1);
}

function bucketOf(ms: number): number {
  const us = ms * 1000;
  return us <= 1 ? 0 : Math.min(Math.floor(Math.log2(us) * PER_OCTAVE), BUCKETS - 1);
}

/** The upper bound of the bucket that holds it, ms. */
function quantile(buckets: Int32Array, q: number): number | undefined {
  const counts = Array.from(
    { length: BUCKETS },
    (_, i) => Math.max(buckets[i] as number, 0) + Math.max(buckets[BUCKETS + i] as number, 0),
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let seen = 0;
  const bucket = counts.findIndex((count) => {
    seen += count;
    return seen >= total * q;
  });
  return 2 ** ((bucket + 1) / PER_OCTAVE) / 1000;
}
