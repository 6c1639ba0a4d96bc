import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ticker } from './ticker.ts';

test('all who want to be called as often are called together, until they end it', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const ticker = new Ticker();
  const heard: string[] = [];
  const say = (word: string) => () => void heard.push(word);
  const [a, b] = [ticker.every(100, say('a')), ticker.every(100, say('b'))];
  ticker.every(250, say('slow'));
  t.mock.timers.tick(99);
  assert.deepEqual(heard.splice(0), []);
  t.mock.timers.tick(1);
  assert.deepEqual(heard.splice(0), ['a', 'b']);
  a();
  a();
  t.mock.timers.tick(150);
  assert.deepEqual(heard.splice(0), ['b', 'slow']);
  b();
  t.mock.timers.tick(300);
  assert.deepEqual(heard.splice(0), ['slow']);
  ticker.every(100, say('again'));
  t.mock.timers.tick(100);
  assert.deepEqual(heard.splice(0), ['again']);
});

test('one that ends another within its call keeps it from being called', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const ticker = new Ticker();
  let calls = 0;
  ticker.every(10, () => end());
  const end = ticker.every(10, () => {
    calls += 1;
  });
  t.mock.timers.tick(10);
  assert.equal(calls, 0);
});
