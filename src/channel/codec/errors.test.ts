// Errors arrive as what they were, as far as they can travel.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkerryError } from '../../base/errors.ts';
import { Decoder, Encoder } from './codec.ts';

const encoder = new Encoder();
const decoder = new Decoder();

test('standard classes are rebuilt with message and the stack of the sender', () => {
  for (const Class of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
    const error = new Class('what happened');
    const back = trip(error);
    assert.equal(Object.getPrototypeOf(back), Class.prototype);
    assert.equal(back.name, Class.name);
    assert.equal(back.message, 'what happened');
    assert.equal(back.stack, error.stack);
    assert.deepEqual(Object.keys(back), []);
  }
});

test('code, data, cause and own properties arrive; what cannot travel is left out', () => {
  const error = Object.assign(new TypeError('m', { cause: new RangeError('inner', { cause: [1] }) }), {
    code: 'E_OWN',
    data: { a: [1] },
    status: 404,
    retry() {},
    socket: { s: Symbol('s') },
    again: { b: 1 },
  });
  const back = trip(error) as typeof error;
  assert.deepEqual(Object.keys(back).sort(), ['again', 'code', 'data', 'status']);
  assert.deepEqual([back.code, back.data, back.status, back.again], ['E_OWN', { a: [1] }, 404, { b: 1 }]);
  assert.ok(back.cause instanceof RangeError);
  assert.deepEqual(back.cause.cause, [1]);
  assert.equal(Object.getOwnPropertyDescriptor(back, 'cause')?.enumerable, false);
});

test('what is left out takes nothing else with it: shapes and references around it stay right', () => {
  const shared = { id: 1 };
  const error = Object.assign(new Error('m'), {
    first: { id: 0, of: [shared] },
    bad: [shared, { id: 2, nope: () => 1 }, { other: 1 }],
  });
  const list = [{ id: 3 }, error, { id: 4 }, { id: 5, nope: 1 }, { other: 2 }, shared, error];
  const back = trip(list as unknown as Error) as unknown as typeof list;
  assert.deepEqual(
    [back[0], back[2], back[3], back[4], back[5]],
    [{ id: 3 }, { id: 4 }, { id: 5, nope: 1 }, { other: 2 }, { id: 1 }],
  );
  assert.equal(back[6], back[1]);
  assert.equal((back[1] as typeof error).first.of[0], back[5]);
});

test('errors of a class of the user arrive as their standard class, with their name', () => {
  class HttpError extends RangeError {
    override name = 'HttpError';
    status = 418;
  }
  const back = trip(new HttpError('teapot')) as HttpError;
  assert.ok(back instanceof RangeError);
  assert.deepEqual([back.name, back.message, back.status], ['HttpError', 'teapot', 418]);
});

test('an AggregateError brings its errors, a cycle of causes its cycle', () => {
  const first = new TypeError('one');
  const back = trip(new AggregateError([first, 'two', first], 'all')) as AggregateError;
  assert.ok(back instanceof AggregateError);
  assert.ok(back.errors[0] instanceof TypeError);
  assert.equal(back.errors[1], 'two');
  assert.equal(back.errors[2], back.errors[0]);
  const loop = new Error('loop');
  loop.cause = loop;
  const again = trip(loop);
  assert.equal(again.cause, again);
});

test('a SkerryError arrives as a SkerryError', () => {
  const error = new SkerryError('SKERRY_TIMEOUT', 'late', { data: { ms: 5 }, maybeExecuted: false, cause: new Error('why') });
  const back = trip(error) as SkerryError;
  assert.ok(back instanceof SkerryError);
  assert.deepEqual([back.code, back.name, back.message, back.data], ['SKERRY_TIMEOUT', 'TimeoutError', 'late', { ms: 5 }]);
  assert.equal(back.maybeExecuted, false);
  assert.equal((back.cause as Error).message, 'why');
  assert.equal(back.stack, error.stack);
  assert.equal('maybeExecuted' in trip(new SkerryError('SKERRY_BUSY', 'full')), false);
});

test('a code that this version does not know arrives as an Error with that code', () => {
  const error = new SkerryError('SKERRY_BUSY', 'full');
  Object.defineProperty(error, 'code', { value: 'SKERRY_FROM_THE_FUTURE', enumerable: true });
  const back = trip(error) as SkerryError;
  assert.equal(Object.getPrototypeOf(back), Error.prototype);
  assert.deepEqual([back.name, back.code, back.message], ['SkerryError', 'SKERRY_FROM_THE_FUTURE', 'full']);
});

test('an aborted signal’s reason arrives as an Error of that name', () => {
  const back = trip(AbortSignal.abort().reason);
  assert.equal(back.name, 'AbortError');
  assert.ok(back instanceof Error);
});

test('an error whose properties throw still arrives', () => {
  const error = new Error('m');
  Object.defineProperty(error, 'stack', { get: () => assert.fail('no stack') });
  Object.defineProperty(error, 'data', { enumerable: true, get: () => assert.fail('no data') });
  Object.defineProperty(error, 'info', {
    enumerable: true,
    value: {
      get deep() {
        throw new Error('no info');
      },
    },
  });
  const back = trip(error);
  assert.equal(back.message, 'm');
  assert.deepEqual(Object.keys(back), []);
});

function trip(value: Error): Error {
  encoder.beginScratch(1e6);
  encoder.value(value, 'error');
  decoder.begin(encoder.bytes, 0, encoder.finish());
  const back = decoder.value();
  decoder.end();
  return back as Error;
}

test('what cannot travel is not tried again and again: the work is in proportion to the error', () => {
  let reads = 0;
  let error: unknown;
  for (let depth = 0; depth < 40; depth++) {
    const inner = { inner: error };
    const outer = Object.assign(new Error(`level ${depth}`), { a: [inner, () => 1], b: [{ inner: error }, () => 2] });
    Object.defineProperty(outer, 'cause', {
      get: () => {
        reads += 1;
        return undefined;
      },
    });
    error = outer;
  }
  assert.equal(trip(error as Error).message, 'level 39');
  assert.ok(reads < 10_000, `${reads} reads`);
});
