// A client whose event loop hangs while its server dies: it says what it had in flight long after the successor has stopped waiting.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot } from 'skerry';
import late from '../fixtures/fault/late.system.ts';

for (const transport of ['ring', 'stream'] as const) {
  test(`a client that settles late does not stop the successor, ${transport}`, { timeout: 20_000 }, async () => {
    const sys = await boot(late, { transport });
    after(() => sys.stop());
    const pid = await sys.servers.late.pid();
    const slow = sys.servers.late.slow(300);
    await sleep(50);
    process.kill(pid, 'SIGKILL');
    const block = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(block, 0, 0, 900); // the successor is up and has waited its 100 ms meanwhile
    const successor = await slow;
    assert.notEqual(successor, pid);
    assert.equal(await sys.servers.late.pid(), successor, 'it answers others too');
    await sys.stop();
  });
}
