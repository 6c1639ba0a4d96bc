import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSkerryError } from '../base/errors.ts';
import { boot } from './boot.ts';
import { call, notify } from './call.ts';

const callWith = (options: unknown) => (call as unknown as (server: object, options: unknown) => unknown)({}, options);
const refusedWith = (pattern: RegExp) => (error: unknown) =>
  isSkerryError(error, 'SKERRY_INVALID') && pattern.test(error.message);

test('options of a call are checked before anything is sent', () => {
  const wrong: readonly (readonly [options: unknown, pattern: RegExp])[] = [
    [undefined, /takes a server and options; the options are undefined/],
    [null, /the options are null/],
    [{ timeout: 5 }, /no option "timeout"; it has: timeoutMs, signal, key, trace/],
    [{ timeoutMs: '50' }, /timeoutMs must be milliseconds from 0 \(none\) to 2147483647; it is "50"/],
    [{ timeoutMs: true }, /it is true/],
    [{ timeoutMs: null }, /it is null/],
    [{ timeoutMs: Number.NaN }, /it is NaN/],
    [{ timeoutMs: -1 }, /it is -1/],
    [{ signal: new AbortController() }, /signal must be an AbortSignal \(controller\.signal\); it is an AbortController/],
    [{ signal: null }, /signal must be an AbortSignal/],
    [{ key: 5 }, /key must be a string; it is 5/],
    [{ trace: 5 }, /trace must be/],
  ];
  for (const [options, pattern] of wrong) assert.throws(() => callWith(options), refusedWith(pattern), String(pattern));
  assert.throws(() => callWith({ timeoutMs: 5 }), refusedWith(/takes a server \(sys\.servers\.name or ctx\.uses\.name\)/));
  assert.throws(() => notify({}, { timeoutMs: 5 } as object), refusedWith(/no option "timeoutMs"; it has: key, trace/));
});

test('boot() says what it takes', async () => {
  for (const given of [undefined, null, {}, 'x']) {
    await assert.rejects(boot(given as never), refusedWith(/takes what system\(\) returns/));
  }
});
