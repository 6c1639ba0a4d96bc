// A dead server's control socket that a process of its own holds open: its death is told all the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boot, isSkerryError } from 'skerry';
import { TRANSPORTS } from '../e2e/world.ts';
import holding from '../fixtures/fault/holder.system.ts';
import { isAlive } from './processes.ts';

for (const transport of TRANSPORTS) {
  test(`a death is told though a process that the server left behind holds its socket open, ${transport}`, {
    timeout: 20_000,
  }, async (t) => {
    const sys = await boot(holding, { transport });
    t.after(() => sys.stop());
    const { holder } = sys.servers;
    const pid = await holder.pid();
    const left = await holder.leaveBehind();
    t.after(() => process.kill(left, 'SIGKILL'));
    const hanging = assert.rejects(holder.hang(), (error) => isSkerryError(error, 'SKERRY_SERVER_DIED'));
    await holder.pid(); // the one before has been started
    process.kill(pid, 'SIGKILL');
    await hanging;
    assert.notEqual(await holder.pid(), pid);
    assert.ok(isAlive(left), 'it holds the socket still');
  });
}
