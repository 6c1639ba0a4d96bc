// The shapes that encoders of this process have met: the keys of an object, in order, as bytes that are ready to copy.
//
// Programs send objects of few shapes, again and again. The tree leads from key to key to the shape; it remembers the branch it
// took last, so that walking it is one comparison of pointers for each key. What it knows only saves work: a record carries the
// keys of every shape that it uses, once, and can be read by anybody.
//
// The tree is bounded. Objects used as dictionaries, with ever new keys, hit the limits and are written key by key instead; from
// time to time everything is forgotten, so that early junk does not keep later shapes out.

import { SHAPE_BYTES_MAX, SHAPE_KEYS_MAX, SHORT_STRING_MAX, TAG_SHORT_STRING } from './tags.ts';

/** Branches at one node; the root has more, since every shape starts there. */
const BRANCHES_MAX = 32;
const ROOT_BRANCHES_MAX = 1024;
const NODES_MAX = 16 * 1024;
/** So many objects without a shape, and the tree starts afresh. */
const MISSES_MAX = 16 * 1024;

/** Records are numbered by small integers, on which the engine is fast. */
const RECORDS_MAX = 0x3fff_ffff;

/** What a generated writer needs of an encoder. */
export interface ShapeTarget {
  shape(node: ShapeNode): void;
  string(value: string): void;
  number(value: number): void;
  /** A field that is neither, with its key for the path. */
  field(value: unknown, key: string, depth: number): void;
}

/**
 * Asks for the prototype behind the first field: there the engine knows the object's layout, and the answer costs nothing.
 * @returns false, and has written nothing, when `object` is no plain object.
 */
export type ShapeWriter = (to: ShapeTarget, object: Record<string, unknown>, depth: number, node: ShapeNode) => boolean;

/** The keys from the root to here. */
export class ShapeNode {
  readonly keys: readonly string[];
  /** The keys as short strings, one after another. */
  readonly block: DataView;
  readonly size: number;
  /** Where a decoder looks first. Only a hint: it compares all bytes. */
  readonly hash: number;
  /** The record that has this shape's keys, and the shape's number in it. */
  record = 0;
  index = 0;
  /** The branch taken last. */
  last: ShapeNode | undefined;
  branches: Map<string, ShapeNode> | undefined;
  /** The last of the keys. */
  readonly key: string;
  /** Times that an object of this shape was written. */
  uses = 0;
  /** Writes the fields of an object of this shape; generated when it has been used often. */
  write: ShapeWriter | undefined;

  constructor(keys: readonly string[], block: Uint8Array<ArrayBuffer>) {
    this.keys = keys;
    this.key = keys.length === 0 ? '' : keys[keys.length - 1];
    this.block = new DataView(block.buffer);
    this.size = block.length;
    let hash = keys.length;
    for (const byte of block) hash = (Math.imul(hash, 31) + byte) | 0;
    this.hash = (hash ^ (hash >>> 16)) & 0xffff;
  }
}

/** No keys yet: where every walk starts. */
export let shapeRoot = new ShapeNode([], new Uint8Array(0));

let nodes = 0;
let misses = 0;
let lastRecord = 0;

/** The node after `node` by way of `key`, other than the one taken last; undefined when there is none and none may grow. */
export function branch(node: ShapeNode, key: string): ShapeNode | undefined {
  const next = node.branches?.get(key) ?? grow(node, key);
  if (next !== undefined) node.last = next;
  return next;
}

function grow(node: ShapeNode, key: string): ShapeNode | undefined {
  const max = node === shapeRoot ? ROOT_BRANCHES_MAX : BRANCHES_MAX;
  node.branches ??= new Map();
  if (node.branches.size >= max || nodes >= NODES_MAX || !fits(node, key)) {
    if (++misses > MISSES_MAX) forget();
    return undefined;
  }
  const block = new Uint8Array(node.size + 1 + key.length);
  block.set(new Uint8Array(node.block.buffer));
  block[node.size] = TAG_SHORT_STRING | key.length;
  for (let i = 0; i < key.length; i++) block[node.size + 1 + i] = key.charCodeAt(i);
  const grown = new ShapeNode([...node.keys, key], block);
  node.branches.set(key, grown);
  nodes++;
  return grown;
}

/**
 * A number for a record, so that a shape knows whether the record in hand has its keys. A number that comes again meets no old
 * shape.
 */
export function nextRecord(): number {
  if (lastRecord === RECORDS_MAX) {
    forget();
    lastRecord = 0;
  }
  return ++lastRecord;
}

function forget(): void {
  shapeRoot = new ShapeNode([], new Uint8Array(0));
  nodes = 0;
  misses = 0;
  if (writersLeft >= 0) writersLeft = WRITERS_MAX;
}

function fits(node: ShapeNode, key: string): boolean {
  if (node.keys.length >= SHAPE_KEYS_MAX || key.length > SHORT_STRING_MAX) return false;
  return node.size + 1 + key.length <= SHAPE_BYTES_MAX && !/[\u0100-\uffff]/.test(key) && !(key in Object.prototype);
}

/** Uses after which a writer is worth generating. */
const USES_MIN = 16;
const WRITERS_MAX = 2000;
let writersLeft = WRITERS_MAX;

/**
 * Called at each use of a shape: generates its writer in time. From plain ASCII names alone, for a bounded number of shapes. One
 * difference to the way without: a field that a getter before it deletes arrives as undefined, not as missing.
 */
export function countUse(node: ShapeNode): void {
  if (++node.uses !== USES_MIN || !(writersLeft > 0) || !node.keys.every((key) => /^[A-Za-z_$][\w$]*$/.test(key))) return;
  writersLeft--;
  const writes = node.keys.map(
    (key, at) => `${at === 0 ? '' : `v = object.${key};`}
if (typeof v === 'string') to.string(v);
else if (typeof v === 'number') to.number(v);
else to.field(v, '${key}', depth);`,
  );
  try {
    const make = new Function(
      'getPrototypeOf',
      'plain',
      `'use strict'; return function (to, object, depth, node) {
let v = object.${node.keys[0]};
const prototype = getPrototypeOf(object);
if (prototype !== plain && prototype !== null) return false;
to.shape(node);
${writes.join('\n')}
return true;
}`,
    ) as (getPrototypeOf: (object: object) => unknown, plain: object) => ShapeWriter;
    node.write = make(Object.getPrototypeOf, Object.prototype);
  } catch {
    writersLeft = Number.NaN; // the process forbids to generate code
  }
}
