// Descriptors and sockets of the addon: who owns what, what arrives, and what a closed or full end says.

import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { addon, options, run } from '../../test/fault/addon-child.ts';
import type { Descriptor } from './native.ts';

describe('descriptors and sockets', options, () => {
  test('a closed descriptor fails with EBADF, also after its slot is in use again', () => {
    const { read, write } = addon.pipe();
    addon.close(write);
    const others = Array.from({ length: 40 }, () => addon.pipe());
    for (const attempt of [
      () => addon.close(write),
      () => addon.ring(write),
      () => addon.fileNumber(write),
      () => addon.inspectRegion(write),
    ]) {
      assert.throws(attempt, { code: 'EBADF' });
    }
    for (const wrong of [-1, 1e12, 0.5, Number.NaN, 7]) assert.throws(() => addon.close(wrong as Descriptor), { code: 'EBADF' });
    for (const end of [read, ...others.flatMap((pipe) => [pipe.read, pipe.write])]) addon.close(end);
  });

  test('adopt takes a number that is open, once', () => {
    assert.throws(() => addon.adopt(99_999), {
      code: 'EBADF',
      syscall: 'fcntl',
      message: /adopt of file number 99999 failed: EBADF/,
    });
    const file = openSync('/dev/null', 'r');
    const descriptor = addon.adopt(file);
    assert.equal(addon.fileNumber(descriptor), file);
    assert.throws(() => addon.adopt(file), { code: 'EBUSY' });
    addon.close(descriptor);
    assert.throws(() => closeSync(file), { code: 'EBADF' });
  });

  test('what is disowned stays open, is no Descriptor any more, and its watch is over', async () => {
    const before = addon.counters();
    const { read, write } = addon.pipe();
    let rung = 0;
    addon.watch(read, 'bell', () => {
      rung += 1;
    });
    const file = addon.disown(read);
    assert.throws(() => addon.fileNumber(read), { code: 'EBADF' });
    assert.throws(() => addon.disown(read), { code: 'EBADF' });
    assert.equal(addon.ring(write), true);
    addon.close(write);
    await sleep(20);
    assert.equal(rung, 0);
    assert.equal(readFileSync(file).length, 1);
    closeSync(file);
    await nextTurn();
    assert.deepEqual(addon.counters(), before);
  });

  test('messages keep their borders and order, and bring their descriptors', () => {
    const [a, b] = addon.socketPair();
    const { buffer, descriptor } = addon.createRegion(4096, 'sent');
    new Uint8Array(buffer)[0] = 42;
    assert.equal(addon.receive(b), undefined);
    assert.equal(addon.send(a, Uint8Array.of(1), []), true);
    assert.equal(addon.send(a, Uint8Array.of(2, 3), new Array(8).fill(descriptor)), true);
    addon.close(descriptor);
    assert.deepEqual(addon.receive(b), { bytes: Uint8Array.of(1), descriptors: [], truncated: false });
    const message = addon.receive(b);
    assert.ok(message);
    assert.deepEqual(message.bytes, Uint8Array.of(2, 3));
    assert.equal(message.bytes.constructor, Uint8Array);
    assert.equal(message.descriptors.length, 8);
    const map = addon.mapRegion(message.descriptors[7] as Descriptor, 'received');
    assert.equal(new Uint8Array(map)[0], 42);
    for (const received of message.descriptors) {
      assert.match(
        readFileSync(`/proc/self/fdinfo/${addon.fileNumber(received)}`, 'utf8'),
        /^flags:\s+0?2\d{6}/m,
        'close-on-exec',
      );
      addon.close(received);
    }
    for (const region of [map, buffer]) addon.releaseRegion(region);
    for (const end of [a, b]) addon.close(end);
  });

  test('a full socket sends nothing, and says when there is room again', async () => {
    const [a, b] = addon.socketPair();
    let sent = 0;
    while (addon.send(a, new Uint8Array(1000).fill(sent % 251), [])) sent++;
    assert.ok(sent > 10);
    let writable = 0;
    const roomy = new Promise<void>((resolve) => {
      addon.watchWritable(a, () => {
        writable++;
        resolve();
      });
    });
    await nextTurn();
    assert.equal(writable, 0);
    for (let i = 0; i < sent; i++) assert.equal(addon.receive(b)?.bytes[999], i % 251);
    await roomy;
    assert.equal(addon.receive(b), undefined);
    await sleep(5);
    assert.equal(writable, 1);
    assert.throws(() => addon.send(a, new Uint8Array(4_000_000), []), { code: 'EMSGSIZE', syscall: 'sendmsg' });
    for (const end of [a, b]) addon.close(end);
  });

  test('what a dead peer had sent is read to the end, then null, though it left messages unread', () => {
    const [a, b] = addon.socketPair();
    for (let i = 0; i < 5; i++) addon.send(a, Uint8Array.of(i), []);
    addon.send(b, Uint8Array.of(99), []);
    addon.close(a);
    for (let i = 0; i < 5; i++) assert.deepEqual(addon.receive(b)?.bytes, Uint8Array.of(i));
    assert.equal(addon.receive(b), null);
    assert.equal(addon.receive(b), null);
    assert.throws(() => addon.send(b, Uint8Array.of(1), []), { code: 'EPIPE' });
    addon.close(b);
  });

  test('over the descriptor limit a message is marked as truncated, and what arrived is owned', async () => {
    const code = `
      const [a, b] = addon.socketPair();
      const pipes = [];
      try { for (;;) pipes.push(addon.pipe()); } catch (error) { console.log(error.code, error.syscall); }
      addon.send(a, Uint8Array.of(1), [a, a, a, a]);
      addon.close(pipes[0].read); addon.close(pipes[0].write);
      const open = addon.counters().descriptors;
      const message = addon.receive(b);
      console.log(message.truncated, message.descriptors.length < 4, addon.counters().descriptors === open + message.descriptors.length);`;
    const { stdout } = await run(code, { limit: '-n 64' });
    assert.equal(stdout, 'EMFILE pipe2\ntrue true true\n');
  });

  test('a getter in the array of descriptors cannot make send use a closed one', () => {
    const [a, b] = addon.socketPair();
    const { read, write } = addon.pipe();
    const list = [read, write];
    Object.defineProperty(list, 1, {
      get() {
        addon.close(read);
        return write;
      },
    });
    assert.throws(() => addon.send(a, Uint8Array.of(1), list), { code: 'EBADF' });
    for (const end of [a, b, write]) addon.close(end);
  });
});
