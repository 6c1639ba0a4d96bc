import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Feed } from './feed.ts';

test('items come in order; a slow consumer loses the oldest; the end is after the last', async () => {
  const feed = new Feed<number>(3);
  for (let n = 0; n < 5; n++) feed.push(n);
  assert.equal(feed.last, 4);
  const items = feed.items({ signal: new AbortController().signal, idle: () => {} });
  assert.deepEqual([(await items.next()).value, (await items.next()).value], [2, 3]);
  const later = (async () => [(await items.next()).value, (await items.next()).value, await items.next()])();
  setImmediate(() => {
    feed.push(5);
    feed.end();
    feed.push(6);
  });
  assert.deepEqual(await later, [4, 5, { done: true, value: undefined }]);
});

test('it ends with its call, also while it waits', async () => {
  const call = new AbortController();
  let idle = false;
  const items = new Feed<number>(3).items({
    signal: call.signal,
    idle: (on) => {
      idle = on;
    },
  });
  const waiting = items.next();
  assert.equal(idle, true, 'it takes no place while it waits');
  setImmediate(() => call.abort());
  assert.equal((await waiting).done, true);
  assert.equal(idle, false);
});
