import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STREAM_CREDIT } from '../protocol/limits.ts';
import { StreamConsumer } from './stream-consumer.ts';

function make(timeoutMs = 0) {
  const credits: number[] = [];
  let returned = 0;
  const consumer = new StreamConsumer(
    { timeoutMs },
    { onCredit: (total) => credits.push(total), onReturn: () => returned++, onWaiting: () => {}, note: () => {} },
  );
  return { consumer, credits, returned: () => returned };
}

test('items come in order, whether they were waited for or not, then the end with its value', async () => {
  const { consumer } = make();
  const first = consumer.next();
  consumer.push(1);
  consumer.push(2);
  consumer.finish('end');
  assert.deepEqual(await first, { done: false, value: 1 });
  assert.deepEqual(await consumer.next(), { done: false, value: 2 });
  assert.deepEqual(await consumer.next(), { done: true, value: 'end' });
  assert.deepEqual(await consumer.next(), { done: true, value: undefined });
});

test('items that came before an error are handed out before it', async () => {
  const { consumer } = make();
  consumer.push(1);
  consumer.fail(new Error('died'));
  assert.deepEqual(await consumer.next(), { done: false, value: 1 });
  await assert.rejects(consumer.next(), /died/);
  assert.deepEqual(await consumer.next(), { done: true, value: undefined });
});

test('credit is given back when half of it has been used, as a total that grows', async () => {
  const { consumer, credits } = make();
  for (let i = 0; i < STREAM_CREDIT; i++) consumer.push(i);
  for (let i = 0; i < STREAM_CREDIT; i++) await consumer.next();
  assert.deepEqual(credits, [STREAM_CREDIT / 2 + STREAM_CREDIT, 2 * STREAM_CREDIT]);
});

test('a consumer that leaves early says so once, and takes nothing more', async () => {
  const { consumer, returned } = make();
  consumer.push(1);
  await consumer.return();
  consumer.push(2);
  assert.deepEqual(await consumer.next(), { done: true, value: undefined });
  await consumer.return();
  assert.equal(returned(), 1);
});

test('more items than there was credit for are a broken protocol', () => {
  const { consumer } = make();
  assert.throws(() => {
    for (let i = 0; i < 3 * STREAM_CREDIT; i++) consumer.push(i);
  }, /credit/);
});

test('the deadline runs while the consumer waits, and only then', async () => {
  const { consumer } = make(1000);
  assert.equal(consumer.deadline, 0);
  const waiting = consumer.next();
  assert.ok(consumer.deadline > 0);
  consumer.push(1);
  await waiting;
  assert.equal(consumer.deadline, 0);
});
