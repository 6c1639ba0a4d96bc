// The shapes that decoders of this process have met, by the bytes of their keys.
//
// A shape that comes often gets a reader of its own, generated: an object literal with these keys, and one assignment for each.
// That is several times faster than assigning by computed keys, and makes objects that later code is fast on. Code is generated
// from keys that are plain ASCII names and from nothing else, for a bounded number of shapes; where the process forbids to
// generate code (--disallow-code-generation-from-strings) objects are made key by key, with the same outcome.

import { latin1 } from './strings.ts';
import { SHAPE_KEYS_MAX, SHORT_STRING_MAX, TAG_SHORT_STRING } from './tags.ts';

/** What a generated reader needs of a decoder. */
export interface ShapeSource {
  enter(object: object, depth: number): void;
  any(depth: number): unknown;
}

export type ShapeReader = (from: ShapeSource, depth: number) => Record<string, unknown>;

export interface Shape {
  readonly block: DataView;
  readonly size: number;
  readonly keys: readonly string[];
  /** Whether assigning every key makes a property and does nothing else. */
  readonly safe: boolean;
  uses: number;
  read: ShapeReader | undefined;
}

const SLOTS = 4096;
/** Uses after which a reader is worth generating. */
const USES_MIN = 16;
let readersLeft = 2000;
const table: (Shape | undefined)[] = new Array<Shape | undefined>(SLOTS).fill(undefined);

/** The shape whose keys are the `n` bytes at `p`; undefined when these are not short strings. */
export function findShape(b: Uint8Array, view: DataView, p: number, n: number, hash: number): Shape | undefined {
  const slot = hash & (SLOTS - 1);
  const first = table[slot];
  if (first !== undefined && first.size === n && matches(first.block, view, p, n)) return used(first);
  const second = table[slot ^ 1];
  if (second !== undefined && second.size === n && matches(second.block, view, p, n)) return used(second);
  const shape = parse(b, p, n);
  if (shape === undefined) return undefined;
  table[first === undefined || (second !== undefined && first.uses <= second.uses) ? slot : slot ^ 1] = shape;
  return shape;
}

function matches(block: DataView, view: DataView, p: number, n: number): boolean {
  if (n < 4) {
    for (let i = 0; i < n; i++) {
      if (block.getUint8(i) !== view.getUint8(p + i)) return false;
    }
    return true;
  }
  for (let i = 0; i < n - 4; i += 4) {
    if (block.getInt32(i, true) !== view.getInt32(p + i, true)) return false;
  }
  return block.getInt32(n - 4, true) === view.getInt32(p + n - 4, true);
}

function used(shape: Shape): Shape {
  if (++shape.uses === USES_MIN && shape.safe && readersLeft > 0) shape.read = generate(shape.keys);
  return shape;
}

function parse(b: Uint8Array, p: number, n: number): Shape | undefined {
  const keys: string[] = [];
  const end = p + n;
  let safe = true;
  for (let at = p; at < end; ) {
    const size = b[at] & SHORT_STRING_MAX;
    if (b[at] >> 6 !== TAG_SHORT_STRING >> 6 || size > end - at - 1 || keys.length >= SHAPE_KEYS_MAX) return undefined;
    const key = latin1(b, at + 1, size);
    if (key in Object.prototype) safe = false;
    keys.push(key);
    at += 1 + size;
  }
  return { block: new DataView(Uint8Array.from(b.subarray(p, end)).buffer), size: n, keys, safe, uses: 0, read: undefined };
}

function generate(keys: readonly string[]): ShapeReader | undefined {
  if (!keys.every((key) => /^[A-Za-z_$][\w$]*$/.test(key))) return undefined;
  readersLeft--;
  const fields = keys.map((key) => `${key}: undefined`).join(', ');
  const reads = keys.map((key) => `object.${key} = from.any(depth + 1);`).join('\n');
  try {
    return new Function(
      'from',
      'depth',
      `'use strict'; const object = { ${fields} }; from.enter(object, depth);\n${reads}\nreturn object;`,
    ) as ShapeReader;
  } catch {
    readersLeft = 0;
    return undefined;
  }
}
