import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isSkerryError } from '../../base/errors.ts';
import { allows, formatPermissions, parsePermissions, type Want } from './permissions.ts';

test('both forms mean the same', () => {
  assert.equal(parsePermissions('-rw-r-----', false), 0o640);
  assert.equal(parsePermissions('drwxr-xr-x', true), 0o755);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0o777 }), fc.boolean(), (mode, isFolder) => {
      assert.equal(parsePermissions(formatPermissions(mode, isFolder), isFolder), mode);
      assert.equal(parsePermissions(mode, isFolder), mode);
    }),
  );
});

test('what is malformed is refused, with what was found and the right form', () => {
  for (const given of [
    'rw-r-----',
    'drw-r-----', // a directory's
    '-rw-r----',
    '-rw-r------',
    '-wr-r-----',
    '-rw-r--r-y',
    '-RW-R-----',
    '0640',
    '640',
    '',
    ' -rw-r-----',
  ]) {
    assert.throws(
      () => parsePermissions(given, false),
      (error) =>
        isSkerryError(error, 'SKERRY_INVALID') &&
        error.message.includes(JSON.stringify(given)) &&
        error.message.includes("'-rw-r-----'"),
      given,
    );
  }
  for (const given of [-1, 0o1000, 640.5, Number.NaN, null, undefined, {}, true, 640n]) {
    assert.throws(
      () => parsePermissions(given, false),
      (error) => isSkerryError(error, 'SKERRY_INVALID') && error.message.includes('0o640'),
    );
  }
  assert.throws(() => parsePermissions('-rwxr-x---', true), {
    message: /^permissions of a directory must be .* 'drwxr-x---' .* 0o750; found "-rwxr-x---"$/,
  });
});

test('the owner has the letters of the owner, members those of the group, all others the last; the operator needs none', () => {
  const holder = { owner: 'foo', group: 'editors', mode: 0o421 };
  const may = (who: string, isMember: boolean): Want[] =>
    (['read', 'write', 'enter'] as const).filter((want) => allows(holder, who, () => isMember, want));
  assert.deepEqual(may('foo', true), ['read']);
  assert.deepEqual(may('bar', true), ['write']);
  assert.deepEqual(may('bar', false), ['enter']);
  assert.deepEqual(may('operator', false), ['read', 'write', 'enter']);
  assert.equal(
    allows({ ...holder, group: undefined }, 'bar', () => true, 'write'),
    false,
  );
});
