// What the addon promises in native.ts, tried for real: faults are real faults in child processes, isolates end in every way they can.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, ftruncateSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { deflate, deflateSync } from 'node:zlib';
import { loadNative } from './load-native.ts';
import type { Descriptor, NativeAddon, Watch } from './native.ts';

const loaded = loadNative();
const addon = loaded.addon as NativeAddon;
const options = { timeout: 30_000, skip: loaded.addon === undefined && loaded.reason };
const workersMax = Number(process.env.SKERRY_WORKERS ?? 100);
const loaderUrl = new URL('./load-native.js', import.meta.url).href;
const prelude = `import { loadNative } from ${JSON.stringify(loaderUrl)}; const { addon } = loadNative();`;

describe('regions', options, () => {
  test('a region is writable by its maker and seen by a reader', () => {
    const { buffer, descriptor } = addon.createRegion(8192, 'test region');
    const map = addon.mapRegion(descriptor, 'test reader');
    new Uint32Array(buffer)[2047] = 0xdeadbeef;
    assert.equal(new Uint32Array(map)[2047], 0xdeadbeef);
    assert.equal(map.byteLength, 8192);
    assert.deepEqual(addon.inspectRegion(descriptor), { sizeBytes: 8192, sealed: true });
    addon.close(descriptor);
    addon.releaseRegion(map);
    addon.releaseRegion(buffer);
  });

  test('a released region reads as zeros through views still held, also in a thread of the pool', async () => {
    const { buffer, descriptor } = addon.createRegion(4096, 'released');
    const map = addon.mapRegion(descriptor, 'released reader');
    const before = addon.counters().maps;
    const [writer, reader] = [new Uint8Array(buffer).fill(7), new Uint8Array(map)];
    const done = new Promise((resolve) => deflate(reader, resolve));
    addon.releaseRegion(map);
    addon.releaseRegion(map);
    assert.equal(addon.counters().maps, before - 1);
    assert.equal(reader[100], 0);
    await done;
    assert.ok(deflateSync(reader).length > 0);
    assert.equal(writer[100], 7);
    addon.releaseRegion(buffer);
    writer[100] = 9;
    assert.equal(addon.counters().maps, before - 2);
    addon.close(descriptor);
  });

  test('the seals keep every other holder of the descriptor from writing, shrinking and growing', () => {
    const { buffer, descriptor } = addon.createRegion(4096, 'sealed');
    const file = openSync(`/proc/self/fd/${addon.fileNumber(descriptor)}`, 'r+');
    assert.throws(() => writeSync(file, 'x'), { code: 'EPERM' });
    assert.throws(() => ftruncateSync(file, 0), { code: 'EPERM' });
    assert.throws(() => ftruncateSync(file, 8192), { code: 'EPERM' });
    closeSync(file);
    addon.close(descriptor);
    addon.releaseRegion(buffer);
  });

  test('what is not a sealed region is told apart, and not mapped', () => {
    const { read, write } = addon.pipe();
    const file = addon.adopt(openSync('/proc/self/exe', 'r'));
    for (const descriptor of [read, file]) {
      assert.equal(addon.inspectRegion(descriptor).sealed, false);
      assert.throws(() => addon.mapRegion(descriptor, 'a pipe'), {
        code: 'EINVAL',
        syscall: 'mmap',
        message: /not a sealed region/,
      });
    }
    for (const descriptor of [read, write, file]) addon.close(descriptor);
  });

  test('a region of some other buffer, size or name is refused with the argument and its value', () => {
    const wrong = addon as unknown as Record<string, (...args: unknown[]) => unknown>;
    const cases: [string, unknown[], RegExp, string][] = [
      ['createRegion', [5000, 'x'], /sizeBytes must be a multiple of 4096, got 5000/, 'RangeError'],
      ['createRegion', [0, 'x'], /sizeBytes must be an integer from 4096 to 4294963200, got 0/, 'RangeError'],
      ['createRegion', [2 ** 32, 'x'], /sizeBytes.* got 4294967296/, 'RangeError'],
      ['createRegion', [Number.NaN, 'x'], /sizeBytes.* got nan/i, 'RangeError'],
      ['createRegion', ['4096', 'x'], /sizeBytes.* got string "4096"/, 'TypeError'],
      ['createRegion', [4096], /name must be a string, got undefined/, 'TypeError'],
      ['mapRegion', [Symbol('x'), 'x'], /descriptor must be a Descriptor, got symbol/, 'TypeError'],
      ['releaseRegion', [new ArrayBuffer(4096)], /buffer must be the ArrayBuffer of a region/, 'TypeError'],
      ['releaseRegion', [new SharedArrayBuffer(4096)], /buffer must be the ArrayBuffer of a region/, 'TypeError'],
      ['releaseRegion', [], /buffer .* got undefined/, 'TypeError'],
      ['watchLoop', [new ArrayBuffer(4096), 0], /buffer must be the ArrayBuffer of a region made by createRegion/, 'TypeError'],
      ['installFaultHandler', [1], /serverName must be a string, got 1/, 'TypeError'],
      ['send', [1, 'bytes', []], /bytes must be a Uint8Array, got string "bytes"/, 'TypeError'],
      ['send', [1, new Uint16Array(2), []], /bytes must be a Uint8Array, got object/, 'TypeError'],
      ['send', [1, new Uint8Array(0), []], /bytes must be at least one byte/, 'RangeError'],
      ['send', [1, new Uint8Array(1), {}], /descriptors must be an array of Descriptors, got object/, 'TypeError'],
      ['send', [1, new Uint8Array(1), ['a']], /descriptors must be an array of Descriptors/, 'TypeError'],
      ['send', [1, new Uint8Array(1), new Array(9).fill(1)], /at most 8 Descriptors/, 'RangeError'],
      ['adopt', [-1], /fileNumber must be an integer from 0 to 2147483647, got -1/, 'RangeError'],
      ['adopt', [1.5], /fileNumber .* got 1.5/, 'RangeError'],
      ['guardParent', [0], /parentPid .* got 0/, 'RangeError'],
      ['setDumpable', [1], /on must be a boolean, got 1/, 'TypeError'],
      ['limitData', [-1], /bytes .* got -1/, 'RangeError'],
      ['unwatch', [{}], /watch must be .* got object/, 'TypeError'],
      ['setWatchRef', [0, true], /watch must be .* got 0/, 'RangeError'],
    ];
    for (const [name, args, message, type] of cases) {
      assert.throws(() => wrong[name]?.(...args), { name: type, message });
    }
    const { buffer, descriptor } = addon.createRegion(4096, 'words');
    const map = addon.mapRegion(descriptor, 'words, read-only');
    assert.throws(() => addon.watchLoop(map, 0), { name: 'TypeError' });
    assert.throws(() => addon.watchLoop(buffer, 4092), { name: 'RangeError' });
    assert.throws(() => addon.watchLoop(buffer, 2), { name: 'RangeError', message: /byteOffset must be a multiple of 4, got 2/ });
    addon.close(descriptor);
    addon.releaseRegion(buffer);
    addon.releaseRegion(map);
  });

  test('a failed system call says what was attempted', async () => {
    const code = `try { addon.createRegion(1048576, 'geo.0 replies'); } catch (e) { console.log(JSON.stringify([e.code, e.syscall, e.message])); }`;
    const { stdout } = await run(code, { limit: '-f 100' });
    const message = 'fallocate of 1048576 bytes for region "geo.0 replies" failed: EFBIG (File too large)';
    // The probe of the loader fits the limit, the region does not.
    assert.deepEqual(JSON.parse(stdout), ['EFBIG', 'fallocate', message]);
  });

  test('collected regions give their address range back', async () => {
    const code = `
      const { readFileSync } = await import('node:fs');
      const ranges = () => readFileSync('/proc/self/maps', 'utf8').match(/memfd:kept|memfd:dropped|dev.zero/g)?.length ?? 0;
      const make = (i) => {
        const { buffer, descriptor } = addon.createRegion(4096, i % 2 ? 'kept' : 'dropped');
        addon.close(descriptor);
        if (i % 3 === 0) addon.releaseRegion(buffer);
      };
      for (let i = 0; i < 600; i++) make(i);
      for (let i = 0; i < 20 && ranges() > 0; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
      console.log(ranges(), JSON.stringify(addon.counters()));`;
    const { stdout } = await run(code, { flags: ['--expose-gc'] });
    assert.equal(stdout, '0 {"descriptors":0,"maps":0,"watches":0}\n');
  });
});

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

describe('watches', options, () => {
  test('a doorbell wakes once for many rings, and again for later ones', async () => {
    const { read, write } = addon.pipe();
    let woken = 0;
    const watch = addon.watch(read, 'bell', () => woken++);
    const wakes = async (times: number) => {
      for (let waits = 0; woken < times && waits < 1000; waits++) await sleep(2);
      await sleep(5); // and not once more
      assert.equal(woken, times);
    };
    try {
      for (let i = 0; i < 100; i++) assert.equal(addon.ring(write), true);
      await wakes(1);
      addon.ring(write);
      await wakes(2);
    } finally {
      addon.unwatch(watch);
    }
    addon.unwatch(watch);
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
    addon.watch(read, 'bell', () => woken++);
    addon.close(write);
    await sleep(10);
    assert.equal(woken, 1);
    addon.close(read);
  });

  test('a socket is level-triggered, tells of the hang-up, and is silent once the end was read', async () => {
    const [a, b] = addon.socketPair();
    const seen: unknown[] = [];
    let calls = 0;
    addon.watch(b, 'socket', () => {
      calls++;
      if (calls === 1) return;
      const message = addon.receive(b);
      seen.push(message === null ? null : message?.bytes[0]);
    });
    addon.send(b, Uint8Array.of(0), []);
    addon.send(a, Uint8Array.of(1), []);
    addon.send(a, Uint8Array.of(2), []);
    addon.close(a);
    await sleep(20);
    assert.deepEqual(seen, [1, 2, null]);
    assert.equal(calls, 4);
    addon.close(b);
  });

  test('a watch may be ended, closed and made anew in its own callback', async () => {
    const { read, write } = addon.pipe();
    const order: string[] = [];
    const first: Watch = addon.watch(read, 'bell', () => {
      order.push('first');
      addon.unwatch(first);
      addon.watch(read, 'bell', () => {
        order.push('second');
        addon.close(read);
      });
      addon.unwatch(first);
      addon.ring(write);
    });
    assert.throws(() => addon.watch(read, 'bell', () => {}), { code: 'EEXIST' });
    addon.ring(write);
    await sleep(10);
    assert.deepEqual(order, ['first', 'second']);
    assert.equal(addon.ring(write), false);
    addon.close(write);
  });

  test('both sides of one socket are watched through one handle', async () => {
    const [a, b] = addon.socketPair();
    const order: string[] = [];
    addon.watch(a, 'socket', () => {
      order.push('readable');
      addon.receive(a);
    });
    addon.watchWritable(a, () => order.push('writable'));
    addon.send(b, Uint8Array.of(1), []);
    await sleep(10);
    assert.deepEqual(order.sort(), ['readable', 'writable']);
    addon.send(b, Uint8Array.of(1), []);
    await sleep(10);
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
    addon.watch(read, 'bell', () => {
      process.nextTick(() => order.push('tick'));
      Promise.resolve().then(() => order.push('microtask'));
      setImmediate(() => order.push('immediate'));
    });
    addon.ring(write);
    await sleep(10);
    assert.deepEqual(order, ['tick', 'microtask', 'immediate']);
    for (const end of [read, write]) addon.close(end);
  });
});

describe('faults', options, () => {
  // The child hands its region over on descriptor 3, then does `code`.
  async function postMortem(code: string, flags: string[] = []) {
    const [mine, theirs] = addon.socketPair();
    const setup = `const { buffer, descriptor } = addon.createRegion(4096, 'status');
      const map = addon.mapRegion(descriptor, 'kernel status');
      addon.send(addon.adopt(3), Uint8Array.of(1), [descriptor]);
      addon.installFaultHandler('geo', buffer, 512);`;
    const child = start(`${setup} ${code}`, { flags, inherit: addon.fileNumber(theirs) });
    addon.close(theirs);
    const result = await finished(child);
    const message = addon.receive(mine);
    assert.ok(message, result.stderr);
    const map = addon.mapRegion(message.descriptors[0] as Descriptor, 'post-mortem');
    const [signal, rssKib] = new Uint32Array(map, 512, 2);
    addon.releaseRegion(map);
    for (const descriptor of [mine, ...message.descriptors]) addon.close(descriptor);
    const number = result.signal === null ? 0 : constants.signals[result.signal];
    return { ...result, storedSignal: signal as number, rssKib: rssKib as number, number, pid: child.pid };
  }

  for (const [what, code] of [
    ['assignment', 'new Uint8Array(map)[5] = 1;'],
    ['sort', 'new Uint8Array(map).sort();'],
    ['atomic', 'Atomics.add(new Int32Array(map), 0, 1);'],
    ['copy', 'new Uint8Array(map).set(new Uint8Array(4096).fill(1));'],
  ] as const) {
    test(`a stray write (${what}) ends the writer and names region and server`, async () => {
      const end = await postMortem(code);
      assert.equal(end.signal, 'SIGSEGV', end.stderr);
      const line = `skerry: server "geo" (pid ${end.pid}) wrote to region "kernel status", which it may only read; this ends the server\n`;
      assert.ok(end.stderr.startsWith(line), end.stderr);
      assert.equal(end.storedSignal, constants.signals.SIGSEGV);
      assert.ok(end.rssKib > 10_000);
    });
  }

  test('a stray write in a worker thread is named too', async () => {
    const code = `const { Worker } = await import('node:worker_threads');
      new Worker(new URL(${JSON.stringify(
        `data:text/javascript,${encodeURIComponent(
          `${prelude} const { descriptor } = addon.createRegion(4096, 'x'); new Uint8Array(addon.mapRegion(descriptor, 'in worker'))[0] = 1;`,
        )}`,
      )}));`;
    const end = await postMortem(code);
    assert.equal(end.signal, 'SIGSEGV', end.stderr);
    assert.match(end.stderr, /wrote to region "in worker"/);
  });

  for (const [what, code] of [
    ['abort', 'process.abort();'],
    ['an out-of-memory', 'const keep = []; for (;;) keep.push(new Array(1000).fill(keep.length));'],
    ['a SIGSEGV from outside', "process.kill(process.pid, 'SIGSEGV'); setTimeout(() => {}, 10_000);"],
    ['a SIGFPE from outside', "process.kill(process.pid, 'SIGFPE'); setTimeout(() => {}, 10_000);"],
  ] as const) {
    test(`after ${what} the signal and the peak memory can be read by another process`, async () => {
      const end = await postMortem(code, ['--max-old-space-size=32']);
      assert.notEqual(end.signal, null, end.stderr);
      assert.equal(end.storedSignal, end.number);
      assert.ok(end.rssKib > 10_000);
      assert.doesNotMatch(end.stderr, /skerry: server/);
    });
  }

  test('a fault of WebAssembly stays an exception, and leaves no signal behind', async () => {
    // (module (memory 1) (func (export "f") (result i32) i32.const -4 i32.load))
    const bytes = [
      0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 5, 1, 1, 102, 0, 0, 10, 9, 1, 7, 0, 65,
      124, 40, 2, 0, 11,
    ];
    const code = `const { f } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(${JSON.stringify(bytes)}))).exports;
      try { f(); } catch (error) { console.log(error.name); }`;
    const end = await postMortem(code);
    assert.deepEqual([end.code, end.stdout, end.storedSignal], [0, 'RuntimeError\n', 0], end.stderr);
  });

  test('a death without a fault leaves no signal', async () => {
    const end = await postMortem("process.kill(process.pid, 'SIGKILL');");
    assert.deepEqual([end.signal, end.storedSignal], ['SIGKILL', 0]);
  });
});

describe('process', options, () => {
  test('the phase of a loop is seen by another process', async () => {
    const [mine, theirs] = addon.socketPair();
    const child = start(
      `const { buffer, descriptor } = addon.createRegion(4096, 'status'); const socket = addon.adopt(3);
       addon.watchLoop(buffer, 64);
       addon.watch(socket, 'socket', () => {
         const message = addon.receive(socket);
         if (message === null) process.exit(0);
         const until = performance.now() + 400; while (performance.now() < until);
       });
       addon.send(socket, Uint8Array.of(1), [descriptor]);`,
      { inherit: addon.fileNumber(theirs) },
    );
    addon.close(theirs);
    const result = finished(child);
    const message = await nextMessage(mine);
    const map = addon.mapRegion(message.descriptors[0] as Descriptor, 'phase');
    const words = new Uint32Array(map, 64, 3);
    const phase = () => words[0] as number;
    while (phase() !== 2) await sleep(2);
    const [turns, changed] = [words[1] as number, words[2] as number];
    addon.send(mine, Uint8Array.of(1), []);
    while (phase() !== 1) await sleep(1);
    assert.ok((words[2] as number) >= changed);
    while (phase() !== 2) await sleep(2);
    assert.ok((words[1] as number) > turns);
    assert.ok((words[2] as number) - changed >= 390);
    addon.close(mine);
    assert.equal((await result).code, 0);
    addon.releaseRegion(map);
    for (const descriptor of message.descriptors) addon.close(descriptor);
  });

  test('a guarded child dies with its parent, and learns of a parent that is not', async () => {
    const { stdout } = await run('console.log(addon.guardParent(process.ppid), addon.guardParent(process.pid));');
    assert.equal(stdout, 'true false\n');
    const grandchild = `${prelude} addon.guardParent(process.ppid); console.log(process.pid); setInterval(() => {}, 1000);`;
    const middle = start(`const { spawn } = await import('node:child_process');
      spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(grandchild)}], { stdio: 'inherit' });`);
    const [line] = await once(middle.stdout as NodeJS.ReadableStream, 'data');
    const pid = Number(String(line));
    assert.ok(isRunning(pid));
    middle.kill('SIGKILL');
    while (isRunning(pid)) await sleep(5);
  });

  test('with setDumpable(false) no process of the same user can open its memory', async () => {
    const victim = `${prelude} process.stdin.once('data', () => { addon.setDumpable(false); console.log('closed'); process.stdin.once('data', () => {
      addon.setDumpable(true); console.log('open'); process.stdin.once('data', () => process.exit()); }); });`;
    const attacker = `const { spawn } = await import('node:child_process'); const { once } = await import('node:events'); const fs = await import('node:fs');
      const victim = spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(victim)}]);
      const attempt = () => { try { fs.closeSync(fs.openSync('/proc/' + victim.pid + '/mem', 'r+')); return 'opened'; } catch (error) { return error.code; } };
      console.log(process.getuid() === 0 ? 'privileged' : 'unprivileged');
      victim.stdin.write('1'); await once(victim.stdout, 'data'); console.log(attempt());
      victim.stdin.write('2'); await once(victim.stdout, 'data'); console.log(attempt());
      victim.stdin.write('3');`;
    const { stdout, stderr } = await run(attacker, { nobody: true });
    assert.equal(stdout, 'unprivileged\nEACCES\nopened\n', stderr);
  });

  test('limitData bounds private memory; a region can still be given back at the limit', async () => {
    const code = `const { readFileSync } = await import('node:fs');
      const { buffer } = addon.createRegion(64 << 20, 'large');
      const kib = Number(/VmData:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      addon.limitData(kib * 1024 + (48 << 20));
      try { new ArrayBuffer(256 << 20); console.log('no limit'); } catch (error) { console.log(error.name); }
      addon.releaseRegion(buffer);
      console.log(new Uint8Array(buffer)[12345]);`;
    const { stdout, stderr } = await run(code);
    assert.equal(stdout, 'RangeError\n0\n', stderr);
  });
});

describe('isolates that end', { ...options, timeout: 60_000 + workersMax * 500 }, () => {
  const work = `${prelude} import { parentPort } from 'node:worker_threads';
    const { buffer, descriptor } = addon.createRegion(65536, 'worker region');
    const map = addon.mapRegion(descriptor, 'worker map');
    const released = addon.createRegion(4096, 'worker released'); addon.releaseRegion(released.buffer);
    const [a, b] = addon.socketPair(), bell = addon.pipe();
    addon.send(a, Uint8Array.of(1), [descriptor, bell.write]); addon.send(a, Uint8Array.of(2), [descriptor]);
    addon.watchLoop(buffer, 0);
    const watches = [addon.watch(bell.read, 'bell', () => onBell()), addon.watch(b, 'socket', () => { addon.receive(b); }), addon.watchWritable(a, () => {})];
    let onBell = () => {};
    const ready = () => parentPort.postMessage('ready');`;
  const ways: [string, string, boolean][] = [
    ['terminate', 'ready();', true],
    ['process.exit', 'onBell = () => process.exit(0); addon.ring(bell.write);', false],
    ['throw in a callback', "onBell = () => { throw new Error('on purpose'); }; addon.ring(bell.write);", false],
    ['natural end', 'for (const watch of watches) addon.setWatchRef(watch, false);', false],
    ['endless loop, then terminate', 'onBell = () => { ready(); for (;;); }; addon.ring(bell.write);', true],
    [
      'terminate during receive',
      'ready(); for (;;) { addon.send(a, Uint8Array.of(1), [descriptor]); const m = addon.receive(b); m?.descriptors.forEach((d) => addon.close(d)); }',
      true,
    ],
  ];
  const open = () => ({
    ...addon.counters(),
    files: readdirSync('/proc/self/fd').length,
    workerRanges: count(/memfd:worker/g),
  });
  // Ranges that releaseRegion put in place; those of this isolate go whenever they are collected.
  const releasedRanges = () => count(/\/dev\/zero/g);
  const count = (pattern: RegExp) => readFileSync('/proc/self/maps', 'latin1').match(pattern)?.length ?? 0;
  let keptBell: { read: Descriptor; write: Descriptor };
  before(() => {
    keptBell = addon.pipe();
  });
  after(() => {
    for (const end of [keptBell.read, keptBell.write]) addon.close(end);
  });

  test(`leave nothing behind (${workersMax} workers, six ways)`, async () => {
    await endWorker(ways[0] as [string, string, boolean]);
    const [before, releasedBefore] = [open(), releasedRanges()];
    for (let i = 0; i < workersMax; i++) await endWorker(ways[i % ways.length] as [string, string, boolean]);
    assert.deepEqual(open(), before);
    assert.ok(releasedRanges() <= releasedBefore);
    assert.equal(addon.ring(keptBell.write), true);
  });

  async function endWorker([, code, terminated]: [string, string, boolean]): Promise<void> {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(`${work} ${code}`)}`));
    const errors: Error[] = [];
    worker.on('error', (error) => errors.push(error as Error));
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    if (terminated) {
      await Promise.race([new Promise((resolve) => worker.once('message', resolve)), ended]);
      if (Math.random() < 0.5) await nextTurn();
      await worker.terminate();
    }
    await ended;
    const expected = code.includes('on purpose') ? ['on purpose'] : [];
    assert.deepEqual(
      errors.map((error) => error.message),
      expected,
    );
  }

  test('a region whose isolate ended keeps its memory for those who have it mapped', async () => {
    // The addon is unloaded with its last isolate only if it allows that: handlers and maps must survive it.
    const code = `const { Worker } = await import('node:worker_threads'); const { once } = await import('node:events');
      const source = ${JSON.stringify(`${prelude} const { buffer } = addon.createRegion(4096, 'w'); addon.installFaultHandler('w', buffer, 0);`)};
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
      await once(worker, 'exit');
      process.kill(process.pid, 'SIGSEGV'); setTimeout(() => {}, 10_000);`;
    const end = await finished(start(code, { plain: true }));
    assert.equal(end.signal, 'SIGSEGV', end.stderr);
  });
});

describe('the loader', { timeout: 30_000 }, () => {
  test('says why there is no addon', async () => {
    const show = `import(${JSON.stringify(loaderUrl)}).then((m) => console.log(JSON.stringify(m.loadNative())))`;
    const stream = await finished(start(show, { plain: true, env: { SKERRY_TRANSPORT: 'stream' } }));
    assert.deepEqual(JSON.parse(stream.stdout), { reason: 'SKERRY_TRANSPORT=stream' });
    const arch = await finished(start(`Object.defineProperty(process, 'arch', { value: 'vax' }); ${show}`, { plain: true }));
    assert.match(JSON.parse(arch.stdout).reason, /no skerry-\w+-vax(-musl)?\.node for this platform/);
  });

  test('answers the same each time', () => {
    assert.equal(loadNative(), loaded);
  });
});

interface ChildOptions {
  flags?: string[];
  /** An argument of ulimit. */
  limit?: string;
  /** File number that becomes descriptor 3. */
  inherit?: number;
  env?: Record<string, string>;
  /** As an unprivileged user, also when the tests run as root. */
  nobody?: boolean;
  /** Without the addon loaded. */
  plain?: boolean;
}

interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

function start(code: string, options: ChildOptions = {}): ChildProcess {
  const source = options.plain ? code : `${prelude} ${code}`;
  const args = [...(options.flags ?? []), '--input-type=module', '-e', source];
  const shell = `ulimit -c 0; ${options.limit === undefined ? '' : `ulimit ${options.limit};`} exec "$0" "$@"`;
  return spawn('/bin/sh', ['-c', shell, process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', options.inherit ?? 'ignore'],
    env: { ...process.env, ...options.env },
    ...(options.nobody && process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}),
  });
}

async function finished(child: ChildProcess): Promise<End> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

function run(code: string, options: ChildOptions = {}): Promise<End> {
  return finished(start(code, options));
}

async function nextMessage(socket: Descriptor) {
  for (;;) {
    const message = addon.receive(socket);
    if (message) return message;
    assert.notEqual(message, null, 'the peer hung up');
    await sleep(2);
  }
}

function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}
