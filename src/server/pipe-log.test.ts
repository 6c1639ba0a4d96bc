// Lines into a pipe with a given number of bytes of room.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PipeLog } from './pipe-log.ts';

function rig(): { log: PipeLog; room: (bytes: number) => void; text: () => string } {
  let room = 0;
  let text = '';
  const log = new PipeLog(
    (lines) => `lost ${lines}\n`,
    (bytes) => {
      if (room === 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      const taken = Math.min(room, bytes.length);
      room -= taken;
      text += Buffer.from(bytes.subarray(0, taken)).toString();
      return taken;
    },
  );
  return { log, room: (bytes) => (room = bytes), text: () => text };
}

test('lines are there when the call returns, also those that take several writes', () => {
  const { log, room, text } = rig();
  room(1000);
  log.write('one\n');
  log.write('two\n');
  assert.equal(text(), 'one\ntwo\n');
});

test('what finds no room is dropped, and counted in the next line that finds some', () => {
  const { log, room, text } = rig();
  for (const line of ['one\n', 'two\n']) log.write(line);
  room(1000);
  log.write('three\n');
  log.write('four\n');
  assert.equal(text(), 'lost 2\nthree\nfour\n');
});

test('a line that was cut off is ended before the next one begins', () => {
  const { log, room, text } = rig();
  room(5);
  log.write('a long line\n');
  room(1000);
  log.write('next\n');
  assert.equal(text(), 'a lon\nlost 1\nnext\n');
});

test('the count goes on when there is room for nothing but the count', () => {
  const { log, room, text } = rig();
  log.write('one\n');
  room(7);
  log.write('two\n');
  room(1000);
  log.write('three\n');
  assert.equal(text(), 'lost 1\nlost 1\nthree\n');
});
