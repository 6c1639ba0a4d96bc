// Isolates end in every way they can, and the addon leaves nothing of theirs behind.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { addon, finished, options, prelude, start } from '../../test/fault/addon-child.ts';
import type { Descriptor } from './native.ts';

const workersMax = Number(process.env.SKERRY_WORKERS ?? 100);

describe('isolates that end', { ...options, timeout: 60_000 + workersMax * 500 }, () => {
  const work = `${prelude} import { parentPort } from 'node:worker_threads';
    const { buffer, descriptor } = addon.createRegion(65536, 'worker region');
    const map = addon.mapRegion(descriptor, 'worker map');
    const released = addon.createRegion(4096, 'worker released'); addon.releaseRegion(released.buffer);
    const [a, b] = addon.socketPair(), bell = addon.pipe();
    addon.send(a, Uint8Array.of(1), [descriptor, bell.write]); addon.send(a, Uint8Array.of(2), [descriptor]);
    addon.watchLoop(buffer, 0); addon.watchPulse(map, 0, 1, () => {}); addon.watchPulse(released.buffer, 0, 3, () => {});
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
