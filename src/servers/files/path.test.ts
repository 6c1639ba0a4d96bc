import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FileError } from './errors.ts';
import { formatPath, parsePath } from './path.ts';

const refused = (path: unknown, pattern: RegExp, code = 'EINVAL') =>
  assert.throws(
    () => parsePath(path, 'read'),
    (error) => error instanceof FileError && error.code === code && error.operation === 'read' && pattern.test(error.message),
    String(path),
  );

test('a path is split into its names, and is itself again', () => {
  assert.deepEqual(parsePath('/', 'read'), []);
  assert.deepEqual(parsePath('/notes/today.txt', 'read'), ['notes', 'today.txt']);
  assert.deepEqual(parsePath('/%2e%2e/...\\ü', 'read'), ['%2e%2e', '...\\ü'], 'other characters are characters');
  const name = fc
    .string({ minLength: 1, maxLength: 20, unit: 'binary' })
    .filter((text) => !/[/\0]|^\.\.?$/.test(text) && !/\p{Surrogate}/u.test(text));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 6 }), (names) => {
      assert.deepEqual(parsePath(formatPath(names), 'read'), names);
    }),
  );
});

test('a path that would have to be cleaned is refused, and says what is wrong with it', () => {
  for (const path of [undefined, null, 5, {}, ['/a'], Symbol.iterator.description === undefined])
    refused(path, /a path is a string/);
  for (const path of ['', 'a', 'a/b', '\\a', './a', 'file:///a']) refused(path, /begins with "\/"/);
  for (const path of ['/..', '/a/..', '/../a', '/a/../../b']) refused(path, /no "\.\."/);
  for (const path of ['/.', '/a/./b']) refused(path, /no "\."/);
  for (const path of ['//', '//a', '/a//b', '/a/']) refused(path, /one "\/" between two names/);
  for (const path of ['/a\0', '/\0/b', '/a\0/../b']) refused(path, /no NUL/);
  refused('/\ud800', /well-formed/);
  refused(`/${'x'.repeat(256)}`, /name too long/, 'ENAMETOOLONG');
  refused(`/${'ü'.repeat(128)}`, /name too long/, 'ENAMETOOLONG');
  refused('/x'.repeat(2049), /name too long/, 'ENAMETOOLONG');
  refused('/x'.repeat(10_000_000), /name too long/, 'ENAMETOOLONG');
});
