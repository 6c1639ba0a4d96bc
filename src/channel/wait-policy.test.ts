import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitPolicy, WINDOW_MAX_MS } from './wait-policy.ts';

test('with one core nobody polls', () => {
  assert.equal(new WaitPolicy(1).windowMs(0), 0);
});

test('polling that never pays is given up, and taken up again in a dialogue', () => {
  const policy = new WaitPolicy(2);
  assert.equal(policy.windowMs(0), WINDOW_MAX_MS);
  for (let i = 0; i < 4; i++) policy.missed();
  assert.equal(policy.windowMs(0), 0);
  for (let i = 0; i < 4; i++) policy.woken(0.1);
  assert.equal(policy.windowMs(0), WINDOW_MAX_MS);
});

test('long sleeps count against polling', () => {
  const policy = new WaitPolicy(2);
  for (let i = 0; i < 8; i++) policy.woken(10);
  assert.equal(policy.windowMs(0), 0);
});

test('when cores are short polling pauses, and comes back', () => {
  const policy = new WaitPolicy(2);
  policy.ranLate(100);
  assert.equal(policy.windowMs(101), 0);
  assert.equal(policy.windowMs(200), WINDOW_MAX_MS);
});
