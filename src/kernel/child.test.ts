// The death of an instance, as the kernel hears of it: by its exit and by the end of its control socket, in any order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/fault/processes.ts';
import { loadNative } from '../memory/load-native.ts';
import type { NativeAddon } from '../memory/native.ts';
import { spawnChild } from './child.ts';

const { addon, reason } = loadNative();

/** An addon whose watches say nothing: the end of the socket is found by whoever looks. */
function deaf(native: NativeAddon): NativeAddon {
  return { ...native, watch: (descriptor, kind) => native.watch(descriptor, kind, () => {}) };
}

for (const [order, make] of [
  ['the end of the socket comes by itself', (native: NativeAddon) => native],
  ["the end of the socket is found in the exit's own turn", deaf],
] as const) {
  test(`a death is told once: ${order}`, { timeout: 60_000, skip: addon === undefined ? reason : false }, async () => {
    const native = make(addon as NativeAddon);
    let deaths = 0;
    const options = {
      addon: native,
      role: 'server',
      env: {},
      memoryMb: 0,
      background: false,
      title: 'test',
      piped: true,
    } as const;
    const child = spawnChild(options, { onMessage: () => {}, onClose: () => {} }, () => {
      deaths += 1;
    });
    for (const pipe of child.output) native.close(pipe);
    child.kill();
    await until('it is dead', () => deaths > 0);
    await sleep(150); // longer than what is waited for sockets that are left open
    assert.equal(deaths, 1);
  });
}
