// What cannot travel is refused, with its path and its name.

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { SkerryError } from '../../base/errors.ts';
import { Encoder } from './codec.ts';

class Socket {}
class Job {
  readonly run: () => void;
  constructor(run: () => void) {
    this.run = run;
  }
}

const encoder = new Encoder();

const detached = new ArrayBuffer(8);
structuredClone(detached, { transfer: [detached] });
const detachedView = new Uint8Array(8);
structuredClone(detachedView, { transfer: [detachedView.buffer] });

const refusals: [title: string, args: unknown[], path: string, what: string][] = [
  ['an instance in a field', [{ options: { socket: new Socket() } }], 'args[0].options.socket', 'a Socket instance'],
  ['a method', [1, { onClick() {} }], 'args[1].onClick', 'a function "onClick"'],
  ['a function without a name', [[0, () => 1]], 'args[0][1]', 'a function without a name'],
  ['a class', [{ a: Socket }], 'args[0].a', 'a class "Socket"'],
  ['a symbol', [1, 2, Symbol('s')], 'args[2]', 'a symbol'],
  ['a boxed symbol', [Object(Symbol('s'))], 'args[0]', 'a Symbol instance'],
  ['a promise', [{ 'x-y': Promise.resolve() }], 'args[0]["x-y"]', 'a Promise'],
  ['a WeakMap in a Map', [new Map([['a', new WeakMap()]])], 'args[0].get("a")', 'a WeakMap'],
  ['a WeakSet under a number', [new Map([[7, [new WeakSet()]]])], 'args[0].get(7)[0]', 'a WeakSet'],
  ['a value of an object as key', [new Map([[{}, new Socket()]])], 'args[0].values()[0]', 'a Socket instance'],
  ['a key', [new Map<unknown, unknown>([[1, 2], [{ s: new Socket() }, 3]])], 'args[0].keys()[1].s', 'a Socket instance'], // biome-ignore format: one line each
  ['a WeakRef in a Set', [new Set([1, new WeakRef({})])], 'args[0].values()[1]', 'a WeakRef'],
  ['a stream', [{ body: Readable.from([]) }], 'args[0].body', 'a Readable instance'],
  ['a SharedArrayBuffer', [new SharedArrayBuffer(8)], 'args[0]', 'a SharedArrayBuffer'],
  ['a detached buffer', [{ bytes: detached }], 'args[0].bytes', 'a detached ArrayBuffer'],
  ['a detached view', [{ bytes: detachedView }], 'args[0].bytes', 'a detached ArrayBuffer'],
  ['an object with a prototype', [Object.create({ inherited: 1 })], 'args[0]', 'an object with a prototype of its own'],
  ['an instance with a function', [{ jobs: [new Job(() => {})] }], 'args[0].jobs[0]', 'a Job instance'],
  ['a URL', [{ a: { b: [{ c: new URL('http://h/') }] } }], 'args[0].a.b[0].c', 'an URL instance'],
  ['what stands after a hole', [sparse(5, new Socket())], 'args[0][5]', 'a Socket instance'],
  ['what stands in another field afterwards', [{ a: { deep: [1] }, b: [{ ok: 1 }], c: Symbol('s') }], 'args[0].c', 'a symbol'],
];

for (const [title, args, path, what] of refusals) {
  test(`refuses ${title}`, () => {
    for (let i = 0; i < 3; i++) {
      encoder.beginScratch(1e6);
      assert.throws(
        () => encoder.args(args),
        (error: SkerryError) => {
          assert.equal(error.code, 'SKERRY_UNSENDABLE');
          assert.deepEqual(error.data, { path, what });
          assert.ok(error.message.startsWith(`${path} is ${what} `), error.message);
          return true;
        },
      );
    }
  });
}

/** As JavaScript had classes before it had classes: what it makes says that Object is its constructor. */
function Old(this: Record<string, unknown>, a: unknown, b: unknown): void {
  this.a = a;
  this.b = b;
}
Old.prototype = { method() {} };

test('what looks like a plain object and is none is refused, also where plain objects of its shape came often', () => {
  const lookalikes: [string, object][] = [
    ['made by an old class', new (Old as unknown as new (a: unknown, b: unknown) => object)(1, 2)],
    ['with a plain object as prototype', Object.assign(Object.create({ inherited: 1 }), { a: 1, b: 2 })],
    ['that says so itself', Object.defineProperty(Object.assign(new Socket(), { a: 1, b: 2 }), 'constructor', { value: Object })],
  ];
  for (let i = 0; i < 50; i++) {
    encoder.beginScratch(1e6);
    encoder.args([{ a: i, b: 'x' }]);
    const plain = encoder.finish();
    for (const [which, value] of lookalikes) {
      encoder.beginScratch(1e6);
      assert.throws(() => encoder.args([value]), { code: 'SKERRY_UNSENDABLE' }, which);
      encoder.beginScratch(1e6);
      encoder.args([Object.assign(Object.create(null), { a: i, b: 'x' })]);
      assert.equal(encoder.finish(), plain, 'and one without a prototype travels like any other');
    }
  }
});

test('a path starts with what the caller calls the value', () => {
  encoder.beginScratch(1e6);
  assert.throws(() => encoder.value({ a: [new Socket()] }, 'result'), /^SkerryError: result\.a\[0\] is a Socket instance/);
  assert.throws(() => encoder.value(new Socket(), 'result'), /^SkerryError: result is a Socket instance/);
});

test('an exception of a getter is the caller’s, as it is', () => {
  const own = new Error('own');
  encoder.beginScratch(1e6);
  assert.throws(
    () =>
      encoder.args([
        {
          get a() {
            throw own;
          },
        },
      ]),
    (error) => error === own,
  );
});

function sparse(index: number, value: unknown): unknown[] {
  const array: unknown[] = [];
  array[index] = value;
  return array;
}
