import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitPolicy, WINDOW_MAX_MS } from './wait-policy.ts';

test('with one core nobody polls', () => {
  assert.equal(new WaitPolicy(1).windowMs(0), 0);
});

test('a single miss changes nothing; misses in a row pause the polling, a hit between them does not', () => {
  const policy = new WaitPolicy(2);
  for (let i = 0; i < 15; i++) policy.missed(100);
  assert.equal(policy.windowMs(100), WINDOW_MAX_MS);
  policy.hit();
  for (let i = 0; i < 15; i++) policy.missed(100);
  assert.equal(policy.windowMs(100), WINDOW_MAX_MS);
  policy.missed(100);
  assert.equal(policy.windowMs(101), 0);
  assert.equal(policy.windowMs(200), WINDOW_MAX_MS);
});

test('long sleeps switch polling off, a dialogue switches it on again', () => {
  const policy = new WaitPolicy(2);
  for (let i = 0; i < 5; i++) policy.woken(10);
  assert.equal(policy.windowMs(0), 0);
  policy.woken(0.1);
  assert.equal(policy.windowMs(0), WINDOW_MAX_MS);
});

test('when cores are short polling pauses, and comes back', () => {
  const policy = new WaitPolicy(2);
  policy.ranLate(100);
  assert.equal(policy.windowMs(101), 0);
  assert.equal(policy.windowMs(200), WINDOW_MAX_MS);
});
