// What a user is told of wrong options, and what is never told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { isSkerryError } from './errors.ts';
import { OptionCheck, show } from './options.ts';

const KNOWN = ['size', 'name', 'names', 'on', 'signal', 'inner'];
const check = (options: unknown): OptionCheck => new OptionCheck('make()', options, KNOWN, 'a thing and options');
const refused = (run: () => unknown, message: string): void =>
  assert.throws(run, (error) => {
    assert.ok(isSkerryError(error, 'SKERRY_INVALID'));
    assert.equal(error.message, message);
    return true;
  });

test('options that are no object are refused with what is taken', () => {
  for (const [options, shown] of [
    [undefined, 'undefined'],
    [null, 'null'],
    ['x', '"x"'],
    [[1], '[1]'],
    [() => 1, 'a function'],
  ])
    refused(() => check(options), `make() takes a thing and options; the options are ${shown}`);
});

test('an option that there is not is named with all that there are, also when it is inherited', () => {
  const message = 'make() has no option "sise"; it has: size, name, names, on, signal, inner';
  refused(() => check({ sise: undefined }), message);
  refused(() => check(Object.create({ sise: 1 })), message);
});

test('each kind of option says what it must be and what it is', () => {
  refused(() => check({ size: 0 }).integer('size', 1, 5), 'make(): size must be an integer from 1 to 5; it is 0');
  refused(() => check({ size: 6 }).integer('size', 1, 5), 'make(): size must be an integer from 1 to 5; it is 6');
  refused(() => check({ size: 1.5 }).integer('size', 1, 5), 'make(): size must be an integer from 1 to 5; it is 1.5');
  refused(() => check({ size: 2n }).integer('size', 1, 5), 'make(): size must be an integer from 1 to 5; it is 2n');
  refused(() => check({ size: null }).integer('size', 1, 5), 'make(): size must be an integer from 1 to 5; it is null');
  refused(() => check({ on: 'yes' }).boolean('on'), 'make(): on must be true or false; it is "yes"');
  refused(() => check({ name: 5 }).string('name'), 'make(): name must be a string; it is 5');
  refused(() => check({ name: 5 }).string('name', 'a city'), 'make(): name must be a city; it is 5');
  refused(() => check({ names: 'a' }).strings('names', 'cities'), 'make(): names must be an array of cities; it is "a"');
  refused(
    () => check({ names: ['a', 1] }).strings('names', 'cities'),
    'make(): names must be an array of cities; it is ["a", 1]',
  );
  refused(
    () => check({ signal: new AbortController() }).signal('signal'),
    'make(): signal must be an AbortSignal (controller.signal); it is an AbortController',
  );
  for (const half of [{ aborted: false }, new EventTarget(), null])
    assert.throws(() => check({ signal: half }).signal('signal'), { code: 'SKERRY_INVALID' });
  refused(() => check({}).required('name', 'there', Boolean), 'make(): name must be there; it is undefined');
});

test('what is right passes, and so does what is not given', () => {
  for (const options of [
    { size: 1, on: false, name: '', names: [], signal: AbortSignal.abort() },
    { size: 5 },
    {},
    { on: undefined },
  ]) {
    const right = check(options);
    right.integer('size', 1, 5);
    right.boolean('on');
    right.string('name');
    right.strings('names', 'cities');
    right.signal('signal');
    assert.equal(right.group('inner', ['a']), undefined);
  }
  check({ signal: { aborted: false, addEventListener() {} } }).signal('signal'); // of a library
  check(runInNewContext('({ size: 1 })')).integer('size', 1, 5); // of another context
});

test('options within an option are named by both', () => {
  refused(() => check({ inner: 5 }).group('inner', ['a', 'b']), 'make(): inner must be an object with a, b; it is 5');
  refused(
    () => check({ inner: { c: 5 } }).group('inner', ['a', 'b']),
    'make() has no option "inner.c"; it has: inner.a, inner.b',
  );
  const inner = check({ inner: { a: 5 } }).group('inner', ['a', 'b']);
  refused(() => inner?.boolean('a'), 'make(): inner.a must be true or false; it is 5');
});

test('what is shown is short, and of an object only its class', () => {
  assert.equal(show('x'.repeat(5000)).length, 103);
  assert.equal(show({ password: 'secret' }), 'an object');
  assert.equal(show([{ password: 'secret' }, ['secret']]), '[an object, an array]');
  assert.equal(show(Array.from({ length: 50 }, (_, i) => i)), '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …]');
  assert.equal(show(Symbol('s')), 'Symbol(s)');
  assert.equal(show(Object.create(null)), 'an object');
});
