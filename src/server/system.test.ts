import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSkerryError } from '../base/errors.ts';
import { server } from './definition.ts';
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
    [{ a: { load, limits: 5 } }, /limits must be an object with memoryMb, heartbeatMs, cpuPercent, openFiles, queueMs; it is 5/],
    [{ a: { load, limits: { memoryMB: 5 } } }, /no option "limits.memoryMB"; it has: limits.memoryMb/],
    [{ a: { load, limits: { memoryMb: 5 } } }, /limits.memoryMb must be an integer from 64/],
    [{ a: { load, limits: { heartbeatMs: 99 } } }, /limits.heartbeatMs must be an integer from 100 to 3600000, or 0; it is 99/],
    [{ a: { load, priority: 'low' } }, /priority must be 'normal' or 'background'; it is "low"/],
    [
      { a: { load, restart: { stable: 1 } } },
      /no option "restart.stable"; it has: restart.type, restart.stableMs, restart.unstableMax/,
    ],
    [{ a: { load, restart: { type: 'always' } } }, /restart.type must be 'permanent', 'transient', 'temporary'; it is "always"/],
    [{ a: { load, uses: 'a' } }, /uses must be an array of names of servers; it is "a"/],
    [{ a: { load, uses: ['b'] } }, /uses must be names of servers of this system \(a\); it is "b"/],
    [{ a: { load, env: 'PATH' } }, /env must be an array of names of environment variables; it is "PATH"/],
    [{ a: { load, env: { TOKEN: 'secret' } } }, /env must be .*; it is an object$/],
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

const own = async () => ({ default: server(() => ({})) });
const two = { a: { load: own }, b: { load: own } };

test('groups have a strategy, and each server is in one at most', () => {
  const wrong: [unknown, RegExp][] = [
    [{}, /supervision must be an array of groups/],
    [[5], /supervision\[0\] takes a strategy/],
    [[{ of: ['a'] }], /supervision\[0\]: strategy must be 'oneForOne', 'oneForAll', 'restForOne'; it is undefined/],
    [[{ strategy: 'oneForAll', of: [] }], /supervision\[0\]: of must be an array of servers and groups, at least one/],
    [
      [{ strategy: 'oneForAll', of: ['c'] }],
      /supervision\[0\]\.of\[0\] must be a server of this system \(a, b\) or a group; it is "c"/,
    ],
    [[{ strategy: 'oneForAll', of: ['a'], restart: { type: 'temporary' } }], /no option "restart.type"/],
    [
      [{ strategy: 'oneForAll', of: ['a', { strategy: 'oneForOne', of: ['b', 'a'] }] }],
      /supervision\[0\]\.of\[1\]\.of\[1\]: server "a" is in a group already/,
    ],
  ];
  for (const [supervision, pattern] of wrong) {
    assert.throws(
      () => system('file:///a.js', two, { supervision: supervision as [] }),
      (error) => isSkerryError(error, 'SKERRY_INVALID') && pattern.test(error.message),
      String(pattern),
    );
  }
  assert.throws(() => system('file:///a.js', two, { onDeath: 'zombie' as never }), /onDeath must be a function/);
});
