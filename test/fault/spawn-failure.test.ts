// A process that cannot be started is one that died at once: its server backs off, its clients hear why, the system goes on.

import assert from 'node:assert/strict';
import { copyFileSync, linkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { emptyFolder, fixture, start, TRANSPORTS } from '../e2e/world.ts';
import type { Findings } from '../fixtures/e2e/restarts.ts';

/** A Node of this test's own, which can be moved away. */
function ownNode(t: TestContext): string {
  const node = join(emptyFolder(t, { linked: false }), 'node');
  try {
    linkSync(process.execPath, node);
  } catch {
    copyFileSync(process.execPath, node); // another file system
  }
  return node;
}

for (const transport of TRANSPORTS) {
  test(`servers that cannot be started are refused with a code, the others go on, and boot() helps later, ${transport}`, {
    timeout: 30_000,
  }, async (t) => {
    const env = transport === 'stream' ? { SKERRY_TRANSPORT: 'stream' } : {};
    const { code, stdout, stderr } = await start(t, [fixture('restarts.js')], { env, execPath: ownNode(t) }).ended;
    assert.equal(code, 0, stderr);
    const { refused, reason, beside, again, descriptors } = JSON.parse(stdout) as Findings;
    assert.equal(refused, 'SKERRY_SERVER_DOWN');
    assert.match(reason, /could not be started/);
    assert.deepEqual([beside, again], [true, true]);
    assert.equal(descriptors[1], descriptors[0], 'failed starts leave no descriptor in the kernel');
  });
}
