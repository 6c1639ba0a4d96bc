// The consumer's side of a ring that a peer writes: copies what has been published into private memory, and checks and takes it there,
// record by record.
//
// What the peer wrote is input. The tail is read once for each look; a record must lie between head and tail and within its ring, and
// carry the check of its own position. All works on the copy (but for the words of an announcement, which are read once at each try): bytes
// that change while they are read can change a value, never the reader. Work is bounded by the bytes between head and tail, and by what
// they announce: a one-off region is copied whole, and costs the turn that takes it its time (BATCH_MS).

import { SkerryError } from '../../base/errors.ts';
import { loadAcquire } from '../../memory/order.ts';
import { RECORD_MAX_BYTES, RING_MAX_BYTES } from '../../protocol/limits.ts';
import { checkWord, Flag, HEADER_BYTES, Kind, recordBytes } from '../../protocol/record.ts';
import { extendPosition, type RingArea } from './layout.ts';

/** Regions that the peer has announced in its ring and the kernel has introduced. */
export interface IntroducedRegions {
  ring(regionId: number, start: number): RingArea | undefined;
  /** A copy of the payload in a one-off region, which stays for the next one until the peer retires it. */
  oneOff(regionId: number, length: number): Uint8Array | undefined;
}

/** Up to here a loop is faster than a call of the engine. */
const LOOP_BYTES = 256;
/** What has been published is copied in stretches: the cache lines of several records travel at once, and sixteen bytes are a header. */
const STRETCH_BYTES = 4096;
const stretch = new Uint8Array(STRETCH_BYTES);
const stretch32 = new Int32Array(stretch.buffer);
/** The number of the stretch that is there: all readers of the isolate share its memory. */
let stretchNumber = 0;
const SCRATCH_BYTES = 64 * 1024;
const scratch = new Uint8Array(SCRATCH_BYTES);
/** For larger records, grown to the largest that came, a ring's size at most: fresh memory for each costs more than the copy. */
let largeScratch = new Uint8Array(0);

export class RingReader {
  kind = 0;
  flags = 0;
  method = 0;
  callId = 0;
  /** Private copy of the payload; valid until the next `next()` of any reader. */
  payload: Uint8Array = stretch;
  /** Where in `payload` it begins. */
  offset = 0;
  length = 0;
  /** Position behind the record that `next` returned, pads and switches included. */
  head: number;
  /** Waits for a region that the kernel has not introduced yet. */
  waiting = false;

  #area: RingArea;
  /** The peer's tail when it was looked at last: up to here nothing need be asked. */
  #tail: number;
  /** The stretch that this reader copied last: its number, and the positions at which it begins and ends. */
  #stretch = -1;
  #from = 0;
  #to = 0;
  /** How much the next one may have: less where readers take turns, and what is copied beyond a record or two is lost to the other. */
  #most = STRETCH_BYTES;
  readonly #words: Int32Array;
  readonly #tailWord: number;
  readonly #regions: IntroducedRegions;

  constructor(area: RingArea, words: Int32Array, tailWord: number, regions: IntroducedRegions, position: number) {
    this.#area = area;
    this.#words = words;
    this.#tailWord = tailWord;
    this.#regions = regions;
    this.head = position;
    this.#tail = position;
  }

  /** Is anything published behind the head? One load. */
  pending(): boolean {
    if (this.waiting) return false;
    return this.head !== this.#tail || loadAcquire(this.#words, this.#tailWord) !== (this.head | 0); // sync: request-published, reply-published
  }

  /** Bytes published behind the head, as the peer says; at most what two rings hold. */
  get unread(): number {
    const bytes = (Atomics.load(this.#words, this.#tailWord) - (this.head | 0)) | 0;
    return Math.max(0, Math.min(bytes, 2 * RING_MAX_BYTES));
  }

  /** The kernel has introduced one more region: look again. */
  introduced(): void {
    this.waiting = false;
  }

  /**
   * Takes the next record: its fields and the copy of its payload are in this object then.
   * @returns false when there is none, or when it waits for a region.
   * @throws SKERRY_CORRUPT
   */
  next(): boolean {
    while (this.head !== this.#tail || this.#look()) {
      const area = this.#area;
      const at = this.head & (area.capacity - 1);
      if (this.#stretch !== stretchNumber || this.head >= this.#to) this.#copyStretch(area, at);
      const index = (this.head - this.#from) >> 2;
      const length = stretch32[index] as number;
      const head = stretch32[index + 1] as number;
      const callId = stretch32[index + 2] as number;
      if (stretch32[index + 3] !== checkWord(length, head, callId, this.head)) throw noRecord(this.head);
      const bytes = recordBytes(length);
      if (length < 0 || length > area.capacity || at + bytes > area.capacity || this.head + bytes > this.#tail) {
        throw noRoom(this.head, length, Math.min(area.capacity - at, this.#tail - this.head));
      }
      const kind = head & 0xff;
      if (kind === Kind.pad) {
        this.head += bytes;
        continue;
      }
      if (kind === Kind.switch) {
        if (this.#follow(area, at, length)) continue;
        return false;
      }
      this.kind = kind;
      this.flags = (head >>> 8) & 0xff;
      this.method = head >>> 16;
      this.callId = callId >>> 0;
      if (!this.#take(area, at + HEADER_BYTES, length)) {
        this.waiting = true;
        return false;
      }
      this.head += bytes;
      return true;
    }
    return false;
  }

  /** Goes on in the ring that the switch record at `at` names. @returns false when it waits for it. @throws SKERRY_CORRUPT */
  #follow(area: RingArea, at: number, length: number): boolean {
    if (length !== 16) throw corrupt(`a switch record has ${length} bytes; valid are 16`);
    const end = this.head + recordBytes(length);
    const start = area.f64[(at + HEADER_BYTES + 8) >> 3] as number;
    if (start !== end) throw corrupt(`a switch record at ${this.head} leads to ${start}; valid is ${end}`);
    const next = this.#regions.ring(area.i32[(at + HEADER_BYTES) >> 2] as number, start);
    if (next === undefined) {
      this.waiting = true;
      return false;
    }
    this.#area = next; // sync: ring-switched
    this.head = start;
    this.#to = start; // what lies behind the switch in the old ring is nothing
    return true;
  }

  /** Looks how far the peer has published. @returns false when there is nothing new. @throws SKERRY_CORRUPT */
  #look(): boolean {
    const word = loadAcquire(this.#words, this.#tailWord); // sync: request-published, reply-published
    if (word === (this.head | 0)) return false;
    const tail = extendPosition(this.head, word);
    if (tail < this.head || tail - this.head > 2 * RING_MAX_BYTES || (word & 15) !== 0) throw noTail(tail, this.head);
    this.#tail = tail;
    return true;
  }

  /** Copies what has been published from the head on, as far as it lies in one piece and has room. */
  #copyStretch(area: RingArea, at: number): void {
    this.#most = this.head < this.#to ? Math.max(this.#most >> 1, LOOP_BYTES) : Math.min(this.#most << 1, STRETCH_BYTES);
    const bytes = Math.min(this.#tail - this.head, area.capacity - at, this.#most);
    if (bytes <= LOOP_BYTES) {
      const { i32 } = area;
      const index = at >> 2;
      const words = bytes >> 2;
      for (let i = 0; i < words; i++) stretch32[i] = i32[index + i] as number;
    } else stretch.set(area.u8.subarray(at, at + bytes));
    this.#from = this.head;
    this.#to = this.head + bytes;
    stretchNumber = (stretchNumber + 1) | 0;
    this.#stretch = stretchNumber;
  }

  /** The payload of the record in hand: in the stretch, or a copy of its own when it goes beyond. */
  #take(area: RingArea, from: number, length: number): boolean {
    if ((this.flags & Flag.oneOff) !== 0) return this.#copyOneOff(area, from, length);
    this.length = length;
    const at = this.head + HEADER_BYTES;
    if (at + length <= this.#to) {
      this.payload = stretch;
      this.offset = at - this.#from;
    } else {
      this.payload = copyLarge(area.u8.subarray(from, from + length));
      this.offset = 0;
    }
    return true;
  }

  #copyOneOff(area: RingArea, from: number, length: number): boolean {
    if (length !== 8) throw corrupt(`a one-off record has ${length} bytes; valid are 8`);
    const regionId = area.i32[from >> 2] as number;
    const size = area.i32[(from + 4) >> 2] as number;
    if (size < 0 || size > RECORD_MAX_BYTES)
      throw corrupt(`a one-off record of ${size} bytes; valid are 0 to ${RECORD_MAX_BYTES}`);
    const payload = this.#regions.oneOff(regionId, size);
    if (payload === undefined) return false;
    this.payload = payload;
    this.offset = 0;
    this.length = size;
    this.flags &= ~Flag.oneOff;
    return true;
  }
}

function copyLarge(payload: Uint8Array): Uint8Array {
  const { length } = payload;
  if (length > SCRATCH_BYTES && largeScratch.length < length) largeScratch = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
  const target = length > SCRATCH_BYTES ? largeScratch : scratch;
  target.set(payload);
  return target;
}

// What is wrong, in words: apart from those who find it, which run for each record and are inlined while they are small.

function noRecord(at: number): SkerryError {
  return corrupt(`the header at ${at} fails its check`);
}

function noRoom(at: number, length: number, room: number): SkerryError {
  return corrupt(`the record at ${at} has ${length} bytes; there is room for ${room}`);
}

function noTail(tail: number, head: number): SkerryError {
  return corrupt(`tail ${tail}, head ${head}: the tail must be a multiple of 16 and at most ${2 * RING_MAX_BYTES} ahead`);
}

function corrupt(what: string): SkerryError {
  return new SkerryError('SKERRY_CORRUPT', `ring of a peer: ${what}`);
}
