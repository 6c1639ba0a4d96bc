// What goes in comes out: against structuredClone on generated values, and case by case where the two differ.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect, types } from 'node:util';
import vm from 'node:vm';
import fc from 'fast-check';
import { isSkerryError } from '../../base/errors.ts';
import { acquireEncoder, DEPTH_MAX, Decoder, Encoder, releaseEncoder } from './codec.ts';

const encoder = new Encoder();
const decoder = new Decoder();

// First: what follows fills the bounded tree of shapes.
test('an object whose shape is written often arrives as at first; what its getter deletes arrives as undefined', () => {
  const make = (i: number): Record<string, unknown> => ({
    plain: i % 2 === 0 ? i : `${i}`,
    get computed() {
      return [i, { i }];
    },
    nothing: undefined,
    none: null,
    self: { deep: { i } },
  });
  const first = Uint8Array.from(encoded(make(4)));
  for (let i = 0; i < 100; i++) {
    const { computed, ...rest } = make(i);
    assert.deepEqual(trip(make(i)), { ...rest, computed });
  }
  assert.deepEqual(encoded(make(4)), first);
  assert.throws(() => encoder.value({ ...make(1), computed: [1, { i: () => 1 }] }, 'args[0]'), /args\[0\]\.computed\[1\]\.i/);
  const fickle = (): Record<string, unknown> => {
    const value: Record<string, unknown> = {
      get early() {
        delete value.late;
        return 1;
      },
      late: 2,
    };
    return value;
  };
  for (let i = 0; i < 100; i++) trip({ early: 1, late: 2 });
  assert.deepEqual(trip(fickle()), { early: 1, late: undefined });
});

test('generated values arrive as structuredClone has them', () => {
  const values = fc.anything({
    maxDepth: 4,
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  } as fc.ObjectConstraints);
  fc.assert(
    fc.property(values, (value) => sameGraph(trip(value), structuredClone(value))),
    { numRuns: 3000 },
  );
});

test('numbers of every size and kind arrive exactly', () => {
  const edges = [0, -0, NaN, Infinity, -Infinity, 0.1, Number.MAX_SAFE_INTEGER, Number.MIN_VALUE, Number.MAX_VALUE];
  for (const bits of [7, 8, 15, 16, 31, 32, 53]) for (const d of [-1, 0, 1]) edges.push(2 ** bits + d, -(2 ** bits) + d);
  for (const x of edges) assert.ok(Object.is(trip(x), x), String(x));
  fc.assert(fc.property(fc.double(), (x) => Object.is(trip(x), x)));
  fc.assert(fc.property(fc.integer(), (x) => Object.is(trip(x), x)));
});

test('bigints of every size arrive exactly', () => {
  for (const bits of [0n, 31n, 32n, 63n, 64n, 65n, 4096n]) {
    for (const x of [2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n]) {
      assert.equal(trip(x), x);
      assert.equal(trip(-x), -x);
    }
  }
});

test('strings of every length near the boundaries arrive exactly, in each width, lone surrogates too', () => {
  const lengths = [...range(0, 70), ...range(125, 131), ...range(253, 259), ...range(4090, 4100), ...range(16381, 16386), 70_000];
  for (const n of lengths) {
    for (const c of ['a', 'é', 'ÿ', 'Ā', '☃', '\ud800', '\udc00', '😀']) {
      assert.equal(trip(c.repeat(n)), c.repeat(n));
      const last = `${'a'.repeat(n)}${c}`;
      assert.equal(trip(last), last);
      assert.deepEqual(trip({ [last]: n }), { [last]: n });
    }
  }
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (s) => trip(s) === s));
});

test('the same string arrives whatever form the engine holds it in', () => {
  const wide = `☃${'x'.repeat(100)}`.slice(1);
  const rope = 'y'.repeat(50) + String(Math.random()) + wide;
  assert.equal(trip(wide), 'x'.repeat(100));
  assert.equal(trip(rope), rope);
});

test('cycles and shared objects keep their identity', () => {
  const shared = { deep: [1, { a: 'b' }] };
  const date = new Date(5);
  const graph: Record<string, unknown> = { shared, again: shared, date, dates: [date, date], map: new Map<unknown, unknown>() };
  graph.self = graph;
  (graph.map as Map<unknown, unknown>).set(graph, graph.map).set(shared.deep, new Set([graph, date]));
  sameGraph(trip(graph), structuredClone(graph));
});

test('identity is kept among hundreds of objects, and among all values of one record', () => {
  const many = Array.from({ length: 500 }, (_, i) => ({ i }));
  const list = [...many, ...many];
  sameGraph(trip(list), structuredClone(list));

  encoder.beginScratch(1e6);
  encoder.f64(0.5);
  encoder.value(many[0], 'first');
  encoder.args([many[0], [many[1]]]);
  encoder.value(many[1], 'last');
  decoder.begin(encoder.bytes, 0, encoder.finish());
  assert.equal(decoder.f64(), 0.5);
  const first = decoder.value();
  const [again, [other]] = decoder.args() as [unknown, [unknown]];
  assert.equal(again, first);
  assert.equal(decoder.value(), other);
  decoder.end();
});

test('two records do not know each other', () => {
  const object = { name: 'x' };
  for (let i = 0; i < 3; i++) assert.deepEqual(trip([object, object]), [object, object]);
});

test('holes stay holes, and a long array of them costs what is in it', () => {
  // biome-ignore lint/suspicious/noSparseArray: that is the subject
  const short = [, 1, , undefined, ,];
  const back = trip(short) as unknown[];
  assert.deepEqual(Object.keys(back), ['1', '3']);
  assert.equal(back.length, 5);
  const long: unknown[] = [0, 1];
  long[4_000_000_000] = { end: true };
  encoder.beginScratch(1e6);
  encoder.value(long, 'long');
  assert.ok(encoder.finish() < 40);
  sameGraph(trip(long), long);
  const dense = Array.from({ length: 3000 }, (_, i) => i);
  delete dense[2000];
  sameGraph(trip(dense), dense);
});

test('an object of any shape arrives, whether its shape is new, known or one of very many', () => {
  for (let round = 0; round < 40; round++) {
    sameGraph(trip({ id: round, name: 'a', tags: [{ id: 1, name: 'b' }], toString: 1 }), {
      id: round,
      name: 'a',
      tags: [{ id: 1, name: 'b' }],
      toString: 1,
    });
    sameGraph(trip({ 'not-a-name': 1, 7: 2, '☃': 3, class: 4 }), { 'not-a-name': 1, 7: 2, '☃': 3, class: 4 });
  }
  for (let i = 0; i < 3000; i++) {
    const dictionary = { [`k${i}`]: i, [`m${i * 7}`]: { [`n${i}`]: i } };
    sameGraph(trip(dictionary), dictionary);
  }
  const large = Object.fromEntries(range(0, 300).map((i) => [`field${i}`, i]));
  for (let i = 0; i < 40; i++) sameGraph(trip([large, large, { ...large }]), structuredClone([large, large, { ...large }]));
});

test('keys that Object.prototype has become own properties and change nothing else', () => {
  const value = JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"toString":3,"a":{"__proto__":4}}');
  for (let i = 0; i < 40; i++) {
    const back = trip(value) as Record<string, unknown>;
    assert.deepEqual(Object.keys(back), ['__proto__', 'constructor', 'toString', 'a']);
    assert.equal(Object.getPrototypeOf(back), Object.prototype);
    assert.equal((back as { polluted?: unknown }).polluted, undefined);
  }
});

test('what others put on Object.prototype does not travel', () => {
  sameGraph(trip({ inherited: 1, b: 2 }), { inherited: 1, b: 2 });
  Object.defineProperty(Object.prototype, 'inherited', { value: 1, enumerable: true, configurable: true });
  try {
    assert.deepEqual(Object.keys(trip({ b: 2 }) as object), ['b']);
    assert.deepEqual(Object.keys(trip({}) as object), []);
  } finally {
    delete (Object.prototype as { inherited?: unknown }).inherited;
  }
});

test('getters are read once; an object that changes under its own getter arrives as it is then', () => {
  let reads = 0;
  const value = {
    get a() {
      reads++;
      return { reads };
    },
    b: 1,
  };
  assert.deepEqual(trip(value), { a: { reads: 1 }, b: 1 });
  assert.equal(reads, 1);
  const changing: Record<string, unknown> = {
    get first() {
      delete changing.gone;
      return 'x';
    },
    gone: 1,
    stays: { n: 2 },
  };
  assert.deepEqual(trip([changing, { n: 3 }]), [{ first: 'x', stays: { n: 2 } }, { n: 3 }]);
});

test('a getter may encode another record meanwhile', () => {
  const outer = acquireEncoder();
  const value = {
    before: [1],
    get inner() {
      const nested = acquireEncoder();
      assert.notEqual(nested, outer);
      nested.beginScratch(1e6);
      nested.value({ before: [1], inner: { n: 1 } }, 'nested');
      decoder.begin(nested.bytes, 0, nested.finish());
      const back = decoder.value();
      decoder.end();
      releaseEncoder(nested);
      return back;
    },
    after: { n: 2 },
  };
  outer.beginScratch(1e6);
  outer.value(value, 'outer');
  decoder.begin(outer.bytes, 0, outer.finish());
  assert.deepEqual(decoder.value(), { before: [1], inner: { before: [1], inner: { n: 1 } }, after: { n: 2 } });
  decoder.end();
  releaseEncoder(outer);
});

test('views carry their own bytes only, and a Buffer arrives as a Uint8Array', () => {
  const whole = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
  const back = trip([
    whole.subarray(2, 4),
    Buffer.from('hello'),
    new Uint16Array(whole.buffer, 2, 2),
    new DataView(whole.buffer, 5),
  ]);
  const [part, buffer, words, view] = back as [Uint8Array, Uint8Array, Uint16Array, DataView];
  assert.deepEqual([...part], [3, 4]);
  assert.equal(part.buffer.byteLength, 2);
  assert.equal(Object.getPrototypeOf(buffer), Uint8Array.prototype);
  assert.equal(buffer.buffer.byteLength, 5);
  assert.equal(words[0], 0x0403);
  assert.equal(view.byteLength, 3);
  assert.equal(view.getUint8(0), 6);
});

test('subclasses of built-in classes travel as the built-in; an object of another context as a plain one', () => {
  class Registry extends Map<number, number> {}
  class List extends Array<number> {}
  assert.equal(Object.getPrototypeOf(trip(new Registry([[1, 2]]))), Map.prototype);
  assert.equal(Object.getPrototypeOf(trip(List.from([1, 2]))), Array.prototype);
  const foreign = vm.runInNewContext('({ a: 1, m: new Map([[1, [2]]]), d: new Date(3), e: new RangeError("r") })');
  const back = trip(foreign) as { a: number; m: Map<number, number[]>; d: Date; e: Error };
  assert.deepEqual([back.a, back.m, back.d.getTime(), back.e instanceof RangeError], [1, new Map([[1, [2]]]), 3, true]);
});

test('a Proxy travels as what it shows, also one that throws at what it does not show', () => {
  const strict = (shown: Record<string, unknown>) =>
    new Proxy(shown, {
      get(target, key) {
        if (!Object.hasOwn(target, key)) throw new Error(`no ${String(key)}`);
        return target[key as string];
      },
    });
  for (let i = 0; i < 50; i++) {
    assert.deepEqual(trip({ a: i, b: 2 }), { a: i, b: 2 }); // its shape has a generated writer after a while
    assert.deepEqual(trip(strict({ a: i, b: 2 })), { a: i, b: 2 });
    assert.deepEqual(trip(strict(Object.assign(Object.create(null), { a: i, b: 2 }))), { a: i, b: 2 });
  }
});

test('an instance travels as a plain object when its class says so, with its own enumerable fields', () => {
  const plain = Symbol.for('skerry.plain');
  class Point {
    static readonly [plain] = true;
    x = 1;
    #y = 2;
    get y(): number {
      return this.#y;
    }
  }
  class Point3 extends Point {
    z = { deep: [3] };
  }
  const back = trip([new Point(), new Point3()]) as object[];
  assert.deepEqual(back, [{ x: 1 }, { x: 1, z: { deep: [3] } }]);
  assert.equal(Object.getPrototypeOf(back[0]), Object.prototype);
});

test('properties of an array beside its items, symbol keys and toJSON are ignored', () => {
  const array = Object.assign([1], { extra: 2 });
  assert.deepEqual(Object.keys(trip(array) as object), ['0']);
  assert.deepEqual(trip({ a: 1, [Symbol('s')]: 2, toJSON: undefined }), { a: 1, toJSON: undefined });
});

test('nesting is limited on both sides', () => {
  assert.deepEqual(trip(nested(DEPTH_MAX)), nested(DEPTH_MAX));
  assert.throws(() => trip(nested(DEPTH_MAX + 1)), { code: 'SKERRY_LIMIT' });
  const shallow = new Decoder({ depthMax: 3 });
  encoder.beginScratch(1000);
  encoder.value(nested(4), 'v');
  shallow.begin(encoder.bytes, 0, encoder.finish());
  assert.throws(() => shallow.value(), { code: 'SKERRY_CORRUPT' });
});

test('the number of objects is limited on both sides', () => {
  const few = new Encoder({ objectsMax: 3 });
  few.beginScratch(1000);
  few.value([{}, {}], 'v');
  assert.throws(
    () => few.value([{}], 'v'),
    (error) => isSkerryError(error, 'SKERRY_LIMIT'),
  );
  encoder.beginScratch(1000);
  encoder.value([{}, {}, {}], 'v');
  const strict = new Decoder({ objectsMax: 3 });
  strict.begin(encoder.bytes, 0, encoder.finish());
  assert.throws(
    () => strict.value(),
    (error) => isSkerryError(error, 'SKERRY_CORRUPT'),
  );
});

function encoded(value: unknown): Uint8Array {
  encoder.beginScratch(1 << 24);
  encoder.value(value, 'value');
  return encoder.bytes.slice(0, encoder.finish());
}

function trip(value: unknown): unknown {
  encoder.beginScratch(1 << 24);
  encoder.value(value, 'value');
  decoder.begin(encoder.bytes, 0, encoder.finish());
  const back = decoder.value();
  decoder.end();
  return back;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { v: value };
  return value;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Fails unless two graphs are equal to the last bit, and one object of the one is always the same object of the other. */
function sameGraph(a: unknown, b: unknown, pairs = new Map<unknown, unknown>()): void {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) {
    assert.ok(Object.is(a, b), `${String(a)} is not ${String(b)}`);
    return;
  }
  if (pairs.has(a)) {
    assert.equal(pairs.get(a), b, 'another identity');
    return;
  }
  pairs.set(a, b);
  assert.equal(Object.getPrototypeOf(a), Object.getPrototypeOf(b));
  if (a instanceof Date) assert.ok(Object.is(a.getTime(), (b as Date).getTime()));
  else if (a instanceof Map) sameGraph([...a], [...(b as typeof a)], pairs);
  else if (a instanceof Set) sameGraph([...a], [...(b as typeof a)], pairs);
  else if (ArrayBuffer.isView(a)) assert.deepEqual(a, b);
  else if (types.isBoxedPrimitive(a)) assert.equal(inspect(a), inspect(b));
  if (Array.isArray(a)) assert.equal(a.length, (b as unknown[]).length);
  if (ArrayBuffer.isView(a)) return;
  const keys = Object.keys(a);
  assert.deepEqual(keys, Object.keys(b));
  for (const key of keys) sameGraph((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], pairs);
}
