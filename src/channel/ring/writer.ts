// The producer's side of a ring: writes records behind one another into its own region and publishes the tail.
//
// Positions are absolute and run on when the ring is replaced by a larger one: the old ring ends with a switch record, for which
// RESERVE bytes are always kept free. `taken` is what the consumer has copied out, read from its region when room runs short.
// Invariant: taken <= tail <= taken + capacity - RESERVE (a switch record may use the reserve).

import { SkerryError } from '../../base/errors.ts';
import { storeRelease } from '../../memory/order.ts';
import { ALIGN, checkWord, HEADER_BYTES, headWord, Kind, recordBytes } from '../../protocol/record.ts';
import type { Encoder } from '../codec/encoder.ts';
import { Overflow } from '../codec/writer.ts';
import type { BodyWriter } from '../transport.ts';
import { extendPosition, type RingArea } from './layout.ts';

/** A switch record of 32 bytes, with a pad of up to 16 in front of it. */
const RESERVE = 64;
const SWITCH_BYTES = 32;

export class RingWriter {
  /** Whether to publish is a fence, too. If not, whoever publishes makes up for it soon (bell.ts). */
  fenced = true;
  #area: RingArea;
  #tail: number;
  #taken: number;
  readonly #words: Int32Array;
  readonly #tailWord: number;
  #peerWords: Int32Array | undefined;
  #peerWord = 0;

  /** @param position where the first record will stand (0, but for tests that start below 2^32). */
  constructor(area: RingArea, words: Int32Array, tailWord: number, position = 0) {
    this.#area = area;
    this.#words = words;
    this.#tailWord = tailWord;
    this.#tail = position;
    this.#taken = position;
    Atomics.store(words, tailWord, position | 0);
  }

  get tail(): number {
    return this.#tail;
  }

  get capacity(): number {
    return this.#area.capacity;
  }

  /** Records up to here find room at every position, once the ring is empty. */
  get largest(): number {
    return (this.#area.capacity - RESERVE) >> 1;
  }

  get area(): RingArea {
    return this.#area;
  }

  /** What the consumer had taken when it was looked at last. */
  get taken(): number {
    return this.#taken;
  }

  /** From now on `words[word]` of the peer's region tells what has been taken; undefined: nobody takes. */
  setConsumer(words: Int32Array | undefined, word: number): void {
    this.#peerWords = words;
    this.#peerWord = word;
  }

  /** Has the consumer taken all that was published? So it says. */
  get isTaken(): boolean {
    return this.#peerWords !== undefined && Atomics.load(this.#peerWords, this.#peerWord) === (this.#tail | 0); // sync: request-started, replies-taken
  }

  /** Has the consumer moved since the last `refresh`? */
  consumerMoved(): boolean {
    return this.#peerWords !== undefined && Atomics.load(this.#peerWords, this.#peerWord) !== (this.#taken | 0);
  }

  /** Reads the consumer's position. @throws SKERRY_CORRUPT when it went back or beyond what was published. */
  refresh(): void {
    if (this.#peerWords === undefined) return;
    const word = Atomics.load(this.#peerWords, this.#peerWord); // sync: request-started, replies-taken
    const taken = extendPosition(this.#taken, word);
    if (taken < this.#taken || taken > this.#tail || (word & (ALIGN - 1)) !== 0) {
      throw new SkerryError(
        'SKERRY_CORRUPT',
        `the peer says it has taken ${taken}; valid is ${this.#taken} (said before) to ${this.#tail} (published), in steps of ${ALIGN}`,
      );
    }
    this.#taken = taken;
  }

  /**
   * The consumer is dead: how far it had come, for the last time. It said so twice, in its word and in `copy`. Of two possible answers
   * that which is further on holds, if a record begins there: one that was consumed and counts as not would be consumed again.
   * @throws SKERRY_CORRUPT when neither is possible.
   */
  settle(copy: number): void {
    const copied = extendPosition(this.#taken, copy);
    const isPossible = (copied & (ALIGN - 1)) === 0 && copied >= this.#taken && copied <= this.#tail;
    let said: number | undefined;
    try {
      this.refresh();
      said = this.#taken;
    } catch (error) {
      if (!isPossible) throw error;
    }
    this.lie = undefined; // of one that lies no more
    if (!isPossible) return;
    const answers = said === undefined || said === copied ? [copied] : [Math.max(said, copied), Math.min(said, copied)];
    this.#taken = answers.find((position) => this.#isBoundary(position)) ?? (answers[0] as number);
  }

  /** Does a record begin there, or what will be published next? Of a ring that has been replaced nobody looks. */
  #isBoundary(position: number): boolean {
    const { capacity, i32, start } = this.#area;
    if (position === this.#tail || position < start) return true;
    const at = (position & (capacity - 1)) >> 2;
    return i32[at + 3] === checkWord(i32[at] as number, i32[at + 1] as number, i32[at + 2] as number, position);
  }

  /** Why the consumer is not to be believed any more, since a position of it was impossible. */
  lie: SkerryError | undefined;

  /** `refresh` in the middle of other work: a lie counts as no news and is kept. */
  look(): void {
    try {
      this.refresh();
    } catch (error) {
      this.lie ??= error as SkerryError;
    }
  }

  /**
   * Encodes a record straight into the ring and publishes it.
   * @returns its end position, or 0 when there is no room: nothing has been written then.
   */
  write<T>(encoder: Encoder, kind: number, flags: number, method: number, callId: number, write: BodyWriter<T>, body: T): number {
    const { capacity } = this.#area;
    if (this.#tail - this.#taken > capacity >> 1) this.look();
    const at = this.#tail & (capacity - 1);
    const free = capacity - RESERVE - (this.#tail - this.#taken);
    const toEnd = capacity - at;
    let length = this.#encode(encoder, at, Math.min(toEnd, free), write, body);
    if (length < 0) {
      if (toEnd > free) return 0;
      length = this.#encode(encoder, 0, free - toEnd, write, body);
      if (length < 0) return 0;
      this.#pad(at, toEnd);
    }
    this.#commit(length, kind, flags, method, callId);
    return this.#tail;
  }

  /** The same for a payload that is encoded already. */
  put(kind: number, flags: number, method: number, callId: number, payload: Uint8Array): number {
    this.look();
    const { capacity } = this.#area;
    const bytes = recordBytes(payload.length);
    const at = this.#tail & (capacity - 1);
    const free = capacity - RESERVE - (this.#tail - this.#taken);
    const toEnd = capacity - at;
    if (bytes <= toEnd) {
      if (bytes > free) return 0;
      this.#area.u8.set(payload, at + HEADER_BYTES);
    } else {
      if (bytes > free - toEnd) return 0;
      this.#area.u8.set(payload, HEADER_BYTES);
      this.#pad(at, toEnd);
    }
    this.#commit(payload.length, kind, flags, method, callId);
    return this.#tail;
  }

  /** Ends this ring with a switch record and goes on in `next`. @returns the position at which `next` starts. */
  switchTo(regionId: number, next: (start: number) => RingArea): number {
    const { capacity } = this.#area;
    const at = this.#tail & (capacity - 1);
    if (capacity - at < SWITCH_BYTES) this.#pad(at, capacity - at);
    const here = this.#tail & (capacity - 1);
    const start = this.#tail + SWITCH_BYTES;
    this.#area.i32[(here + HEADER_BYTES) >> 2] = regionId;
    this.#area.i32[(here + HEADER_BYTES + 4) >> 2] = 0;
    this.#area.f64[(here + HEADER_BYTES + 8) >> 3] = start;
    const area = next(start);
    this.#commit(16, Kind.switch, 0, 0, 0); // sync: ring-switched
    this.#area = area;
    return start;
  }

  /** @returns the payload's length, or -1 when it does not fit behind a header in `room` bytes at `at`. */
  #encode<T>(encoder: Encoder, at: number, room: number, write: BodyWriter<T>, body: T): number {
    if (room < HEADER_BYTES) return -1;
    const start = at + HEADER_BYTES;
    encoder.begin(this.#area.u8, start, at + room);
    try {
      write(encoder, body);
    } catch (error) {
      if (error === Overflow) return -1;
      throw error;
    }
    return encoder.finish() - start;
  }

  #pad(at: number, bytes: number): void {
    this.#header(at, bytes - HEADER_BYTES, headWord(Kind.pad, 0, 0), 0);
    this.#tail += bytes;
  }

  #commit(length: number, kind: number, flags: number, method: number, callId: number): void {
    this.#header(this.#tail & (this.#area.capacity - 1), length, headWord(kind, flags, method), callId);
    this.#tail += recordBytes(length);
    if (this.fenced)
      Atomics.store(this.#words, this.#tailWord, this.#tail | 0); // sync: request-published, reply-published
    else storeRelease(this.#words, this.#tailWord, this.#tail | 0); // sync: request-published, reply-published
  }

  #header(at: number, length: number, head: number, callId: number): void {
    const { i32 } = this.#area;
    const word = at >> 2;
    i32[word] = length;
    i32[word + 1] = head;
    i32[word + 2] = callId;
    i32[word + 3] = checkWord(length, head, callId | 0, this.#tail);
  }
}
