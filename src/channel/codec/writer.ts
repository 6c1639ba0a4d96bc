// The lower half of the encoder: bytes, numbers and strings into a target.
//
// The target is either a stretch of memory that belongs to someone else (a ring that a peer maps: written, never read back, and
// not a byte outside of [start, end)) or a private scratch that grows. Both take the same path: every write first asks for
// `room`, and only when there is none do the two differ.

import { assert } from '../../base/assert.ts';
import { SkerryError, withoutStack } from '../../base/errors.ts';
import * as tags from './tags.ts';

// Taken out of their module: an imported binding is read from memory at each use, a constant of this module is folded.
const {
  SHORT_STRING_MAX,
  SMALL_INT_MAX,
  TAG_BIGINT64,
  TAG_BIGINT_HEX,
  TAG_BYTE,
  TAG_FLOAT64,
  TAG_INT16,
  TAG_INT32,
  TAG_LATIN1,
  TAG_SHORT_STRING,
  TAG_SMALL_INT,
  TAG_UTF16,
} = tags;

/** Thrown, always this one object, when a direct target is full: compare by identity, then write again into scratch. */
export const Overflow: Error = withoutStack(() => new Error('the direct target of an Encoder is full'));

const SCRATCH_MIN = 4 * 1024;
/** What a scratch gets beyond what is asked for: what comes after large bytes is mostly small. */
const ROOM_AFTER = 1024;
/** A scratch that a large record has grown is not kept beyond this size. */
const SCRATCH_KEPT = 1024 * 1024;

/** A record from this size on leaves with its scratch. */
const SCRATCH_HANDED_OVER = 64 * 1024;

const { latin1Write, ucs2Write } = Buffer.prototype;
const NOT_LATIN1 = /[\u0100-\uffff]/;
const NOTHING = new Uint8Array(0);

/** Writes ask for the most that they may take; so much more than its limit may a scratch have. */
const SLACK = 16;
/** How many targets of late keep their DataView: making one costs more than a small record. */
const VIEWS = 4;
const noView = new DataView(new ArrayBuffer(0));

export class Writer {
  /** The memory written to. In scratch mode it changes as the record grows. */
  bytes: Uint8Array = NOTHING;
  /** Where the next byte goes, as an offset in {@link bytes}. */
  position = 0;
  /** @internal The same memory; offsets are those of {@link bytes}. */
  protected view: DataView = noView;
  #end = 0;
  readonly #targets: Uint8Array[] = new Array<Uint8Array>(VIEWS).fill(NOTHING);
  readonly #views: DataView[] = new Array<DataView>(VIEWS).fill(noView);
  #nextView = 0;
  #scratch: Uint8Array = NOTHING;
  /** 0: direct mode. */
  #scratchMax = 0;

  /**
   * Starts a record in memory of the caller's. Nothing outside of [start, end) is written and nothing is read. The last few
   * targets are remembered, and so is their memory.
   *
   * @throws Overflow from any later write that does not fit, or might not (by up to 8 bytes); the caller then starts over in
   * scratch
   */
  begin(bytes: Uint8Array, start: number, end: number): void {
    assert(start <= end && end <= bytes.length, 'the target of an Encoder lies within its memory');
    if (bytes !== this.bytes) this.#aim(bytes);
    this.position = start;
    this.#end = end;
    this.#scratchMax = 0;
  }

  /**
   * Starts a record at offset 0 of a private target that grows; its bytes are valid until the next record.
   *
   * @param maxBytes limit of the record; beyond it a write, or finish() at the latest, throws SkerryError SKERRY_LIMIT
   */
  beginScratch(maxBytes: number): void {
    if (this.#scratch.length === 0) this.#scratch = new Uint8Array(SCRATCH_MIN);
    this.#aim(this.#scratch);
    this.position = 0;
    this.#end = Math.min(maxBytes, this.bytes.length);
    this.#scratchMax = maxBytes;
  }

  u8(x: number): void {
    this.room(1);
    this.bytes[this.position++] = x;
  }

  u32(x: number): void {
    this.room(4);
    this.view.setUint32(this.position, x, true);
    this.position += 4;
  }

  f64(x: number): void {
    this.room(8);
    this.view.setFloat64(this.position, x, true);
    this.position += 8;
  }

  raw(source: Uint8Array): void {
    this.room(source.length);
    this.bytes.set(source, this.position);
    this.position += source.length;
  }

  /** A length or an index below 2^32, in 1 to 5 bytes of 7 bits each. */
  varint(x: number): void {
    this.room(5);
    const { bytes } = this;
    let position = this.position;
    while (x > 0x7f) {
      bytes[position++] = (x & 0x7f) | 0x80;
      x >>>= 7;
    }
    bytes[position++] = x;
    this.position = position;
  }

  number(x: number): void {
    this.room(9);
    const { bytes, position } = this;
    if ((x | 0) !== x || (x === 0 && 1 / x < 0)) {
      bytes[position] = TAG_FLOAT64;
      this.view.setFloat64(position + 1, x, true);
      this.position = position + 9;
    } else if (x >>> 0 <= SMALL_INT_MAX) {
      bytes[position] = TAG_SMALL_INT | x;
      this.position = position + 1;
    } else if (x >>> 0 <= 0xff) {
      bytes[position] = TAG_BYTE;
      bytes[position + 1] = x;
      this.position = position + 2;
    } else if ((x << 16) >> 16 === x) {
      bytes[position] = TAG_INT16;
      bytes[position + 1] = x;
      bytes[position + 2] = x >> 8;
      this.position = position + 3;
    } else {
      bytes[position] = TAG_INT32;
      this.view.setInt32(position + 1, x, true);
      this.position = position + 5;
    }
  }

  bigint(x: bigint): void {
    if (BigInt.asIntN(64, x) === x) {
      this.room(9);
      this.bytes[this.position] = TAG_BIGINT64;
      this.view.setBigInt64(this.position + 1, x, true);
      this.position += 9;
    } else {
      this.u8(TAG_BIGINT_HEX);
      this.u8(x < 0n ? 1 : 0);
      this.string((x < 0n ? -x : x).toString(16));
    }
  }

  string(s: string): void {
    const n = s.length;
    if (n > SHORT_STRING_MAX) {
      this.#longString(s);
      return;
    }
    this.room(n + 1);
    const { bytes, position } = this;
    bytes[position] = TAG_SHORT_STRING | n;
    for (let i = 0; i < n; i++) {
      const c = s.charCodeAt(i);
      if (c > 0xff) {
        this.#longString(s);
        return;
      }
      bytes[position + 1 + i] = c;
    }
    this.position = position + 1 + n;
  }

  /**
   * Latin-1 when every code unit fits into a byte, else UTF-16: both are copies at the speed of memory and keep lone surrogates.
   * The test costs nothing on a string that the engine itself holds as Latin-1, and ends at the first wide character of another.
   */
  #longString(s: string): void {
    const wide = NOT_LATIN1.test(s);
    const size = wide ? s.length * 2 : s.length;
    this.room(6 + size);
    this.bytes[this.position++] = wide ? TAG_UTF16 : TAG_LATIN1;
    this.varint(size);
    if (wide) ucs2Write.call(this.bytes, s, this.position, size);
    else latin1Write.call(this.bytes, s, this.position, size);
    this.position += size;
  }

  /** Copies `size` bytes, as words, in the order of most processors: for so few bytes that is faster than a call of the engine. */
  protected block(source: DataView, size: number): void {
    this.room(size);
    const { view, position } = this;
    if (size >= 4) {
      for (let i = 0; i < size - 4; i += 4) view.setInt32(position + i, source.getInt32(i, true), true);
      view.setInt32(position + size - 4, source.getInt32(size - 4, true), true);
    } else {
      for (let i = 0; i < size; i++) view.setUint8(position + i, source.getUint8(i));
    }
    this.position = position + size;
  }

  /** Makes sure that `size` more bytes fit. */
  protected room(size: number): void {
    if (this.#end - this.position < size) this.#grow(size);
  }

  /** Checks a scratch against its limit to the byte. */
  protected check(): void {
    if (this.#scratchMax !== 0 && this.position > this.#scratchMax) this.#tooLarge(this.position, this.#scratchMax);
  }

  /**
   * The first `end` bytes of the scratch, the caller's own from here on. A large scratch is handed over as it is: copying it would
   * cost more than growing the next one.
   */
  takeScratch(end: number): Uint8Array {
    if (end < SCRATCH_HANDED_OVER) return this.#scratch.slice(0, end);
    const taken = this.#scratch.subarray(0, end);
    this.#dropScratch();
    return taken;
  }

  /** Lets go of a scratch that a large record has grown. */
  protected trim(): void {
    if (this.#scratch.length > SCRATCH_KEPT) this.#dropScratch();
    this.#end = 0;
    this.#scratchMax = 0;
  }

  #aim(bytes: Uint8Array): void {
    this.bytes = bytes;
    for (let i = 0; i < VIEWS; i++) {
      if (this.#targets[i] === bytes) {
        this.view = this.#views[i];
        return;
      }
    }
    const slot = this.#nextView;
    this.#nextView = (slot + 1) % VIEWS;
    this.#targets[slot] = bytes;
    this.#views[slot] = this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Nothing here refers to the scratch any more. */
  #dropScratch(): void {
    const slot = this.#targets.indexOf(this.#scratch);
    if (slot >= 0) {
      this.#targets[slot] = NOTHING;
      this.#views[slot] = noView;
    }
    this.#scratch = NOTHING;
    this.bytes = NOTHING;
    this.view = noView;
  }

  #grow(size: number): void {
    const max = this.#scratchMax;
    if (max === 0) throw Overflow;
    const needed = this.position + size;
    if (needed > max + SLACK) this.#tooLarge(needed, max);
    // Not filled with zeros: nothing is read but what has been written. A plain view, for which the writes are compiled.
    const grownSize = Math.max(Math.min(max, needed + ROOM_AFTER), Math.min(max, this.bytes.length * 2), needed);
    const grown = new Uint8Array(Buffer.allocUnsafeSlow(grownSize).buffer);
    grown.set(this.bytes.subarray(0, this.position));
    this.#scratch = grown;
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
    this.#end = grown.length;
  }

  #tooLarge(needed: number, max: number): never {
    throw new SkerryError(
      'SKERRY_LIMIT',
      `a record of ${needed} bytes or more is over the limit of ${max} bytes: send it in parts, as a stream (grants, which hand data over in place, are not built yet)`,
      { data: { sizeBytes: needed, maxBytes: max } },
    );
  }
}
