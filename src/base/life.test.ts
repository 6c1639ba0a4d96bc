import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LifeTimer } from './life.ts';

/** Timers that keep this process alive; of this test's own runner there may be some. */
const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test('a process is kept alive while somebody holds it, and by nobody after its end', () => {
  const before = timers();
  const life = new LifeTimer();
  assert.equal(timers(), before);
  life.hold();
  life.hold();
  life.drop();
  assert.equal(timers(), before + 1);
  life.drop();
  assert.equal(timers(), before);
  life.hold();
  life.end();
  assert.equal(timers(), before);
  life.drop();
  life.hold();
  assert.equal(timers(), before, 'what is over stays over');
});
