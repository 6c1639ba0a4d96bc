import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deathReason } from './death.ts';

const facts = { killedFor: undefined, memoryMb: 0, lastRssAnon: 0, status: undefined, lastWords: undefined };

test('an exit and a signal are named as they are', () => {
  assert.equal(deathReason({ ...facts, exit: { code: 3, signal: null } }), 'exit code 3');
  assert.equal(deathReason({ ...facts, exit: { code: null, signal: 'SIGKILL' } }), 'SIGKILL');
  assert.equal(deathReason({ ...facts, exit: { code: 134, signal: null } }), 'SIGABRT');
});

test("the kernel's own reason goes first", () => {
  assert.equal(deathReason({ ...facts, exit: { code: null, signal: 'SIGKILL' }, killedFor: 'memory limit' }), 'memory limit');
});

test('an abort near the memory limit is the memory limit; far from it, or without one, it is an abort', () => {
  const exit = { code: null, signal: 'SIGABRT' };
  assert.equal(deathReason({ ...facts, exit, memoryMb: 100, lastRssAnon: 90 * 2 ** 20 }), 'memory limit');
  assert.equal(deathReason({ ...facts, exit, memoryMb: 100, lastRssAnon: 20 * 2 ** 20 }), 'SIGABRT');
  assert.equal(deathReason({ ...facts, exit, lastRssAnon: 90 * 2 ** 20 }), 'SIGABRT');
});
