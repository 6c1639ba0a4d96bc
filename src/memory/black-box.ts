// The black box of an instance: its last calls and its last words, in a region of its own for the kernel and the process server alone. It is
// written all the time, read in place when somebody looks, and constant after the death: what ran when it died is in it.
//
//   bytes    what
//   64       texts written, in all (u32)
//   4096     256 calls of 16 bytes:  seq, method << 16 | client (its low half), [start f64: CLOCK_MONOTONIC ms]
//   8192     their outcomes, a word each; at 9216 how many us they took, a word each
//   16384    96 texts of 256 bytes:  seq, kind, length, 0, [time f64: ms since 1970], UTF-8 (232 bytes at most)
//   40960    the names of its methods: length, UTF-8 with a line for each (8,188 bytes at most)
//   49152    64 clients of 64 bytes: number, length, UTF-8 (56 bytes at most); a later one takes the place of an earlier one
//
// Outcome: when the call has ended its seq, shifted, with its state, and TIMED when somebody has looked how long it took; while it runs that
// of the call whose place it has. The numbers of calls are u32 and begin again after 2^32; a call's place is its number modulo 256. Each
// call is written, so each store counts, and each line of the cache.
//
// Invariant: an entry's seq is stored last. A text's is 0 while it is written. A call's is then that of the one whose place it takes, which
// is 256 before it: so no more than the latest 255 are read, and one counts only if it is among them after it was read, too. What is read is
// input.

import type { Region } from './region.ts';

export const BLACK_BOX_BYTES = 53_248;

const CALLS = 256;
/** The place of the next one may be half written. */
const CALLS_READ = CALLS - 1;
const CALL_WORDS = 4;
const TEXTS = 96;
const CLIENTS = 64;
const TEXT_BYTES = 232;
const CLIENT_BYTES = 56;
const NAMES_BYTES = 8_188;
/** In words. */
const Word = { textsWritten: 16, calls: 1024, outcomes: 2048, us: 2304, texts: 4096, names: 10_240, clients: 12_288 } as const;

const STATE_MASK = 7;
const TIMED = 8;
const OUTCOME_BITS = 4;
export const CallState = { answered: 2, failed: 3, refused: 4 } as const;
export const TextKind = { error: 1, log: 2, end: 3 } as const;

/** The instance's pen. Without a region (stream transport, a client) it writes nothing. */
export class BlackBox {
  /** Somebody looks at each call as it happens: durations are taken of all of them. */
  traced = false;
  readonly #i32: Int32Array | undefined;
  readonly #f64: Float64Array;
  readonly #u8: Uint8Array;
  #calls = 0;
  #texts = 0;

  constructor(region: Region | undefined) {
    this.#i32 = region?.i32;
    this.#f64 = region?.f64 ?? new Float64Array();
    this.#u8 = region?.u8 ?? new Uint8Array();
  }

  /** A call begins. @param method, client up to 65,535 are told apart. @returns its number here. */
  begin(method: number, client: number, nowMs: number): number {
    const words = this.#i32;
    if (words === undefined) return 0;
    const seq = (this.#calls + 1) | 0;
    this.#calls = seq;
    const at = Word.calls + (seq & (CALLS - 1)) * CALL_WORDS;
    words[at + 1] = (method << 16) | (client & 0xffff);
    this.#f64[(at >> 1) + 1] = nowMs;
    words[at] = seq;
    return seq;
  }

  /** @param ms how long it took; negative: nobody has looked. */
  end(seq: number, state: number, ms: number): void {
    const words = this.#i32;
    if (words === undefined) return;
    if ((this.#calls - seq) >>> 0 >= CALLS) return; // its place has another
    const place = seq & (CALLS - 1);
    if (ms >= 0) words[Word.us + place] = Math.min(Math.round(ms * 1000), 0x7fff_ffff);
    words[Word.outcomes + place] = (seq << OUTCOME_BITS) | (ms < 0 ? state : state | TIMED);
  }

  text(kind: number, text: string): void {
    const words = this.#i32;
    if (words === undefined) return;
    this.#texts = (this.#texts + 1) | 0;
    const at = Word.texts + ((this.#texts >>> 0) % TEXTS) * 64;
    words[at] = 0;
    words[at + 1] = kind;
    words[at + 2] = this.#write(text, at * 4 + 24, TEXT_BYTES);
    this.#f64[(at >> 1) + 2] = Date.now();
    words[at] = this.#texts;
    words[Word.textsWritten] = this.#texts;
  }

  /** Method names, in the order of their numbers. */
  methods(names: readonly string[]): void {
    if (this.#i32 !== undefined) this.#i32[Word.names] = this.#write(names.join('\n'), Word.names * 4 + 4, NAMES_BYTES);
  }

  client(number: number, name: string): void {
    const words = this.#i32;
    if (words === undefined) return;
    const at = Word.clients + (number % CLIENTS) * 16;
    words[at + 1] = this.#write(name, at * 4 + 8, CLIENT_BYTES);
    words[at] = number;
  }

  #write(text: string, at: number, max: number): number {
    return encoder.encodeInto(text.slice(0, max), this.#u8.subarray(at, at + max)).written;
  }
}

export interface BoxedCall {
  /** Of its calls, from 1; see `isLater`. */
  readonly seq: number;
  readonly method: string;
  readonly client: string;
  /** CLOCK_MONOTONIC, ms, to some 0.1 ms. */
  readonly startMs: number;
  readonly state: 'running' | 'answered' | 'failed' | 'refused';
  /** undefined: not taken. */
  readonly ms: number | undefined;
}

export interface BoxedText {
  /** ms since 1970. */
  readonly time: number;
  /** `error`: a call that failed; `end`: what ended the instance. */
  readonly kind: 'error' | 'log' | 'end';
  readonly text: string;
}

/** Of two numbers of calls of one box: they begin again after 2^32. */
export function isLater(seq: number, than: number): boolean {
  return ((seq - than) | 0) > 0;
}

/** Its last calls, 255 at most, the oldest first. */
export function readCalls({ i32, f64, u8 }: Region): BoxedCall[] {
  const names = textAt(u8, Word.names * 4 + 4, i32[Word.names] as number, NAMES_BYTES).split('\n');
  const calls: BoxedCall[] = [];
  const last = lastSeq(i32);
  for (let age = CALLS_READ - 1; age >= 0; age--) {
    const seq = (last - age) | 0;
    const place = seq & (CALLS - 1);
    const at = Word.calls + place * CALL_WORDS;
    const who = i32[at + 1] as number;
    const outcome = outcomeOf(seq, i32[Word.outcomes + place] as number);
    const startMs = f64[(at >> 1) + 1] as number;
    if (seq === 0 || i32[at] !== seq || !Number.isFinite(startMs)) continue;
    const us = Math.max(i32[Word.us + place] as number, 0);
    calls.push({
      seq: seq >>> 0,
      method: names[who >>> 16] ?? `method ${who >>> 16}`,
      client: clientOf(i32, u8, who & 0xffff),
      startMs,
      state: STATES[outcome & STATE_MASK] ?? 'running',
      ms: (outcome & TIMED) === 0 ? undefined : us / 1000,
    });
  }
  const lastNow = lastSeq(i32);
  return lastNow === last ? calls : calls.filter(({ seq }) => isLater(seq, lastNow - CALLS_READ));
}

/** 0 while the call runs. */
function outcomeOf(seq: number, word: number): number {
  return word >> OUTCOME_BITS === (seq << OUTCOME_BITS) >> OUTCOME_BITS ? word & (STATE_MASK | TIMED) : 0;
}

/** The number of the latest call that is in its place; 0: none. One that does not follow on what is before it is damaged. */
function lastSeq(i32: Int32Array): number {
  let last = 0;
  for (let place = 0; place < CALLS; place++) {
    const seq = i32[Word.calls + place * CALL_WORDS] as number;
    const before = i32[Word.calls + ((place - 1) & (CALLS - 1)) * CALL_WORDS] as number;
    if (seq === 0 || (seq & (CALLS - 1)) !== place || (before !== 0 && before !== ((seq - 1) | 0))) continue;
    if (last === 0 || isLater(seq, last)) last = seq;
  }
  return last;
}

/** Its texts, the oldest first. */
export function readTexts({ i32, f64, u8 }: Region): BoxedText[] {
  const last = (i32[Word.textsWritten] as number) >>> 0;
  const texts: BoxedText[] = [];
  for (let seq = Math.max(last - TEXTS + 1, 1); seq <= last; seq++) {
    const at = Word.texts + (seq % TEXTS) * 64;
    const time = f64[(at >> 1) + 2] as number;
    const text = textAt(u8, at * 4 + 24, i32[at + 2] as number, TEXT_BYTES);
    if ((i32[at] as number) >>> 0 !== seq || !Number.isFinite(time)) continue;
    texts.push({ time, kind: KINDS[i32[at + 1] as number] ?? 'log', text });
  }
  return texts;
}

const STATES: Readonly<Record<number, BoxedCall['state']>> = { 2: 'answered', 3: 'failed', 4: 'refused' };
const KINDS: Readonly<Record<number, BoxedText['kind']>> = { 1: 'error', 2: 'log', 3: 'end' };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function clientOf(i32: Int32Array, u8: Uint8Array, number: number): string {
  const at = Word.clients + ((number >>> 0) % CLIENTS) * 16;
  return ((i32[at] as number) & 0xffff) === number
    ? textAt(u8, at * 4 + 8, i32[at + 1] as number, CLIENT_BYTES)
    : `client ${number}`;
}

/** @param length as its writer says. */
function textAt(u8: Uint8Array, at: number, length: number, max: number): string {
  return decoder.decode(u8.slice(at, at + Math.min(Math.max(length, 0), max)));
}
