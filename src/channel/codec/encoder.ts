// The encoder: values of JavaScript into bytes, in one pass.
//
// It holds the state of one record at a time and none beyond it. Data of the user can run code in the middle of a record (a
// getter, a Proxy), and that code may call into Skerry: so an encoder is acquired for a record and released after it, and nested
// use gets another one. codec.ts has the format.

import { mayTravelAsPlain, writeExotic } from './exotic.ts';
import { pathOf, type Step, tooDeep, tooMany, unsendable } from './refusal.ts';
import { Seen } from './seen.ts';
import { branch, countUse, nextRecord, type ShapeNode, shapeRoot } from './shape-tree.ts';
import * as tags from './tags.ts';
import { Overflow, Writer } from './writer.ts';

// Taken out of their module: an imported binding is read from memory at each use, a constant of this module is folded.
const {
  DEPTH_MAX,
  OBJECTS_MAX,
  SHORT_ARRAY_MAX,
  TAG_ARRAY,
  TAG_END,
  TAG_FALSE,
  TAG_NULL,
  TAG_OBJECT,
  TAG_REF,
  TAG_SHAPE,
  TAG_SHAPE_REF,
  TAG_SHORT_ARRAY,
  TAG_SPARSE,
  TAG_TRACKED,
  TAG_TRUE,
  TAG_UNDEFINED,
  TAG_UNTRACKED,
} = tags;

export interface EncoderLimits {
  /** How deep containers may nest; 1 or more, default 100. The receiver has the same limit. */
  depthMax?: number;
  /** How many objects one record may hold; 1 or more, default 1,000,000. */
  objectsMax?: number;
}

const plainPrototype = Object.prototype;
const { getPrototypeOf } = Object;
const { isArray } = Array;
const empty = {};

export class Encoder extends Writer {
  readonly #depthMax: number;
  readonly #objectsMax: number;
  readonly #seen = new Seen();
  /** The steps into the containers around the value in hand; for the path in a refusal. */
  readonly #steps: Step[];
  #root = '';
  #record = 0;
  /** Shapes whose keys the record has. */
  #shapes = 0;
  /** Whether the record holds a reference, and where its marks are. */
  #tracked = false;
  readonly #marks: number[] = [];
  #markCount = 0;
  /** Attempts of this record that came to nothing. */
  #failures = 0;
  /** Whether somebody gave all objects enumerable properties by way of Object.prototype. */
  #polluted = false;

  constructor(limits: EncoderLimits = {}) {
    super();
    this.#depthMax = limits.depthMax ?? DEPTH_MAX;
    this.#objectsMax = limits.objectsMax ?? OBJECTS_MAX;
    this.#steps = new Array<Step>(this.#depthMax + 1).fill('');
  }

  override begin(bytes: Uint8Array, start: number, end: number): void {
    this.#fresh();
    super.begin(bytes, start, end);
  }

  override beginScratch(maxBytes: number): void {
    this.#fresh();
    super.beginScratch(maxBytes);
  }

  /**
   * Writes one value. Objects met before in this record become references, so that identity and cycles arrive.
   *
   * @param path what the caller calls this value, for the message when something in it cannot travel
   * @throws SkerryError SKERRY_UNSENDABLE with the path of what cannot travel; SKERRY_LIMIT; Overflow; whatever a getter throws
   */
  value(v: unknown, path: string): void {
    this.#root = path;
    this.#mark();
    this.any(v, 0);
  }

  /** Writes the number of values and each of them; paths in errors start with `args[0]`. Throws as {@link value} does. */
  args(list: readonly unknown[]): void {
    this.#root = 'args';
    const n = list.length;
    this.#mark();
    this.varint(n);
    for (let i = 0; i < n; i++) {
      this.#steps[0] = i;
      const v = list[i];
      if (typeof v === 'object' && v !== null) this.#object(v, 1);
      else this.any(v, 1);
    }
  }

  /**
   * Ends the record, forgets its objects and answers the position after its last byte.
   *
   * @throws SkerryError SKERRY_LIMIT when the record is larger than its scratch may be
   */
  finish(): number {
    this.#seen.clear();
    this.check();
    return this.position;
  }

  /** @internal Lets go of everything that the last record held. */
  reset(): void {
    this.#seen.clear();
    this.trim();
  }

  /** @internal A value with `depth` steps above it. */
  any(v: unknown, depth: number): void {
    if (typeof v === 'string') this.string(v);
    else if (typeof v === 'number') this.number(v);
    else if (typeof v === 'boolean') this.u8(v ? TAG_TRUE : TAG_FALSE);
    else if (v === undefined) this.u8(TAG_UNDEFINED);
    else if (v === null) this.u8(TAG_NULL);
    else if (typeof v === 'object') this.#object(v, depth);
    else if (typeof v === 'bigint') this.bigint(v);
    else this.refuse(v, depth);
  }

  /** @internal Names the step from the container at `depth` into the value that is written next. */
  step(depth: number, step: Step): void {
    this.#steps[depth] = step;
  }

  /**
   * Writes a byte that becomes TAG_TRACKED when the record turns out to hold a reference: without any, a decoder need not keep
   * track.
   */
  #mark(): void {
    this.#marks[this.#markCount++] = this.position;
    this.u8(this.#tracked ? TAG_TRACKED : TAG_UNTRACKED);
  }

  #fresh(): void {
    this.#markCount = 0;
    this.#tracked = false;
    this.#seen.clear();
    this.#record = nextRecord();
    this.#shapes = 0;
    this.#failures = 0;
    this.#polluted = false;
    for (const _ in empty) this.#polluted = true;
  }

  /** What looks like a plain object: as one of a shape, unless it is empty, the tree of shapes does not take it, or it is none. */
  #plain(v: Record<string, unknown>, depth: number): void {
    let node: ShapeNode | undefined = shapeRoot;
    for (const key in v) {
      const last: ShapeNode | undefined = node.last;
      node = last !== undefined && last.key === key ? last : branch(node, key);
      if (node === undefined) break;
    }
    if (node?.write !== undefined && !this.#polluted) {
      if (node.write(this, v, depth, node)) return;
      node = undefined;
    }
    const prototype = getPrototypeOf(v) as object | null;
    if (prototype !== plainPrototype && prototype !== null) this.#classed(v, prototype, depth);
    else if (node === undefined || node === shapeRoot || this.#polluted) this.#fields(v, depth);
    else this.#shaped(v, node, depth);
  }

  #shaped(v: Record<string, unknown>, node: ShapeNode, depth: number): void {
    countUse(node);
    const { position } = this;
    const { count } = this.#seen;
    const shapes = this.#shapes;
    this.shape(node);
    const steps = this.#steps;
    let n = 0;
    for (const key in v) {
      const field = v[key];
      if (typeof field === 'string') {
        this.string(field);
      } else if (typeof field === 'number') {
        this.number(field);
      } else {
        steps[depth] = key;
        this.any(field, depth + 1);
      }
      n++;
    }
    if (n === node.keys.length) return;
    // A getter deleted other fields of its object: the fields as they are now, key by key.
    this.#rewind(position, count, shapes);
    this.#fields(v, depth);
  }

  /** @internal For generated writers. */
  field(v: unknown, key: string, depth: number): void {
    this.#steps[depth] = key;
    if (typeof v === 'object' && v !== null) this.#object(v, depth + 1);
    else this.any(v, depth + 1);
  }

  /** @internal The keys of an object: in full at the first use in a record, then by number. */
  shape(node: ShapeNode): void {
    if (node.record === this.#record) {
      this.u8(TAG_SHAPE_REF);
      this.varint(node.index);
      return;
    }
    node.record = this.#record;
    node.index = this.#shapes++;
    this.room(5);
    this.bytes[this.position] = TAG_SHAPE;
    this.view.setUint16(this.position + 1, node.hash, true);
    this.view.setUint16(this.position + 3, node.size, true);
    this.position += 5;
    this.block(node.block, node.size);
  }

  /** Key by key: the own enumerable fields of `v` and the end mark. */
  #fields(v: object, depth: number): void {
    this.u8(TAG_OBJECT);
    const steps = this.#steps;
    for (const key of Object.keys(v)) {
      const field = (v as Record<string, unknown>)[key];
      if (field === undefined && !Object.hasOwn(v, key)) continue; // a getter before it deleted it
      this.string(key);
      steps[depth] = key;
      this.any(field, depth + 1);
    }
    this.u8(TAG_END);
  }

  /**
   * @internal Writes what `write` writes, or, when some of it cannot travel, nothing; answers whether it did. What failed within an
   * attempt that fails is tried again with it: so after FAILURES_MAX nothing more is tried in a record.
   */
  attempt(write: () => void): boolean {
    if (this.#failures >= FAILURES_MAX) return false;
    const { position } = this;
    const { count } = this.#seen;
    const shapes = this.#shapes;
    try {
      write();
      return true;
    } catch (error) {
      if (error === Overflow) throw error;
      this.#failures += 1;
      this.#rewind(position, count, shapes);
      return false;
    }
  }

  /** @internal */
  refuse(v: unknown, depth: number): never {
    throw unsendable(v, pathOf(this.#root, this.#steps, depth));
  }

  #object(v: object, depth: number): void {
    const before = this.#seen.find(v);
    if (before >= 0) {
      this.#ref(before);
      return;
    }
    if (depth >= this.#depthMax || this.#seen.count > this.#objectsMax) this.#tooMuch(depth);
    if (isArray(v)) {
      this.#array(v, depth);
      return;
    }
    if (looksPlain(v)) {
      this.#plain(v as Record<string, unknown>, depth);
      return;
    }
    const prototype = getPrototypeOf(v) as object | null;
    if (prototype === plainPrototype || prototype === null) this.#plain(v as Record<string, unknown>, depth);
    else this.#classed(v, prototype, depth);
  }

  #classed(v: object, prototype: object, depth: number): void {
    if (writeExotic(this, v, prototype, depth)) return;
    if (mayTravelAsPlain(v, prototype)) this.#fields(v, depth);
    else this.refuse(v, depth);
  }

  /** Takes back what was written since the record was at these counts. */
  #rewind(position: number, objects: number, shapes: number): void {
    this.position = position;
    this.#seen.rewind(objects);
    this.#shapes = shapes;
    this.#record = nextRecord(); // shapes written since are gone; those from before are written once more
  }

  #ref(number: number): void {
    for (let i = 0; i < this.#markCount; i++) this.bytes[this.#marks[i]] = TAG_TRACKED;
    this.#tracked = true;
    this.u8(TAG_REF);
    this.varint(number);
  }

  #array(v: readonly unknown[], depth: number): void {
    const n = v.length;
    if (n <= SHORT_ARRAY_MAX) {
      this.u8(TAG_SHORT_ARRAY | n);
    } else {
      this.u8(TAG_ARRAY);
      this.varint(n);
    }
    const steps = this.#steps;
    for (let i = 0; i < n; i++) {
      const item = v[i];
      if (typeof item === 'string') {
        this.string(item);
      } else if (typeof item === 'number') {
        this.number(item);
      } else if (item === undefined && !Object.hasOwn(v, i)) {
        this.#sparse(v, i, n, depth);
        return;
      } else {
        steps[depth] = i;
        this.any(item, depth + 1);
      }
    }
  }

  /**
   * The rest of an array from its first hole on: pairs of index and value. The work is that of what is there, not of the length.
   */
  #sparse(v: readonly unknown[], from: number, n: number, depth: number): void {
    this.u8(TAG_SPARSE);
    for (const key of Object.keys(v)) {
      const index = Number(key);
      if (!(index < n) || String(index >>> 0) !== key) break; // indices come first, in order
      if (index < from) continue;
      const item = v[index];
      this.u8(TAG_TRUE);
      this.varint(index);
      this.#steps[depth] = index;
      this.any(item, depth + 1);
    }
    this.u8(TAG_END);
  }

  #tooMuch(depth: number): never {
    const path = pathOf(this.#root, this.#steps, depth);
    throw depth >= this.#depthMax ? tooDeep(path, this.#depthMax) : tooMany(path, this.#objectsMax);
  }
}

/** A hint, which costs less than to ask for the prototype; who follows it makes sure. A Proxy may throw at what it does not show. */
function looksPlain(v: object): boolean {
  try {
    return (v as { constructor?: unknown }).constructor === Object;
  } catch {
    return false;
  }
}

const FAILURES_MAX = 100;

const idle: Encoder[] = [];
const IDLE_MAX = 4;

/** An encoder that nobody else uses until it is released; nested use, from a getter in user data, gets another one. */
export function acquireEncoder(): Encoder {
  return idle.pop() ?? new Encoder();
}

/** Gives an encoder back, also after an error. Bytes in its scratch are no longer the caller's. */
export function releaseEncoder(encoder: Encoder): void {
  encoder.reset();
  if (idle.length < IDLE_MAX) idle.push(encoder);
}
