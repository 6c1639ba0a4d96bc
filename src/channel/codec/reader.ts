// The lower half of the decoder: bytes, numbers and strings out of a record, each read checked against its end.
//
// A record is a stretch of private memory that does not change while it is read. Every read goes through `take`, which either
// moves past bytes that are there or reports the record as corrupt; a length that the record claims is believed only as far as
// there are bytes for it.

import { assert } from '../../base/assert.ts';
import { SkerryError } from '../../base/errors.ts';
import { latin1, utf16 } from './strings.ts';
import * as tags from './tags.ts';

// Taken out of their module: an imported binding is read from memory at each use, a constant of this module is folded.
const { SHORT_STRING_MAX, TAG_LATIN1, TAG_SHORT_STRING, TAG_UNDEFINED, TAG_UTF16 } = tags;

const NOTHING = new Uint8Array(0);
const noView = new DataView(new ArrayBuffer(0));

export class Reader {
  /** @internal The memory that the record lies in. */
  protected bytes: Uint8Array = NOTHING;
  /** @internal The same memory; offsets are those of {@link bytes}. */
  protected view: DataView = noView;
  /** @internal Where the next byte is read. */
  protected at = 0;
  /** @internal Where the record ends. */
  protected limit = 0;
  #start = 0;

  /** Starts on the record in [start, end) of private memory, which must not change until the record is done with. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    assert(start <= end && end <= bytes.length, 'a record lies within its memory');
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#start = start;
    this.at = start;
    this.limit = end;
  }

  /** The offset of the next byte in the memory given to {@link begin}. */
  get position(): number {
    return this.at;
  }

  u8(): number {
    return this.bytes[this.take(1)];
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** A copy of the next `size` bytes. */
  raw(size: number): Uint8Array {
    return new Uint8Array(this.copy(size));
  }

  /** @internal A copy of the next `size` bytes, in a buffer of its own. */
  copy(size: number): ArrayBuffer {
    const p = this.take(size);
    const { bytes } = this;
    return bytes.buffer.slice(bytes.byteOffset + p, bytes.byteOffset + p + size) as ArrayBuffer;
  }

  /** @internal Moves past the next byte when it is `tag`; answers whether it was. */
  skip(tag: number): boolean {
    if (this.at >= this.limit || this.bytes[this.at] !== tag) return false;
    this.at++;
    return true;
  }

  /** @internal A length or an index below 2^32, in 1 to 5 bytes of 7 bits each. */
  varint(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let x = first & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.u8();
      x += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (x > 0xffff_ffff) break;
        return x;
      }
    }
    return this.corrupt(this.at, 'a longer number', 'a number below 2^32');
  }

  /** @internal A number of things that take at least one byte each. */
  length(things: string): number {
    const { at } = this;
    const n = this.varint();
    if (n > this.limit - this.at) this.corrupt(at, `${n} ${things}`, `at most the ${this.limit - this.at} bytes that are left`);
    return n;
  }

  /** @internal A string, with its tag. */
  string(expected: string): string {
    const { at } = this;
    const tag = this.u8();
    if (tag >= TAG_SHORT_STRING && tag < 0x80) return this.latin1(tag & SHORT_STRING_MAX);
    if (tag === TAG_LATIN1) return this.latin1(this.length('characters'));
    if (tag === TAG_UTF16) return this.utf16();
    return this.corrupt(at, `0x${tag.toString(16)}`, expected);
  }

  /** @internal A string or undefined, with its tag. */
  optionalString(): string | undefined {
    return this.skip(TAG_UNDEFINED) ? undefined : this.string('a string or undefined');
  }

  protected latin1(n: number): string {
    return latin1(this.bytes, this.take(n), n);
  }

  protected utf16(): string {
    const n = this.length('bytes of UTF-16');
    if (n & 1) this.corrupt(this.at, `${n} bytes`, 'an even number of bytes of UTF-16');
    return utf16(this.bytes, this.take(n), n);
  }

  protected int16(): number {
    return this.view.getInt16(this.take(2), true);
  }

  protected int32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  protected bigint64(): bigint {
    return this.view.getBigInt64(this.take(8), true);
  }

  /** @param at where its tag stands, for the message */
  protected bigintHex(at: number): bigint {
    const negative = this.u8() !== 0;
    const digits = this.string('the digits of a bigint');
    if (!/^[0-9a-f]+$/.test(digits)) this.corrupt(at, 'other characters', 'hexadecimal digits');
    try {
      const magnitude = BigInt(`0x${digits}`);
      return negative ? -magnitude : magnitude;
    } catch {
      return this.corrupt(at, `${digits.length} digits`, 'as many as a bigint can have');
    }
  }

  /** The offset of the next `size` bytes, and past them. */
  protected take(size: number): number {
    const { at } = this;
    if (size > this.limit - at) this.corrupt(at, `${this.limit - at} bytes`, `${size} bytes`);
    this.at = at + size;
    return at;
  }

  /** @internal Reports what stands at offset `at` of {@link bytes}. */
  corrupt(at: number, found: string, valid: string): never {
    const offset = at - this.#start;
    throw new SkerryError(
      'SKERRY_CORRUPT',
      `byte ${offset} of a record of ${this.limit - this.#start}: found ${found} where ${valid} would be valid`,
      { data: { offset, found, valid } },
    );
  }
}
