// Objects other than plain ones and arrays: how each built-in class is written and read.
//
// Subclasses of built-in classes travel as the built-in, as in structured clone. A view carries its own bytes only, not the rest
// of the buffer beneath: a Buffer from Node's pool must not hand out its neighbours.

import { types } from 'node:util';
import type { Decoder } from './decoder.ts';
import type { Encoder } from './encoder.ts';
import { writeError } from './errors.ts';
import { EntryStep } from './refusal.ts';
import * as tags from './tags.ts';

// Taken out of their module: an imported binding is read from memory at each use, a constant of this module is folded.
const { TAG_BOXED, TAG_BUFFER, TAG_BYTES, TAG_DATE, TAG_END, TAG_MAP, TAG_REGEXP, TAG_SET, TAG_VIEW, VIEW_KINDS } = tags;

type ViewClass = { new (buffer: ArrayBuffer): ArrayBufferView; readonly BYTES_PER_ELEMENT?: number };

const PLAIN = Symbol.for('skerry.plain');
const mapEntries = Map.prototype.entries;
const setValues = Set.prototype.values;
const dateTime = Date.prototype.getTime;
const viewName = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as () => string;

/** Writes `v` when it is of a built-in class that can travel; answers whether it was. */
export function writeExotic(to: Encoder, v: object, prototype: object, depth: number): boolean {
  if (prototype === Date.prototype || types.isDate(v)) {
    to.u8(TAG_DATE);
    to.f64(dateTime.call(v as Date));
  } else if (prototype === Map.prototype || types.isMap(v)) {
    writeMap(to, v as Map<unknown, unknown>, depth);
  } else if (prototype === Set.prototype || types.isSet(v)) {
    writeSet(to, v as Set<unknown>, depth);
  } else if (ArrayBuffer.isView(v)) {
    writeView(to, v, depth);
  } else if (v instanceof Error || types.isNativeError(v)) {
    writeError(to, v as Error, depth);
  } else if (types.isArrayBuffer(v)) {
    writeBytes(to, TAG_BUFFER, bytesOf(to, v, 0, v.byteLength, v, depth));
  } else if (types.isRegExp(v)) {
    to.u8(TAG_REGEXP);
    to.string(v.source);
    to.string(v.flags);
  } else if (types.isBoxedPrimitive(v)) {
    if (types.isSymbolObject(v)) return false;
    to.u8(TAG_BOXED);
    to.any(primitiveOf(v), depth);
  } else {
    return false;
  }
  return true;
}

/** Reads what {@link writeExotic} wrote after the tag at `at`, boxed primitives and errors apart. */
export function readExotic(from: Decoder, tag: number, at: number, depth: number): object {
  switch (tag) {
    case TAG_MAP:
      return readMap(from, depth);
    case TAG_SET:
      return readSet(from, depth);
    case TAG_DATE:
      return from.keep(new Date(from.f64()));
    case TAG_REGEXP:
      return readRegExp(from, at);
    case TAG_BYTES:
      return from.keep(from.raw(from.length('bytes')));
    case TAG_BUFFER:
      return from.keep(from.copy(from.length('bytes')));
    case TAG_VIEW:
      return readView(from, at);
    default:
      return from.corrupt(at, `0x${tag.toString(16).padStart(2, '0')}`, 'the tag of a value');
  }
}

/** Whether the fields of `v` may travel without its class: it says so, or it is a plain object of another context. */
export function mayTravelAsPlain(v: object, prototype: object): boolean {
  const said = v as { [PLAIN]?: unknown; constructor?: { [PLAIN]?: unknown } };
  if (said[PLAIN] === true || said.constructor?.[PLAIN] === true) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

function writeMap(to: Encoder, map: Map<unknown, unknown>, depth: number): void {
  to.u8(TAG_MAP);
  let index = 0;
  for (const [key, value] of mapEntries.call(map)) {
    if (canFail(key)) to.step(depth, new EntryStep('keys', index));
    to.any(key, depth + 1);
    if (canFail(value)) to.step(depth, canFail(key) ? new EntryStep('values', index) : new EntryStep('get', index, key));
    to.any(value, depth + 1);
    index++;
  }
  to.u8(TAG_END);
}

function readMap(from: Decoder, depth: number): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  from.enter(map, depth);
  while (!from.skip(TAG_END)) {
    const key = from.any(depth + 1);
    map.set(key, from.any(depth + 1));
  }
  return map;
}

function writeSet(to: Encoder, set: Set<unknown>, depth: number): void {
  to.u8(TAG_SET);
  let index = 0;
  for (const member of setValues.call(set)) {
    if (canFail(member)) to.step(depth, new EntryStep('values', index));
    to.any(member, depth + 1);
    index++;
  }
  to.u8(TAG_END);
}

function readSet(from: Decoder, depth: number): Set<unknown> {
  const set = new Set<unknown>();
  from.enter(set, depth);
  while (!from.skip(TAG_END)) set.add(from.any(depth + 1));
  return set;
}

function readRegExp(from: Decoder, at: number): RegExp {
  const source = from.string('the source of a RegExp');
  const flags = from.string('the flags of a RegExp');
  try {
    return from.keep(new RegExp(source, flags));
  } catch {
    return from.corrupt(at, 'a RegExp that does not compile', 'a RegExp');
  }
}

function writeView(to: Encoder, v: ArrayBufferView, depth: number): void {
  const name = types.isDataView(v) ? 'DataView' : viewName.call(v);
  if (name === 'Uint8Array') {
    if (v.byteLength === 0) bytesOf(to, v.buffer, 0, 0, v, depth);
    writeBytes(to, TAG_BYTES, v as Uint8Array);
    return;
  }
  const kind = (VIEW_KINDS as readonly string[]).indexOf(name);
  if (kind < 0) to.refuse(v, depth);
  const bytes = bytesOf(to, v.buffer, v.byteOffset, v.byteLength, v, depth);
  to.u8(TAG_VIEW);
  writeBytes(to, kind, bytes);
}

function readView(from: Decoder, at: number): ArrayBufferView {
  const kind = from.u8();
  const buffer = from.copy(from.length('bytes'));
  const name = VIEW_KINDS[kind];
  const View = name === undefined ? undefined : (globalThis as unknown as Record<string, ViewClass | undefined>)[name];
  if (View === undefined) return from.corrupt(at + 1, `class ${kind}`, 'the number of a class of views');
  if (buffer.byteLength % (View.BYTES_PER_ELEMENT ?? 1) !== 0)
    from.corrupt(at, `${buffer.byteLength} bytes`, `whole items of ${name}`);
  return from.keep(new View(buffer));
}

function writeBytes(to: Encoder, tag: number, bytes: Uint8Array): void {
  to.u8(tag);
  to.varint(bytes.length);
  to.raw(bytes);
}

/** The bytes of a buffer that somebody may have transferred away. */
function bytesOf(to: Encoder, buffer: ArrayBufferLike, at: number, size: number, owner: object, depth: number): Uint8Array {
  try {
    return new Uint8Array(buffer, at, size);
  } catch {
    return to.refuse(owner, depth);
  }
}

function primitiveOf(v: unknown): unknown {
  if (types.isNumberObject(v)) return Number.prototype.valueOf.call(v);
  if (types.isStringObject(v)) return String.prototype.valueOf.call(v);
  if (types.isBooleanObject(v)) return Boolean.prototype.valueOf.call(v);
  return BigInt.prototype.valueOf.call(v as bigint);
}

/** Whether `v`, or something in it, may be refused: only then is its step worth noting. */
function canFail(v: unknown): boolean {
  return typeof v === 'object' || typeof v === 'function' || typeof v === 'symbol';
}
