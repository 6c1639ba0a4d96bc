// Warm spares: a process that waits takes the place of one that dies, and is what a process started for it would be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, type OperatingSystem } from 'skerry';
import sparedSystem from '../fixtures/fault/spared.system.ts';
import { descendants, isAlive, until } from './processes.ts';
import { TRANSPORTS, type Transport } from './siege.ts';

const TIMEOUT = { timeout: 60_000 };
/** plain and other share theirs. */
const KINDS = 3;
const STABLE_MS = 600;

type SparedSystem = OperatingSystem<(typeof sparedSystem)['servers']>;

async function withSystem(transport: Transport, body: (sys: SparedSystem) => Promise<void>): Promise<void> {
  const env = { ...process.env, SKERRY_TEST_NAME: 'a name', SKERRY_TEST_SECRET: 'a secret' };
  const sys = await boot(sparedSystem, { transport, env });
  const all = new Set<number>();
  try {
    await body(sys);
  } finally {
    for (const pid of descendants()) all.add(pid);
    await sys.stop();
  }
  await until('no process is left', () => ![...all].some(isAlive));
}

async function spares(sys: SparedSystem): Promise<number[]> {
  return (await sys.processes.usage()).filter(({ name }) => name === 'spare').map(({ pid }) => pid);
}

/** @param gone none of these is one of them any more. */
async function allSpares(sys: SparedSystem, gone: readonly number[] = []): Promise<number[]> {
  const there = async () => {
    const pids = await spares(sys);
    return pids.length === KINDS && !pids.some((pid) => gone.includes(pid));
  };
  await until('the spares are there', there, 15_000);
  await sleep(STABLE_MS); // and warm, and the servers stable
  return spares(sys);
}

/** Kills it. @returns what its successor says of itself */
async function killed(one: SparedSystem['servers']['plain']) {
  const dead = await one.self();
  process.kill(dead.pid, 'SIGKILL');
  for (;;) {
    const next = await one.self().catch(() => dead); // it was asked, and died
    if (next.pid !== dead.pid) return { dead, next };
  }
}

for (const transport of TRANSPORTS) {
  test(`${transport}: a spare of its kind takes the place of a server that dies, and another is made`, TIMEOUT, () =>
    withSystem(transport, async (sys) => {
      const before = await allSpares(sys);
      for (const name of ['plain', 'limited', 'named', 'other'] as const) {
        const there = await allSpares(sys);
        const { dead, next } = await killed(sys.servers[name]);
        assert.ok(there.includes(next.pid), `${name}: ${next.pid} was no spare; there were ${there}`);
        assert.deepEqual({ ...next, pid: 0 }, { ...dead, pid: 0 }, 'as one that was started for it');
        assert.equal(next.name, name);
        assert.equal(next.title, `skerry ${name}.0`);
      }
      const after = await allSpares(sys);
      assert.ok(!after.some((pid) => before.includes(pid)));
      assert.equal((await sys.servers.named.self()).environment, 'a name');
      assert.equal((await sys.servers.named.self()).secret, 'a secret');
      assert.equal((await sys.servers.plain.self()).environment, undefined);
    }),
  );
}

test('a spare that is killed is replaced; one that is stopped is not taken', TIMEOUT, () =>
  withSystem('ring', async (sys) => {
    const first = await allSpares(sys);
    for (const pid of first) process.kill(pid, 'SIGKILL');
    const stopped = await allSpares(sys, first);
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    const { next } = await killed(sys.servers.plain);
    assert.ok(!stopped.includes(next.pid));
    for (const pid of stopped) {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {} // it was ended for it
    }
  }),
);

test('a restart by an operator takes none, and what has loaded the old modules is replaced', TIMEOUT, () =>
  withSystem('ring', async (sys) => {
    const before = await allSpares(sys);
    await sys.processes.restart('plain');
    assert.ok(!before.includes((await sys.servers.plain.self()).pid));
    await until('they are gone', async () => !(await spares(sys)).some((pid) => before.includes(pid)));
    const after = await allSpares(sys, before);
    await sys.processes.kill('other');
    await until('it is there again', async () => (await sys.processes.list()).some((one) => one.name === 'other' && one.pid > 0));
    assert.ok(!after.includes((await sys.servers.other.self()).pid));
  }),
);

test('spares outlive the process server, and its successor knows them', TIMEOUT, () =>
  withSystem('ring', async (sys) => {
    const before = await allSpares(sys);
    const { pid } = (await sys.processes.list()).find(({ name }) => name === 'process') as { pid: number };
    process.kill(pid, 'SIGKILL');
    await until('there is another', async () => {
      const list = await sys.processes.list().catch(() => []);
      return list.some((one) => one.name === 'process' && one.pid !== pid);
    });
    assert.deepEqual((await spares(sys)).sort(), before.sort());
  }),
);
