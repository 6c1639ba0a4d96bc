// The death of an instance, as the kernel hears of it: by its exit and by the end of its control socket, in any order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/fault/processes.ts';
import { loadNative } from '../memory/load-native.ts';
import { spawnChild } from './child.ts';

const { addon, reason } = loadNative();

/** Keeps this loop from hearing anything. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

for (const [order, kill] of [
  ['exit and end of the socket in one turn', true],
  ['each in its own time', false],
] as const) {
  test(`a death is told once: ${order}`, { timeout: 60_000, skip: addon === undefined ? reason : false }, async () => {
    for (let round = 0; round < 10; round++) {
      let deaths = 0;
      const options = { addon, role: 'server', env: {}, memoryMb: 0, title: 'test', piped: true } as const;
      const events = { onMessage: () => {}, onClose: () => {} };
      const child = spawnChild(options, events, () => {
        deaths += 1;
      });
      for (const pipe of child.output) addon?.close(pipe);
      child.kill();
      if (kill) block(60);
      await until('it is dead', () => deaths > 0);
      await sleep(5);
      assert.equal(deaths, 1);
    }
  });
}
