// Real faults in child processes: who wrote where it may not is named, and another process can read how it ended.

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import { addon, finished, options, prelude, start } from '../../test/fault/addon-child.ts';
import type { Descriptor } from './native.ts';

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
    const [signal, anonymousKib, outOfMemory] = new Uint32Array(map, 512, 3) as unknown as [number, number, number];
    addon.releaseRegion(map);
    for (const descriptor of [mine, ...message.descriptors]) addon.close(descriptor);
    const number = result.signal === null ? 0 : constants.signals[result.signal];
    return { ...result, storedSignal: signal, anonymousKib, outOfMemory, number, pid: child.pid };
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
      assert.ok(end.anonymousKib > 4_000 && end.anonymousKib < 200_000, `${end.anonymousKib} KiB`);
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

  for (const [what, code, outOfMemory = 0] of [
    ['abort', 'process.abort();'],
    ['an out-of-memory', 'const keep = []; for (;;) keep.push(new Array(1000).fill(keep.length));', 1],
    ['an array beyond the limit', 'new Array(2 ** 26).fill(1);', 1],
    ['an out-of-memory deep in the stack', 'const f = (n) => (n > 0 ? f(n - 1) : new Array(2 ** 26).fill(1)); f(5000);', 1],
    ['a SIGSEGV from outside', "process.kill(process.pid, 'SIGSEGV'); setTimeout(() => {}, 10_000);"],
    ['a SIGFPE from outside', "process.kill(process.pid, 'SIGFPE'); setTimeout(() => {}, 10_000);"],
  ] as const) {
    test(`after ${what} signal and memory can be read by another process`, async () => {
      const end = await postMortem(code, ['--max-old-space-size=32']);
      assert.notEqual(end.signal, null, end.stderr);
      assert.equal(end.storedSignal, end.number);
      assert.equal(end.outOfMemory, outOfMemory, end.stderr);
      assert.ok(end.anonymousKib > 4_000 && end.anonymousKib < 200_000, `${end.anonymousKib} KiB`);
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
