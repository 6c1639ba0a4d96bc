// Groups, kinds of restart and the system's own policy, with real deaths.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { boot, isSkerryError, type OperatingSystem } from 'skerry';
import { until } from '../fault/processes.ts';
import groups from '../fixtures/e2e/groups.system.ts';
import { nothingIsLeft } from './world.ts';

const TIMEOUT = { timeout: 30_000 };
type Sys = OperatingSystem<typeof groups.servers>;

async function booted(t: TestContext): Promise<{ sys: Sys; noted(): string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-groups-'));
  const notes = join(folder, 'notes');
  const sys = await boot(groups, { env: { ...process.env, NOTES: notes } });
  t.after(async () => {
    await sys.stop();
    await nothingIsLeft();
    rmSync(folder, { recursive: true });
  });
  writeFileSync(notes, '');
  return {
    sys,
    noted: () =>
      readFileSync(notes, 'utf8')
        .trim()
        .split('\n')
        .filter((line) => line !== ''),
  };
}

const states = async (sys: Sys) =>
  new Map((await sys.processes.list()).map(({ name, state, pid, restarts }) => [name, { state, pid, restarts }]));

async function kill(sys: Sys, name: string): Promise<void> {
  process.kill((await states(sys)).get(name)?.pid as number, 'SIGKILL');
}

test('restForOne: those after it stop, the last first, and all start in order; those before it stay', TIMEOUT, async (t) => {
  const { sys, noted } = await booted(t);
  const before = await states(sys);
  await kill(sys, 'cache');
  await until(
    'both of the inner group are back',
    async () => noted().length >= 3 && (await states(sys)).get('index')?.state === 'running',
  );
  assert.deepEqual(noted(), ['index stops', 'cache begins', 'index begins']);
  const after = await states(sys);
  for (const name of ['store', 'front', 'friend', 'once']) assert.deepEqual(after.get(name), before.get(name), name);
  await kill(sys, 'store');
  await until('all are back', async () => noted().length >= 10 && (await states(sys)).get('front')?.state === 'running');
  assert.deepEqual(noted().slice(3), [
    'front stops',
    'index stops',
    'cache stops',
    'store begins',
    'cache begins',
    'index begins',
    'front begins',
  ]);
});

test('a group whose member gives up is restarted as a whole, and goes down when that does not help', TIMEOUT, async (t) => {
  const { sys, noted } = await booted(t);
  await kill(sys, 'weak');
  await until('the group is back', async () => noted().filter((line) => line.endsWith('begins')).length === 2);
  assert.deepEqual(noted(), ['friend stops', 'weak begins', 'friend begins']);
  await until('it runs', async () => (await states(sys)).get('friend')?.state === 'running');
  await kill(sys, 'weak');
  await until('it is down', async () => {
    const now = await states(sys);
    return now.get('weak')?.state === 'zombie' && now.get('friend')?.state === 'zombie';
  });
  await assert.rejects(
    sys.servers.friend.pid(),
    (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN') && /its group has failed: weak: 1 deaths? in a row/.test(error.message),
  );
  assert.ok((await sys.servers.front.pid()) > 0, 'the others go on');
  await sys.processes.boot('friend');
  assert.ok((await sys.servers.friend.pid()) > 0);
});

test('temporary and transient servers, and one that the policy of the system judges', TIMEOUT, async (t) => {
  const { sys } = await booted(t);
  await kill(sys, 'once');
  await until('it stays down', async () => (await states(sys)).get('once')?.state === 'zombie');
  await assert.rejects(sys.servers.once.pid(), /it is temporary, and ended by SIGKILL/);
  await assert.rejects(sys.servers.free.exit(3), (error) => isSkerryError(error, 'SKERRY_SERVER_DIED'));
  assert.ok((await sys.servers.free.pid()) > 0, 'an error restarts it');
  await sys.servers.free.exit(0).catch(() => {});
  await assert.rejects(sys.servers.free.pid(), /it is transient, and ended by exit code 0/);
  const own = (await states(sys)).get('process')?.pid;
  await kill(sys, 'judged');
  await assert.rejects(sys.servers.judged.pid(), /the system's policy says so after its end by SIGKILL/);
  assert.equal((await states(sys)).get('process')?.pid, own, 'a policy that takes its time is no hang');
});

test('a restart of a group goes on when the process server dies in its midst', TIMEOUT, async (t) => {
  const { sys, noted } = await booted(t);
  const own = (await states(sys)).get('process')?.pid as number;
  await kill(sys, 'store');
  process.kill(own, 'SIGKILL');
  await until('all run', async () => {
    const now = await states(sys);
    return (
      ['store', 'cache', 'index', 'front'].every((name) => now.get(name)?.state === 'running') && now.get('process')?.pid !== own
    );
  });
  assert.ok(noted().includes('store begins'));
});
