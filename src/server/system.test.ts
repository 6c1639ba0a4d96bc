import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSkerryError } from '../base/errors.ts';
import { system } from './system.ts';

const declare = system as unknown as (url: unknown, servers: unknown) => unknown;
const load = async () => ({ default: {} });

test('a wrong entry is refused with server, option, what was found and what would be valid', () => {
  const wrong: readonly (readonly [servers: unknown, pattern: RegExp])[] = [
    [null, /its servers must be an object/],
    [{ 'a/b': { load } }, /"a\/b" is no name for a server/],
    [{ kernel: { load } }, /"kernel" is no name/],
    [{ a: null }, /server "a": its entry must be an object/],
    [{ a: {} }, /server "a": load must be a function/],
    [{ a: { load, replica: 2 } }, /server "a" has no option "replica"; it has: load, replicas/],
    [{ a: { load, replicas: 0 } }, /replicas must be an integer from 1 to 256, or 'cores'; it is 0/],
    [{ a: { load, limits: 5 } }, /limits must be an object with memoryMb, heartbeatMs; it is 5/],
    [{ a: { load, limits: { memoryMB: 5 } } }, /no option "limits.memoryMB"; it has: limits.memoryMb/],
    [{ a: { load, limits: { memoryMb: 5 } } }, /limits.memoryMb must be an integer from 64/],
    [{ a: { load, priority: 'low' } }, /priority must be 'normal' or 'background'; it is "low"/],
    [{ a: { load, restart: { stable: 1 } } }, /no option "restart.stable"; it has: restart.stableMs, restart.unstableMax/],
    [{ a: { load, uses: 'a' } }, /uses must be an array of names of servers; it is "a"/],
    [{ a: { load, uses: ['b'] } }, /uses must be names of servers of this system \(a\); it is "b"/],
    [{ a: { load, env: 'PATH' } }, /env must be an array of names of environment variables; it is "PATH"/],
    [{ a: { load, env: { TOKEN: 'secret' } } }, /env must be .*; it is \[object Object\]$/],
    [{ a: { load, drainMs: '5' } }, /server "a": drainMs must be an integer from 0 to 3600000; it is "5"/],
    [{ a: { load, secrets: [1] } }, /secrets must be an array of names of environment variables; it is \[1\]/],
  ];
  for (const [servers, pattern] of wrong) {
    assert.throws(
      () => declare('file:///a.js', servers),
      (error) => isSkerryError(error, 'SKERRY_INVALID') && pattern.test(error.message),
      String(pattern),
    );
  }
});

test('its url must be one', () => {
  for (const url of [undefined, 5, 'x.mjs', '/a/x.mjs']) {
    assert.throws(
      () => declare(url, { a: { load } }),
      (error) => isSkerryError(error, 'SKERRY_INVALID') && /import\.meta\.url/.test(error.message),
    );
  }
});
