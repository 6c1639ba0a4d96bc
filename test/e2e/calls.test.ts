// What a call brings with it through several servers, and what refuses it before it is sent.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type BootOptions, boot, call, isSkerryError, notify, type OperatingSystem } from 'skerry';
import { loadNative } from '../../src/memory/load-native.ts';
import { until } from '../fault/processes.ts';
import calls from '../fixtures/e2e/calls.system.ts';
import { nothingIsLeft, TRANSPORTS } from './world.ts';

const TIMEOUT = { timeout: 60_000 };
/** A server's queue and the budget of regions are of shared memory. */
const SHARED = { ...TIMEOUT, skip: loadNative().addon === undefined && 'there is no shared memory' };

async function booted(t: TestContext, options: BootOptions): Promise<OperatingSystem<typeof calls.servers>> {
  const sys = await boot(calls, options);
  t.after(async () => {
    await sys.stop();
    await nothingIsLeft();
  });
  return sys;
}

for (const transport of TRANSPORTS) {
  test(
    `${transport}: a call within a call ends with the outer one's deadline, in its caller and in its server`,
    TIMEOUT,
    async (t) => {
      const { outer, inner } = (await booted(t, { transport })).servers;
      await outer.path();
      // Both deadlines are one moment: the outer handler may be the first to hear of it, and answer.
      await call(outer, { timeoutMs: 1000 })
        .relay()
        .catch((error) => assert.ok(isSkerryError(error, 'SKERRY_TIMEOUT'), String(error)));
      await until('the inner call has ended', async () => (await outer.ends()).length === 1, 10_000);
      const [end] = await outer.ends();
      assert.equal(end?.code, 'SKERRY_TIMEOUT');
      assert.match(
        end?.message ?? '',
        /^inner\.never on inner\.0 did not answer before the deadline of the call it was made in$/,
      );
      await until('its handler has heard of it', async () => (await inner.seen()).length === 1, 10_000);
      const [seen] = await inner.seen();
      assert.ok(seen?.aborted);
      assert.ok(seen.remainingMs > 0 && seen.remainingMs <= 1000, `${seen.remainingMs} ms were left of the outer call's 1000`);
      assert.deepEqual(seen.path, ['outer', 'inner']);
    },
  );

  test(
    `${transport}: an inner call whose own deadline is earlier ends with that, and the outer one goes on`,
    TIMEOUT,
    async (t) => {
      const { outer } = (await booted(t, { transport })).servers;
      await call(outer, { timeoutMs: 20_000 }).relay(50);
      const [end] = await outer.ends();
      assert.equal(end?.code, 'SKERRY_TIMEOUT');
      assert.match(end?.message ?? '', /within 50 ms$/);
    },
  );

  test(`${transport}: a call knows the servers that it has come through`, TIMEOUT, async (t) => {
    const { outer, inner } = (await booted(t, { transport })).servers;
    for (let n = 0; n < 3; n++) {
      assert.deepEqual(await outer.path(), ['outer', 'inner']);
      assert.deepEqual(await inner.path(), ['inner']);
    }
  });
}

test(
  'a server whose queueMax calls wait refuses the call of a client that has none there, before it is sent',
  SHARED,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-calls-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const gate = join(folder, 'gate');
    const sys = await booted(t, { transport: 'ring', env: { ...process.env, SKERRY_GATE: gate } });
    const { outer, narrow } = sys.servers;
    const isAt = async (wanted: { running: number; queued: number }) => {
      const found = (await sys.processes.usage()).find(({ name }) => name === 'narrow');
      return found?.running === wanted.running && found.queued === wanted.queued;
    };
    await outer.crowd(1);
    await until('one call runs', () => isAt({ running: 1, queued: 0 }), 10_000);
    await outer.crowd(8);
    await until('eight wait', () => isAt({ running: 1, queued: 8 }), 10_000);
    for (let n = 0; n < 20; n++) {
      await assert.rejects(call(narrow, { timeoutMs: 5000 }).wait(), (error) => {
        assert.ok(isSkerryError(error, 'SKERRY_BUSY'), String(error));
        assert.match(error.message, /^narrow\.wait was not sent to narrow\.0: 8 calls wait there unstarted; its queueMax is 8$/);
        assert.equal(error.maybeExecuted, false);
        return true;
      });
    }
    writeFileSync(gate, '');
    assert.deepEqual(await outer.outcomes(), Array(9).fill('answered'));
    await until('there is room again', async () => {
      const [outcome] = await Promise.allSettled([narrow.wait()]);
      return outcome.status === 'fulfilled';
    });
  },
);

test('a region beyond the budget is refused with SKERRY_MEMORY and sizes; what fits goes on', SHARED, async (t) => {
  const { inner } = (await booted(t, { transport: 'ring', budgetMb: 16 })).servers;
  const MiB = 2 ** 20;
  const refused = (asker: string, maybeExecuted: boolean | undefined) => (error: unknown) => {
    assert.ok(isSkerryError(error, 'SKERRY_MEMORY'), String(error));
    const { askedBytes, usedBytes, limitBytes } = error.data as Record<string, number>;
    assert.equal(limitBytes, 16 * MiB);
    assert.ok(askedBytes !== undefined && askedBytes >= 32 * MiB && askedBytes < 64 * MiB, `${askedBytes}`);
    assert.ok(usedBytes !== undefined && usedBytes > 0 && usedBytes <= limitBytes, `${usedBytes}`);
    const sizes = `${asker} asked for a region of ${askedBytes} bytes; the system's regions take ${usedBytes} of ${limitBytes} bytes`;
    assert.ok(error.message.includes(sizes), error.message);
    assert.equal(error.maybeExecuted, maybeExecuted);
    return true;
  };
  for (let n = 0; n < 3; n++) {
    await assert.rejects(inner.sizeOf(new Uint8Array(32 * MiB)), refused('caller', false));
    await assert.rejects(notify(inner).sizeOf(new Uint8Array(32 * MiB)), refused('caller', false));
    await assert.rejects(inner.make(32 * MiB), refused('inner', undefined));
    assert.equal(await inner.sizeOf(new Uint8Array(5 * MiB)), 5 * MiB);
    assert.equal((await inner.make(5 * MiB)).length, 5 * MiB);
  }
});
