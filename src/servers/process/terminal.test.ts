// Output that nobody reads, or reads slowly.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Terminal } from './terminal.ts';

type Done = (error: NodeJS.ErrnoException | null, written: number) => void;

/** A file that takes what the test lets it take. */
function rig() {
  let text = '';
  const waiting: { bytes: Uint8Array; done: Done }[] = [];
  const terminal = new Terminal(2, (_file, bytes, done) => waiting.push({ bytes, done }));
  const take = (most = Number.POSITIVE_INFINITY) => {
    const { bytes, done } = waiting.shift() as (typeof waiting)[number];
    const count = Math.min(most, bytes.length);
    text += Buffer.from(bytes.subarray(0, count)).toString();
    done(null, count);
  };
  const fail = (code: string) => waiting.shift()?.done(Object.assign(new Error(code), { code }), 0);
  return { terminal, take, fail, text: () => text, pending: () => waiting.length };
}

test('one write at a time, in order, also when a write takes a part', () => {
  const { terminal, take, text, pending } = rig();
  for (const line of ['one\n', 'two\n', 'three\n']) terminal.write(line);
  assert.equal(pending(), 1);
  take(2);
  while (pending() > 0) take();
  assert.equal(text(), 'one\ntwo\nthree\n');
});

test('beyond a megabyte that waits output is dropped, and that is said', () => {
  const { terminal, take, text, pending } = rig();
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 2048; i++) terminal.write(line);
  while (pending() > 0) take();
  terminal.write('after\n');
  while (pending() > 0) take();
  assert.match(text(), /\n… 1048576 bytes of output were dropped here/);
  assert.ok(text().endsWith('after\n'));
});

test('when nobody reads any more, nothing is written, and nobody waits', async () => {
  const { terminal, fail, pending } = rig();
  terminal.write('one\n');
  const flushed = terminal.flushed(60_000);
  fail('EPIPE');
  await flushed;
  terminal.write('two\n');
  assert.equal(pending(), 0);
});

test('a full terminal is tried again; flushed() waits for it, but not for ever', async () => {
  const { terminal, take, fail, text, pending } = rig();
  terminal.write('one\n');
  fail('EAGAIN');
  await terminal.flushed(1);
  while (pending() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  take();
  assert.equal(text(), 'one\n');
  await terminal.flushed(60_000);
});
