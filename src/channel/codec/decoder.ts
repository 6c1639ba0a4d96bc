// The decoder: bytes into values, without trust.
//
// The bytes are in private memory (the transport copies a record out first), but a peer wrote them. So every read is checked
// against the end (reader.ts), every item costs at least one byte of input, nesting and objects are limited, and no property is
// set in a way that could run code. Whatever the bytes are, the outcome is a value or SKERRY_CORRUPT, after work in proportion
// to their number. How built-in classes are read stands beside how they are written: exotic.ts, errors.ts.

import { SkerryError } from '../../base/errors.ts';
import { readError } from './errors.ts';
import { readExotic } from './exotic.ts';
import { Reader } from './reader.ts';
import { findShape, type Shape } from './shape-table.ts';
import { safeKey } from './strings.ts';
import * as tags from './tags.ts';

// Taken out of their module: an imported binding is read from memory at each use, a constant of this module is folded.
const {
  DEPTH_MAX,
  OBJECTS_MAX,
  SHORT_STRING_MAX,
  TAG_ARRAY,
  TAG_BIGINT64,
  TAG_BIGINT_HEX,
  TAG_BOXED,
  TAG_BYTE,
  TAG_END,
  TAG_ERROR,
  TAG_FALSE,
  TAG_FLOAT64,
  TAG_HANDLE,
  TAG_INT16,
  TAG_INT32,
  TAG_LATIN1,
  TAG_NULL,
  TAG_OBJECT,
  TAG_REF,
  TAG_SHAPE,
  TAG_SHAPE_REF,
  TAG_SHORT_ARRAY,
  TAG_SHORT_STRING,
  TAG_SPARSE,
  TAG_TRACKED,
  TAG_TRUE,
  TAG_UNDEFINED,
  TAG_UNTRACKED,
  TAG_UTF16,
} = tags;

export interface DecoderLimits {
  /** How deep containers may nest; 1 or more, default 100. */
  depthMax?: number;
  /** How many objects one record may hold; 1 or more, default 1,000,000. */
  objectsMax?: number;
}

/**
 * Arrays up to this length get their memory at once; longer ones as their items arrive, since a length alone is cheap to claim.
 */
const SIZED_MAX = 1024;

export class Decoder extends Reader {
  readonly #depthMax: number;
  readonly #objectsMax: number;
  /** The objects made so far, in the order in which the encoder numbered them. */
  #objects: object[] = [];
  #count = 0;
  /** Whether the record has references; without them its objects need not be kept. */
  #tracked = false;
  /** The shapes whose keys this record has. */
  #shapes: Shape[] = [];
  #shapeCount = 0;
  /** How many items arrays may still claim memory for. Items that are there have a byte each; holes claim what others leave. */
  #unpaid = 0;

  constructor(limits: DecoderLimits = {}) {
    super();
    this.#depthMax = limits.depthMax ?? DEPTH_MAX;
    this.#objectsMax = limits.objectsMax ?? OBJECTS_MAX;
  }

  override begin(bytes: Uint8Array, start: number, end: number): void {
    super.begin(bytes, start, end);
    this.#unpaid = end - start;
    this.#shapeCount = 0;
    this.#forget();
  }

  /**
   * Reads one value.
   *
   * @throws SkerryError SKERRY_CORRUPT, with the offset, what was found there and what would have been valid;
   * SKERRY_UNSUPPORTED for what only a newer version reads
   */
  value(): unknown {
    this.#mark();
    return this.any(0);
  }

  /** Reads what {@link Encoder.args} wrote. Throws as {@link value} does. */
  args(): unknown[] {
    this.#mark();
    const n = this.length('arguments');
    if (n === 1) return [this.any(1)]; // the most frequent, without room for more
    const list: unknown[] = [];
    for (let i = 0; i < n; i++) list.push(this.any(1));
    return list;
  }

  /** Ends the record and forgets its objects. @throws SkerryError SKERRY_CORRUPT when bytes are left */
  end(): void {
    if (this.at !== this.limit) this.corrupt(this.at, `${this.limit - this.at} more bytes`, 'the end of the record');
    this.#forget();
  }

  /** @internal A value within `depth` containers. */
  any(depth: number): unknown {
    const { at } = this;
    if (at >= this.limit) this.corrupt(at, 'the end of the record', 'a value');
    const tag = this.bytes[at];
    this.at = at + 1;
    if (tag >= 0x80) return tag & 0x7f;
    if (tag >= TAG_SHORT_STRING) return this.latin1(tag & SHORT_STRING_MAX);
    if (tag >= TAG_SHORT_ARRAY) return this.#array(tag & 0x1f, depth);
    switch (tag) {
      case TAG_SHAPE:
        return this.#shaped(this.#shape(), depth);
      case TAG_SHAPE_REF:
        return this.#shaped(this.#shapeRef(), depth);
      case TAG_OBJECT:
        return this.#object(depth);
      case TAG_FLOAT64:
        return this.f64();
      case TAG_BYTE:
        return this.u8();
      case TAG_INT16:
        return this.int16();
      case TAG_INT32:
        return this.int32();
      case TAG_TRUE:
        return true;
      case TAG_FALSE:
        return false;
      case TAG_NULL:
        return null;
      case TAG_UNDEFINED:
        return undefined;
      case TAG_LATIN1:
        return this.latin1(this.length('characters'));
      case TAG_UTF16:
        return this.utf16();
      case TAG_ARRAY:
        return this.#array(this.varint(), depth);
      case TAG_REF:
        return this.#ref();
      default:
        return this.#rare(tag, at, depth);
    }
  }

  #rare(tag: number, at: number, depth: number): unknown {
    switch (tag) {
      case TAG_BIGINT64:
        return this.bigint64();
      case TAG_BIGINT_HEX:
        return this.bigintHex(at);
      case TAG_BOXED:
        return this.#boxed(at);
      case TAG_ERROR:
        return readError(this, at, depth);
      case TAG_HANDLE:
        throw new SkerryError(
          'SKERRY_UNSUPPORTED',
          'the peer sent a value by reference, which this version of Skerry cannot take',
        );
      default:
        return readExotic(this, tag, at, depth);
    }
  }

  #mark(): void {
    const { at } = this;
    const mark = this.u8();
    if (mark === TAG_TRACKED) this.#tracked = true;
    else if (mark !== TAG_UNTRACKED) this.corrupt(at, `0x${mark.toString(16)}`, 'the start of a value');
  }

  #object(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.enter(object, depth);
    for (;;) {
      const { at } = this;
      if (at >= this.limit) this.corrupt(at, 'the end of the record', 'a key or the end of an object');
      const tag = this.bytes[at];
      if (tag === TAG_END) {
        this.at = at + 1;
        return object;
      }
      if (tag >= TAG_SHORT_STRING && tag < 0x80) {
        const n = tag & SHORT_STRING_MAX;
        this.at = at + 1;
        const key = safeKey(this.bytes, this.take(n), n);
        if (key !== undefined) {
          object[key] = this.any(depth + 1);
          continue;
        }
        this.at = at;
      }
      const key = this.string('a key or the end of an object');
      define(object, key, this.any(depth + 1));
    }
  }

  #shape(): Shape {
    const { at } = this;
    const p = this.take(4);
    const hash = this.view.getUint16(p, true);
    const n = this.view.getUint16(p + 2, true);
    const shape = findShape(this.bytes, this.view, this.take(n), n, hash);
    if (shape === undefined) return this.corrupt(at, 'other bytes', 'the keys of a shape');
    this.#shapes[this.#shapeCount++] = shape;
    return shape;
  }

  #shapeRef(): Shape {
    const { at } = this;
    const index = this.varint();
    if (index >= this.#shapeCount) this.corrupt(at, `shape ${index}`, `one of the ${this.#shapeCount} shapes before it`);
    return this.#shapes[index];
  }

  #shaped(shape: Shape, depth: number): Record<string, unknown> {
    if (shape.read !== undefined) return shape.read(this, depth);
    const object: Record<string, unknown> = {};
    this.enter(object, depth);
    const { keys, safe } = shape;
    for (let i = 0; i < keys.length; i++) {
      if (safe) object[keys[i]] = this.any(depth + 1);
      else define(object, keys[i], this.any(depth + 1));
    }
    return object;
  }

  #array(n: number, depth: number): unknown[] {
    this.#unpaid -= n;
    const paid = this.#unpaid >= 0;
    const array: unknown[] = paid && n <= SIZED_MAX ? new Array<unknown>(n) : [];
    this.enter(array, depth);
    for (let i = 0; i < n; i++) {
      if (this.skip(TAG_SPARSE)) {
        this.#sparse(array, i, n, paid, depth);
        break;
      }
      array[i] = this.any(depth + 1);
    }
    return array;
  }

  /**
   * The rest of an array with holes. Holes take memory only as far as the record has bytes for them; beyond that a hash table.
   */
  #sparse(array: unknown[], from: number, n: number, paid: boolean, depth: number): void {
    if (!paid) array.length = 0xffff_ffff; // the engine turns to a hash table, and stays with it
    array.length = n;
    for (let next = from; ; ) {
      const { at } = this;
      const mark = this.u8();
      if (mark === TAG_END) return;
      if (mark !== TAG_TRUE) this.corrupt(at, `0x${mark.toString(16)}`, 'an item or the end of an array with holes');
      const index = this.varint();
      if (index < next || index >= n) this.corrupt(at + 1, `index ${index}`, `an index from ${next} to ${n - 1}`);
      array[index] = this.any(depth + 1);
      next = index + 1;
    }
  }

  #boxed(at: number): object {
    if (this.skip(TAG_BOXED)) this.corrupt(at, 'a box in a box', 'a primitive value');
    const index = this.#count;
    const primitive = this.any(this.#depthMax);
    if (primitive === null || primitive === undefined || typeof primitive === 'object' || this.#count !== index) {
      this.corrupt(at, 'an object', 'a primitive value');
    }
    return this.keep(Object(primitive) as object);
  }

  #ref(): object {
    const { at } = this;
    const index = this.varint();
    if (index >= this.#count) this.corrupt(at, `object ${index}`, `one of the ${this.#count} objects before it`);
    const object = this.#objects[index];
    if (object === undefined) this.corrupt(at, `object ${index}`, 'an object of this record');
    return object;
  }

  /** @internal Numbers an object that holds others, and checks how deep it is. */
  enter(object: object, depth: number): void {
    if (depth >= this.#depthMax) this.corrupt(this.at, 'another container', `at most ${this.#depthMax} within each other`);
    this.keep(object);
  }

  /** @internal Numbers an object that holds no others. */
  keep<T extends object>(object: T): T {
    const index = this.#count++;
    if (index >= this.#objectsMax) this.corrupt(this.at, 'another object', `at most ${this.#objectsMax}`);
    if (this.#tracked) this.#objects[index] = object;
    return object;
  }

  #forget(): void {
    this.#count = 0;
    if (!this.#tracked) return;
    this.#tracked = false;
    this.#objects = [];
  }
}

/** Makes an own property, whatever the prototype has under that name. */
function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
