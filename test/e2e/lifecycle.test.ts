// Births and deaths, by real signals: what a death takes along, and what comes back.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, isSkerryError, type OperatingSystem, type ProcessEntry } from 'skerry';
import { descendants, isAlive, until } from '../fault/processes.ts';
import basic from '../fixtures/e2e/basic.system.ts';
import fragile from '../fixtures/e2e/fragile.system.ts';
import { emptyFolder, fixture, gone, nothingIsLeft, start, TRANSPORTS, type Transport } from './world.ts';

const TIMEOUT = { timeout: 20_000 };
/** Moments at which a boot is cut off, ms after its kernel was seen. */
const EARLY_MS = [0, 5, 10, 20, 35, 50];

type Sys = OperatingSystem<typeof fragile.servers>;

async function booted(t: TestContext, transport: Transport, env: Record<string, string> = {}): Promise<Sys> {
  const sys = await boot(fragile, { transport, env: { ...process.env, ...env } });
  t.after(async () => {
    await sys.stop();
    await nothingIsLeft();
  });
  return sys;
}

async function entry(sys: Sys, name: string): Promise<ProcessEntry> {
  const found = (await sys.processes.list()).find((one) => `${one.name}.${one.replica}` === name);
  assert.ok(found, name);
  return found;
}

/** Stops `pids` in their tracks, so that none of them starts another process while their descendants are listed. */
function freezeAndList(pids: readonly number[]): number[] {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return descendants(pids[0]);
}

function thaw(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {} // already gone
  }
}

for (const transport of TRANSPORTS) {
  const env: Record<string, string> = transport === 'stream' ? { SKERRY_TRANSPORT: 'stream' } : {};

  describe(`what a death takes along, ${transport}`, () => {
    test(
      'a killed kernel: within a second none of its processes is left, calls are rejected, ended() says so',
      TIMEOUT,
      async (t) => {
        const sys = await booted(t, transport);
        const pids = (await sys.processes.list()).map(({ pid }) => pid);
        assert.equal(pids.length, 5);
        const hanging = assert.rejects(
          sys.servers.fragile.hang(),
          (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN') || isSkerryError(error, 'SKERRY_SERVER_DIED'),
        );
        const ended = assert.rejects(sys.ended(), (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN'));
        await sleep(20);
        process.kill(pids[0], 'SIGKILL');
        await gone(pids);
        await hanging;
        await ended;
        await assert.rejects(sys.servers.fragile.pid(), (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN'));
      },
    );

    for (const afterMs of EARLY_MS) {
      test(`a kernel killed ${afterMs} ms after its start: boot() is rejected, nothing is left`, TIMEOUT, async () => {
        const booting = boot(basic, { transport });
        const rejected = assert.rejects(booting, (error) => isSkerryError(error, 'SKERRY_INIT'));
        await until('the kernel is there', () => descendants().length > 0);
        const [kernel] = descendants();
        await sleep(afterMs);
        const pids = freezeAndList([kernel]);
        process.kill(kernel, 'SIGKILL');
        thaw(pids);
        await gone([kernel, ...pids]);
        await rejected;
      });
    }

    test('a killed caller: within a second nothing is left, also when a handler is running', TIMEOUT, async (t) => {
      const program = start(t, [fixture('program.js'), 'pending'], { env });
      await until('it has booted', () => program.stdout().includes('\n'), 10_000);
      const pids: number[] = JSON.parse(program.stdout());
      assert.ok(pids.every(isAlive));
      process.kill(program.pid, 'SIGKILL');
      await gone([program.pid, ...pids]);
    });

    for (const afterMs of EARLY_MS.slice(0, 3)) {
      test(`a caller killed ${afterMs} ms after it started a kernel: nothing is left`, TIMEOUT, async (t) => {
        const program = start(t, [fixture('program.js'), 'stay'], { env });
        await until('the kernel is there', () => descendants(program.pid).length > 0, 10_000);
        const [kernel] = descendants(program.pid);
        await sleep(afterMs);
        const pids = freezeAndList([program.pid, kernel]);
        process.kill(program.pid, 'SIGKILL');
        thaw(pids);
        await gone([program.pid, ...pids]);
      });
    }

    test('SIGTERM to the kernel stops the system politely, and ended() resolves', TIMEOUT, async (t) => {
      const sys = await booted(t, transport);
      const [kernel, ...others] = (await sys.processes.list()).map(({ pid }) => pid);
      const ended = sys.ended();
      process.kill(kernel, 'SIGTERM');
      await ended;
      await gone([kernel, ...others]);
    });

    test('stop() has an end, also with a process server that does not move', TIMEOUT, async (t) => {
      const sys = await booted(t, transport);
      const pids = (await sys.processes.list()).map(({ pid }) => pid);
      process.kill(pids[1], 'SIGSTOP');
      await sys.stop();
      await gone(pids);
    });

    test('an instance that does not move is gone with its caller all the same', TIMEOUT, async (t) => {
      const program = start(t, [fixture('program.js'), 'stay'], { env });
      await until('the system is up', () => program.stdout().includes('\n'), 10_000);
      const pids = descendants(program.pid);
      process.kill(Math.max(...pids), 'SIGSTOP');
      process.kill(program.pid, 'SIGKILL');
      await gone([program.pid, ...pids]);
    });
  });

  describe(`what comes back, ${transport}`, () => {
    test('watch() tells what is, and what changes', TIMEOUT, async (t) => {
      const sys = await booted(t, transport);
      const watch = sys.processes.watch();
      const now = [];
      for (let n = 0; n < 5; n++) now.push((await watch.next()).value as ProcessEntry);
      assert.deepEqual(now, await sys.processes.list());
      const { pid } = await entry(sys, 'fragile.0');
      process.kill(pid, 'SIGKILL');
      const seen: ProcessEntry[] = [];
      for await (const one of watch) {
        seen.push(one);
        if (one.state === 'running') break;
      }
      assert.deepEqual(
        seen.map(({ name, state, restarts, lastReason }) => [name, state, restarts, lastReason]),
        [
          ['fragile', 'restart', 1, 'SIGKILL'],
          ['fragile', 'running', 1, 'SIGKILL'],
        ],
      );
      assert.notEqual(seen.at(-1)?.pid, pid);
    });

    test('a killed instance is started again, and the list says what happened', TIMEOUT, async (t) => {
      const sys = await booted(t, transport);
      const before = await entry(sys, 'fragile.0');
      assert.deepEqual([before.state, before.restarts, before.lastReason], ['running', 0, undefined]);
      process.kill(before.pid, 'SIGKILL');
      await until('it is dead', () => !isAlive(before.pid));
      const pid = await sys.servers.fragile.pid();
      assert.notEqual(pid, before.pid);
      const after = await entry(sys, 'fragile.0');
      assert.deepEqual([after.state, after.restarts, after.lastReason, after.pid], ['running', 1, 'SIGKILL', pid]);
      assert.equal((await entry(sys, 'beside.0')).restarts, 0);
    });

    test(
      'one that fails at each restart becomes a zombie: calls are refused with the reason; boot(name) brings it back',
      TIMEOUT,
      async (t) => {
        const broken = join(emptyFolder(t, { linked: false }), 'broken');
        const sys = await booted(t, transport, { BROKEN: broken });
        const { pid } = await entry(sys, 'fragile.0');
        writeFileSync(broken, '');
        process.kill(pid, 'SIGKILL');
        await until('it is dead', () => !isAlive(pid));
        const waiting = assert.rejects(
          sys.servers.fragile.pid(),
          (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN') && /broken/.test(error.message),
        );
        await until('it is a zombie', async () => (await entry(sys, 'fragile.0')).state === 'zombie', 15_000);
        await waiting;
        const zombie = await entry(sys, 'fragile.0');
        assert.match(zombie.lastReason ?? '', /its data are broken/);
        assert.equal(zombie.pid, 0);
        await assert.rejects(sys.servers.fragile.pid(), (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN'));
        assert.ok(await sys.servers.beside.pid(), 'the rest goes on');
        rmSync(broken);
        await sys.processes.boot('fragile');
        assert.ok(await sys.servers.fragile.pid(), 'it answers at once');
      },
    );

    test('kill(name, { restart: false }) leaves it down until boot(name)', TIMEOUT, async (t) => {
      const sys = await booted(t, transport);
      const { pid } = await entry(sys, 'fragile.0');
      const running = assert.rejects(
        sys.servers.fragile.hang(),
        (error) => isSkerryError(error) && ['SKERRY_SERVER_DIED', 'SKERRY_SERVER_DOWN'].includes(error.code),
      );
      await sys.servers.fragile.pid();
      await sys.processes.kill('fragile', { restart: false });
      assert.ok(!isAlive(pid));
      await running;
      await assert.rejects(
        sys.servers.fragile.pid(),
        (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN') && /operator/.test(error.message),
      );
      assert.equal((await entry(sys, 'fragile.0')).state, 'zombie');
      await sys.processes.boot('fragile');
      assert.notEqual(await sys.servers.fragile.pid(), pid);
    });

    test('kill(name) ends all replicas, kill(name.number) one, and they are started again', TIMEOUT, async (t) => {
      const sys = await booted(t, transport);
      const pids = async () => (await sys.processes.list()).filter(({ name }) => name === 'beside').map(({ pid }) => pid);
      const before = await pids();
      await sys.processes.kill('beside.1');
      await until('it runs again', async () => (await entry(sys, 'beside.1')).state === 'running');
      const one = await pids();
      assert.equal(one[0], before[0]);
      assert.notEqual(one[1], before[1]);
      await sys.processes.kill('beside');
      assert.ok(!one.some(isAlive));
      assert.ok(await sys.servers.beside.pid());
    });
  });
}
