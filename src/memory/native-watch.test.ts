// Watches of the addon: doorbells and sockets wake the loop as often as they should, and callbacks are the loop's own.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addon, options, run } from '../../test/fault/addon-child.ts';
import type { Watch } from './native.ts';

/** Watches of the tests themselves: what a failing one leaves open does not keep the process alive. */
function watch(...of: Parameters<typeof addon.watch>): Watch {
  const made = addon.watch(...of);
  addon.setWatchRef(made, false);
  return made;
}

/** Waits until `count` is at least `least`, as long as a busy machine takes, and then whether more comes. */
async function comes(count: () => number, least: number): Promise<void> {
  for (let waits = 0; count() < least && waits < 1000; waits++) await sleep(2);
  await sleep(5);
}

describe('watches', options, () => {
  test('a doorbell wakes once for many rings, and again for later ones', async () => {
    const { read, write } = addon.pipe();
    let woken = 0;
    const rung = watch(read, 'bell', () => woken++);
    const wakes = async (times: number) => {
      await comes(() => woken, times);
      assert.equal(woken, times);
    };
    try {
      for (let i = 0; i < 100; i++) assert.equal(addon.ring(write), true);
      await wakes(1);
      addon.ring(write);
      await wakes(2);
    } finally {
      addon.unwatch(rung);
    }
    addon.unwatch(rung);
    addon.ring(write);
    await wakes(2);
    for (const end of [read, write]) addon.close(end);
  });

  test('a full doorbell counts as rung; one without owner says so', () => {
    const { read, write } = addon.pipe();
    for (let i = 0; i < 70_000; i++) assert.equal(addon.ring(write), true);
    addon.close(read);
    assert.equal(addon.ring(write), false);
    addon.close(write);
  });

  test('a doorbell whose last ringer is gone wakes once and is silent then', async () => {
    const { read, write } = addon.pipe();
    let woken = 0;
    watch(read, 'bell', () => woken++);
    addon.close(write);
    await comes(() => woken, 1);
    assert.equal(woken, 1);
    addon.close(read);
  });

  test('a socket is level-triggered, tells of the hang-up, and is silent once the end was read', async () => {
    const [a, b] = addon.socketPair();
    const seen: unknown[] = [];
    let calls = 0;
    watch(b, 'socket', () => {
      calls++;
      if (calls === 1) return;
      const message = addon.receive(b);
      seen.push(message === null ? null : message?.bytes[0]);
    });
    addon.send(b, Uint8Array.of(0), []);
    addon.send(a, Uint8Array.of(1), []);
    addon.send(a, Uint8Array.of(2), []);
    addon.close(a);
    await comes(() => calls, 4);
    assert.deepEqual(seen, [1, 2, null]);
    assert.equal(calls, 4);
    addon.close(b);
  });

  test('a watch may be ended, closed and made anew in its own callback', async () => {
    const { read, write } = addon.pipe();
    const order: string[] = [];
    const first: Watch = watch(read, 'bell', () => {
      order.push('first');
      addon.unwatch(first);
      watch(read, 'bell', () => {
        order.push('second');
        addon.close(read);
      });
      addon.unwatch(first);
      addon.ring(write);
    });
    assert.throws(() => addon.watch(read, 'bell', () => {}), { code: 'EEXIST' });
    addon.ring(write);
    await comes(() => order.length, 2);
    assert.deepEqual(order, ['first', 'second']);
    assert.equal(addon.ring(write), false);
    addon.close(write);
  });

  test('both sides of one socket are watched through one handle', async () => {
    const [a, b] = addon.socketPair();
    const order: string[] = [];
    watch(a, 'socket', () => {
      order.push('readable');
      addon.receive(a);
    });
    addon.watchWritable(a, () => order.push('writable'));
    addon.send(b, Uint8Array.of(1), []);
    await comes(() => order.length, 2);
    assert.deepEqual(order.sort(), ['readable', 'writable']);
    addon.send(b, Uint8Array.of(1), []);
    await comes(() => order.length, 3);
    assert.equal(order.length, 3);
    for (const end of [a, b]) addon.close(end);
  });

  test('what cannot be watched is refused', () => {
    const { buffer, descriptor } = addon.createRegion(4096, 'not watched');
    const watches = addon.counters().watches;
    assert.throws(() => addon.watch(descriptor, 'socket', () => {}), { code: 'EPERM' });
    assert.throws(() => addon.watch(descriptor, 'bells' as 'bell', () => {}), {
      name: 'TypeError',
      message: /kind must be 'bell' or 'socket'/,
    });
    assert.throws(() => addon.watch(descriptor, 'bell', null as unknown as () => void), {
      message: /onReady must be a function, got null/,
    });
    assert.equal(addon.counters().watches, watches);
    addon.close(descriptor);
    addon.releaseRegion(buffer);
  });

  test('a watch keeps the process alive until it is told not to', async () => {
    const idle = `const { read, write } = addon.pipe(); const watch = addon.watch(read, 'bell', () => {});`;
    const started = performance.now();
    assert.equal((await run(`${idle} addon.setWatchRef(watch, false);`)).code, 0);
    assert.equal((await run(`${idle} setTimeout(() => addon.unwatch(watch), 100);`)).code, 0);
    assert.equal((await run(`${idle} setTimeout(() => addon.close(read), 100);`)).code, 0);
    assert.ok(performance.now() - started >= 200);
  });

  test('an exception in a callback is an uncaught exception', async () => {
    const ringing = `const { read, write } = addon.pipe(); let n = 0;
      addon.watch(read, 'bell', () => { n++; if (n === 2) addon.close(read); throw new Error('in callback ' + n); }); addon.ring(write);`;
    const fatal = await run(ringing);
    assert.equal(fatal.code, 1);
    assert.match(fatal.stderr, /Error: in callback 1/);
    const caught = await run(
      `process.on('uncaughtException', (error) => { console.log(error.message); addon.ring(write); }); ${ringing}`,
    );
    assert.deepEqual([caught.code, caught.stdout], [0, 'in callback 1\nin callback 2\n']);
  });

  test('microtasks and next ticks of a callback run right after it', async () => {
    const { read, write } = addon.pipe();
    const order: string[] = [];
    watch(read, 'bell', () => {
      process.nextTick(() => order.push('tick'));
      Promise.resolve().then(() => order.push('microtask'));
      setImmediate(() => order.push('immediate'));
    });
    addon.ring(write);
    await comes(() => order.length, 3);
    assert.deepEqual(order, ['tick', 'microtask', 'immediate']);
    for (const end of [read, write]) addon.close(end);
  });
});
