import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SkerryError } from '../base/errors.ts';
import { checkInput } from './input.ts';

function schema(
  validate: (value: unknown) => StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>,
): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}
const number = schema((value) =>
  Number.isFinite(Number(value)) ? { value: Number(value) } : { issues: [{ message: 'expected a number' }] },
);
const point = schema(() => ({ issues: [{ message: 'too far', path: ['at', { key: 0 }] }] }));

test('what the schema gives out replaces what came in', () => {
  assert.deepEqual(checkInput([number, number], ['1', 2], 'm'), [1, 2]);
  assert.deepEqual(checkInput(number, ['3'], 'm'), [3]);
});

test('all issues are reported, each with its path', () => {
  try {
    checkInput([number, point], ['x', {}], 'geo.near');
    assert.fail('it passed');
  } catch (error) {
    assert.ok(error instanceof SkerryError);
    assert.equal(error.code, 'SKERRY_INVALID');
    assert.deepEqual(error.data?.issues, [
      { path: [0], message: 'expected a number' },
      { path: [1, 'at', 0], message: 'too far' },
    ]);
    assert.match(error.message, /geo\.near .*args\[0\]: expected a number; args\[1\]\.at\[0\]: too far/);
  }
});

test('arguments beyond the schemas are refused: nothing unchecked reaches the handler', () => {
  assert.throws(() => checkInput([number], [1, 2], 'm'), /args\[1\]: not expected/);
});

test('an asynchronous schema is awaited', async () => {
  const late = schema(async (value) => ({ value: `${String(value)}!` }));
  assert.deepEqual(await checkInput([late, number], ['a', '1'], 'm'), ['a!', 1]);
});

test('a result is waited for whatever kind of promise it is; what is no result is refused', async () => {
  const thenable = schema((value) => {
    const later = Promise.resolve({ value: Number(value) + 1 });
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library
    return { then: later.then.bind(later) } as never;
  });
  assert.deepEqual(await checkInput([thenable], [1], 'm'), [2]);
  for (const result of [null, undefined, 5, {}]) {
    assert.throws(
      () => checkInput([schema(() => result as never)], [1], 'geo.near'),
      (error) => error instanceof SkerryError && error.code === 'SKERRY_INVALID' && /argument 0 of geo\.near/.test(error.message),
    );
  }
});
