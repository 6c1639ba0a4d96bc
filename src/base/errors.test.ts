// The catalogue and its one class.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { assert as invariant, SkerryBug } from './assert.ts';
import { errorCodes, httpStatus, isErrorCode, isSkerryError, SkerryError, type SkerryErrorCode, withoutStack } from './errors.ts';

test('every code has a status, a name and its own error', () => {
  for (const code of Object.keys(errorCodes) as SkerryErrorCode[]) {
    const error = new SkerryError(code, 'what happened');
    assert.equal(error.code, code);
    assert.equal(error.name, errorCodes[code].name);
    assert.equal(error.retryable, errorCodes[code].retryable);
    assert.equal(httpStatus(code), errorCodes[code].status);
    assert.ok(httpStatus(code) >= 400 && httpStatus(code) < 600);
    assert.ok(isSkerryError(error, code));
    assert.match(inspect(error), new RegExp(`${error.name}.*what happened[^]*code: '${code}'`));
  }
  assert.equal(httpStatus('SKERRY_FROM_THE_FUTURE'), 500);
  assert.equal(isErrorCode('toString'), false);
});

test('cause, data and maybeExecuted are there only when given', () => {
  const bare = new SkerryError('SKERRY_BUSY', 'full');
  assert.deepEqual(Object.getOwnPropertyNames(bare).sort(), ['code', 'message', 'stack']);
  const cause = new Error('why');
  const full = new SkerryError('SKERRY_SERVER_DIED', 'gone', { cause, data: { pid: 5 }, maybeExecuted: false });
  assert.equal(full.cause, cause);
  assert.deepEqual([full.data, full.maybeExecuted], [{ pid: 5 }, false]);
  assert.ok('cause' in new SkerryError('SKERRY_BUSY', 'full', { cause: undefined }));
});

test('isSkerryError tells codes apart and takes anything', () => {
  const error = new SkerryError('SKERRY_BUSY', 'full');
  assert.equal(isSkerryError(error, 'SKERRY_LIMIT'), false);
  for (const other of [undefined, null, 5, {}, new Error('x'), Object.assign(new Error('x'), { code: 'SKERRY_BUSY' })]) {
    assert.equal(isSkerryError(other), false);
  }
});

test('an assert that fails throws a SkerryBug, which is no SkerryError', () => {
  invariant(1, 'holds');
  assert.throws(
    () => invariant(0, 'head is behind tail'),
    (error) =>
      error instanceof SkerryBug &&
      error.name === 'SkerryBug' &&
      !isSkerryError(error) &&
      /head is behind tail/.test(error.message),
  );
});

test('an error without a stack, also where Error is frozen', () => {
  const limit = Error.stackTraceLimit;
  const made = withoutStack(() => new SkerryError('SKERRY_BUSY', 'full'));
  assert.deepEqual([made.stack?.split('\n').length, Error.stackTraceLimit], [1, limit]);
  const module = JSON.stringify(new URL('errors.js', import.meta.url).href);
  const program = `import { withoutStack } from ${module}; console.log(withoutStack(() => new Error('made')).message)`;
  const frozen = spawnSync(process.execPath, ['--frozen-intrinsics', '--input-type=module', '-e', program], { encoding: 'utf8' });
  assert.equal(frozen.stdout, 'made\n', frozen.stderr);
});
