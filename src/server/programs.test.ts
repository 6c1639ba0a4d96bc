import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSkerryError } from '../base/errors.ts';
import { limitsOf } from './programs.ts';
import { system } from './system.ts';

const declare = (programs: unknown) => system('file:///a.js', {}, { programs } as object);
const refusedWith = (pattern: RegExp) => (error: unknown) =>
  isSkerryError(error, 'SKERRY_INVALID') && pattern.test(error.message);
const path = '/bin/true';

test('a wrong entry of a program is refused with program, option, what was found and what would be valid', () => {
  const wrong: readonly (readonly [programs: unknown, pattern: RegExp])[] = [
    [5, /programs must be an object with an entry for each; it is 5/],
    [null, /programs must be an object/],
    [[], /programs must be an object/],
    [{ 'a b': { path } }, /"a b" is no name for a program/],
    [{ '../a': { path } }, /is no name/],
    [{ a: null }, /program "a" takes options, with a path; the options are null/],
    [{ a: {} }, /program "a": path must be an absolute path; it is undefined/],
    [{ a: { path: 'true' } }, /path must be an absolute path; it is "true"/],
    [{ a: { path: '/bin/true\0' } }, /path must be an absolute path/],
    [{ a: { path, user: ['foo'] } }, /program "a" has no option "user"; it has: path, args/],
    [{ a: { path, cwd: '.' } }, /cwd must be an absolute path; it is "."/],
    [{ a: { path, args: '-n' } }, /args must be an array of strings/],
    [{ a: { path, args: ['\0'] } }, /args must be an array of strings without NUL/],
    [{ a: { path, accepts: '-n' } }, /accepts must be a regular expression, or false; it is "-n"/],
    [{ a: { path, env: { A: 5 } } }, /env must be an object of strings/],
    [{ a: { path, env: { 'A=B': '5' } } }, /env must be/],
    [{ a: { path, env: { A: 'x'.repeat(5_000) } } }, /4096 bytes in all/],
    [{ a: { path, users: 'foo' } }, /users must be an array of names, or true; it is "foo"/],
    [{ a: { path, users: false } }, /users must be/],
    [{ a: { path, runningMax: 0 } }, /runningMax must be an integer from 1 to 256; it is 0/],
    [{ a: { path, limits: 5 } }, /limits must be an object/],
    [{ a: { path, limits: { time: 5 } } }, /no option "limits\.time"; it has: limits\.timeMs, limits\.cpuSeconds/],
    [{ a: { path, limits: { timeMs: 0 } } }, /limits\.timeMs must be an integer from 1 to 2147483647; it is 0/],
    [{ a: { path, limits: { toString: 5 } } }, /no option "limits\.toString"/],
  ];
  for (const [programs, pattern] of wrong) assert.throws(() => declare(programs), refusedWith(pattern), String(pattern));
  assert.throws(
    () => system('file:///a.js', {}, { program: {} } as object),
    refusedWith(/no option "program"; it has: programs/),
  );
  assert.throws(
    () => system('file:///a.js', {}, null as unknown as object),
    refusedWith(/system takes an url, servers and options; the options are null/),
  );
});

test('the limits of a run are the system’s, or narrower', () => {
  assert.deepEqual(limitsOf('a', { path, limits: { timeMs: 500 } }, { memoryMb: 10, timeMs: undefined as unknown as number }), {
    timeMs: 500,
    cpuSeconds: 0,
    memoryMb: 10,
    outputBytes: 64 * 1024 * 1024,
    processes: 64,
    fileMb: 1024,
    openFiles: 256,
  });
  assert.throws(
    () => limitsOf('a', { path }, { timeMs: 60_001 }),
    refusedWith(/limits\.timeMs may be at most 60000, as the system says; it is 60001/),
  );
  assert.equal(limitsOf('a', { path }, { cpuSeconds: 99 }).cpuSeconds, 99, 'where the system has none');
  assert.throws(() => limitsOf('a', { path, limits: { cpuSeconds: 5 } }, { cpuSeconds: 6 }), refusedWith(/at most 5/));
});
