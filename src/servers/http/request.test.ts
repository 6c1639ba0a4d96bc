import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_BODY, parseQuery, parseTarget, type QueryValue, toArguments } from './request.ts';

const none = new Map<string, string>();
const map = <Value>(object: Record<string, Value>): Map<string, Value> => new Map(Object.entries(object));

test('a target is taken apart in origin and in absolute form', () => {
  const parts = (target: string): unknown => {
    const { path, query } = parseTarget(target);
    return [path, Object.fromEntries(query)];
  };
  assert.deepEqual(parts('/nearest?lat=1&lng=-2'), ['/nearest', { lat: '1', lng: '-2' }]);
  assert.deepEqual(parts('http://example.org:80/nearest?lat=1'), ['/nearest', { lat: '1' }]);
  assert.deepEqual(parts('HTTP://example.org'), ['/', {}]);
  assert.deepEqual(parts('http://example.org?a=1'), ['/', { a: '1' }]);
  assert.deepEqual(parts('//example.org/x'), ['//example.org/x', {}]);
  assert.deepEqual(parts('/a?b=c?d=e'), ['/a', { b: 'c?d=e' }]);
  for (const target of ['*', 'example.org:443', 'ftp://x/y', '', 'http://'])
    assert.throws(() => parseTarget(target), { status: 400 });
});

test('a query is decoded, and repeated names become lists', () => {
  const query = (text: string): Record<string, QueryValue> => Object.fromEntries(parseQuery(text));
  assert.deepEqual(query(''), {});
  assert.deepEqual(query('a=1&b=%C3%BC+x&&c&=d'), { a: '1', b: 'ü x', c: '', '': 'd' });
  assert.deepEqual(query('a=1&a=2&a=3'), { a: ['1', '2', '3'] });
  assert.deepEqual(query('a=b=c&constructor=1'), { a: 'b=c', constructor: '1' });
});

test('a bad query is refused', () => {
  for (const text of ['a=%', '%zz=1', 'a=%ff', '__proto__=1', '%5f_proto__=1']) {
    assert.throws(() => parseQuery(text), { status: 400, code: 'SKERRY_INVALID' });
  }
});

test('named arguments come from path, query and body, in this order', () => {
  const args = ['a', 'b', 'c', 'd'];
  const found = toArguments(args, map({ a: 'path' }), map({ a: 'query', b: 'query' }), { a: 'body', b: 'body', c: 3 });
  assert.deepEqual(found, ['path', 'query', 3, undefined]);
  assert.deepEqual(toArguments(['toString', 'constructor'], none, none, {}), [undefined, undefined]);
  assert.deepEqual(toArguments([], none, none, NO_BODY), []);
});

test('without names the method gets one object, or a body that is none', () => {
  assert.deepEqual(toArguments(undefined, map({ a: '1' }), map({ a: '2', b: '2' }), { a: 3, b: 3, c: 3 }), [
    { a: '1', b: '2', c: 3 },
  ]);
  assert.deepEqual(toArguments(undefined, none, none, NO_BODY), [{}]);
  for (const body of [[1, 2], 'text', 5, null]) assert.deepEqual(toArguments(undefined, none, none, body), [body]);
});

test('a body that is no object is refused where fields are needed', () => {
  for (const body of [[1], 'text', null]) {
    assert.throws(() => toArguments(['a'], none, none, body), { status: 400, message: /must be a JSON object/ });
    assert.throws(() => toArguments(undefined, none, map({ a: '1' }), body), { status: 400 });
  }
});
