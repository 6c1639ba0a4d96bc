import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogBook } from './log-book.ts';
import type { LogLine } from './process-api.ts';

const line = (name: string, time: number, text = `${name} ${time}`): LogLine => ({
  time,
  name,
  replica: 0,
  stream: 'stdout',
  text,
});
const all = () => true;

test('the last lines of all servers come in the order of time', () => {
  const book = new LogBook();
  for (const time of [1, 3, 5]) book.add(line('a', time));
  for (const time of [2, 4]) book.add(line('b', time));
  assert.deepEqual(
    book.last(4, all).map(({ time }) => time),
    [2, 3, 4, 5],
  );
  assert.deepEqual(book.last(0, all), []);
  assert.equal(book.last(10, ({ name }) => name === 'b').length, 2);
});

test('a server that floods loses its own oldest lines, and nobody else any', () => {
  const book = new LogBook();
  book.add(line('quiet', 0));
  for (let time = 1; time <= 5000; time++) book.add(line('loud', time));
  const kept = book.last(10_000, all);
  assert.deepEqual([kept[0]?.name, kept.length, kept.at(-1)?.time], ['quiet', 1001, 5000]);
  for (let time = 0; time < 100; time++) book.add(line('loud', time, 'x'.repeat(64 * 1024)));
  assert.ok(book.last(10_000, ({ name }) => name === 'loud').length <= 4);
});

test('who listens hears each line once, until it leaves', () => {
  const book = new LogBook();
  const heard: number[] = [];
  book.add(line('a', 1));
  const leave = book.listen(({ time }) => heard.push(time));
  book.add(line('a', 2));
  leave();
  book.add(line('a', 3));
  assert.deepEqual(heard, [2]);
});
