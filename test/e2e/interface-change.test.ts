// A server comes back with another method table: what waits for the old one must not run by the new one's numbers.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boot, isSkerryError } from 'skerry';
import { isAlive, until } from '../fault/processes.ts';
import shapes from '../fixtures/e2e/shape.system.ts';
import { emptyFolder, nothingIsLeft, TRANSPORTS } from './world.ts';

for (const transport of TRANSPORTS) {
  test(`calls that wait for an interface that does not come back are rejected with SKERRY_VERSION and run nothing, ${transport}`, {
    timeout: 20_000,
  }, async (t) => {
    const folder = emptyFolder(t, { linked: false });
    const [CHANGED, GATE] = [join(folder, 'changed'), join(folder, 'gate')];
    const sys = await boot(shapes, { transport, env: { ...process.env, CHANGED, GATE } });
    t.after(async () => {
      await sys.stop();
      await nothingIsLeft();
    });
    const { shape, asker } = sys.servers;
    assert.equal(await shape.greet('first'), 'hello first');
    const pid = (await sys.processes.list()).find(({ name }) => name === 'shape')?.pid ?? 0;

    writeFileSync(CHANGED, '');
    process.kill(pid, 'SIGKILL');
    await until('it is dead', () => !isAlive(pid));
    const known = assert.rejects(shape.greet('by one who knew the old one'), (error) => isSkerryError(error, 'SKERRY_VERSION'));
    await asker.ask('by one who was told of the old one');
    writeFileSync(GATE, '');
    await known;
    assert.equal(await asker.outcome(), 'SKERRY_VERSION');

    assert.equal(await shape.greet('again'), 'hello again', 'the next call learns the new one');
    await asker.ask('again');
    assert.equal(await asker.outcome(), 'hello again');
    assert.equal(await shape.erased(), 0, 'nothing was run for what it is not');
  });
}
