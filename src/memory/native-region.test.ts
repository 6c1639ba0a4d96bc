// Regions of the addon, as native.ts promises them: seals, maps, release, and what is refused.

import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { deflate, deflateSync } from 'node:zlib';
import { addon, options, run } from '../../test/fault/addon-child.ts';

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
