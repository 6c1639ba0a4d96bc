// The process server dies: servers that run and their calls do not notice, and its successor knows what it knew.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, isSkerryError, type OperatingSystem, type ProcessEntry } from 'skerry';
import { fixture, nothingIsLeft, start, TRANSPORTS } from '../e2e/world.ts';
import groups from '../fixtures/e2e/groups.system.ts';
import talk from '../fixtures/e2e/talk.system.ts';
import { descendants, isAlive, until } from './processes.ts';

const TIMEOUT = { timeout: 30_000 };
type Talk = OperatingSystem<typeof talk.servers>;

for (const transport of TRANSPORTS) {
  describe(`a process server that dies, ${transport}`, () => {
    async function booted(t: TestContext): Promise<Talk> {
      const sys = await boot(talk, { transport });
      t.after(async () => {
        await sys.stop();
        await nothingIsLeft();
      });
      return sys;
    }

    const entry = async (sys: Talk, name: string, replica = 0): Promise<ProcessEntry> => {
      const found = (await sys.processes.list()).find((one) => one.name === name && one.replica === replica);
      assert.ok(found);
      return found;
    };

    /** Kills it, and waits for the next. @returns the number of its restarts */
    const killIt = async (sys: Talk, between = (): void => {}): Promise<number> => {
      const { pid, restarts } = await entry(sys, 'process');
      process.kill(pid, 'SIGKILL');
      between();
      await until('there is another', async () => (await entry(sys, 'process')).pid !== pid, 10_000);
      const next = await entry(sys, 'process');
      assert.equal(next.restarts, restarts + 1);
      return next.restarts;
    };

    test('calls go on while it is killed again and again; every process stays', TIMEOUT, async (t) => {
      const sys = await booted(t);
      const others = async () => (await sys.processes.list()).filter(({ name }) => name !== 'process');
      const before = await others();
      let over = false;
      let answered = 0;
      let slowestMs = 0;
      const calls = Array.from({ length: 4 }, async () => {
        while (!over) {
          const from = performance.now();
          await sys.servers.single.who();
          slowestMs = Math.max(slowestMs, performance.now() - from);
          answered += 1;
          if (answered % 20 === 0) await sleep(1);
        }
      });
      const long = sys.servers.talker.later(2_000, 'late');
      for (let n = 1; n <= 3; n++) assert.equal(await killIt(sys), n);
      assert.equal(await long, 'late');
      over = true;
      await Promise.all(calls);
      assert.ok(answered > 1_000, `${answered}`);
      assert.deepEqual(await others(), before);
      t.diagnostic(`${answered} calls, the slowest ${slowestMs.toFixed(1)} ms`);
    });

    test('a server that dies meanwhile is started again, and its death is told', TIMEOUT, async (t) => {
      const sys = await booted(t);
      const { pid } = await entry(sys, 'single');
      const idle = await sys.servers.single.pid();
      assert.equal(idle, pid);
      await sleep(600); // stable
      await killIt(sys, () => process.kill(pid, 'SIGKILL'));
      const next = await sys.servers.single.pid();
      assert.notEqual(next, pid);
      await until('it is told', async () => (await entry(sys, 'single')).state === 'running');
      const { restarts, lastReason } = await entry(sys, 'single');
      assert.deepEqual([restarts, lastReason], [1, 'SIGKILL']);
    });

    test('what it knew of restarts, deaths and servers that are down is known to the next', TIMEOUT, async (t) => {
      const sys = await booted(t);
      process.kill(await sys.servers.single.pid(), 'SIGSEGV');
      await until('it runs again', async () => {
        const { state, restarts } = await entry(sys, 'single');
        return state === 'running' && restarts === 1;
      });
      await sys.processes.kill('watched', { restart: false });
      const told = async () => {
        const all = (await sys.processes.status('single')).concat(await sys.processes.status('watched'));
        return all.map(({ name, state, since, restarts, lastDeath, pid }) => ({ name, state, since, restarts, lastDeath, pid }));
      };
      const before = await told();
      const { startedAt } = await sys.processes.info();
      await killIt(sys);
      const after = await told();
      assert.deepEqual(
        after.map((one) => ({ ...one, state: one.state.replace('sleeping', 'running') })),
        before.map((one) => ({ ...one, state: one.state.replace('sleeping', 'running') })),
      );
      assert.equal((await sys.processes.info()).startedAt, startedAt);
      await assert.rejects(sys.servers.watched.pid(), (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN'));
      await sys.processes.boot('watched');
      assert.ok((await sys.servers.watched.pid()) > 0);
    });

    test('orders, logs and the watch for hangs work as before', TIMEOUT, async (t) => {
      const sys = await booted(t);
      await killIt(sys);
      const { pid } = await entry(sys, 'talker', 1);
      await sys.processes.kill('talker.1');
      await until('talker.1 is back', async () => {
        const { state, pid: now } = await entry(sys, 'talker', 1);
        return state === 'running' && now !== pid;
      });
      if (transport === 'stream') {
        const lines = sys.processes.logs();
        await assert.rejects(
          lines.next(),
          (error) => isSkerryError(error, 'SKERRY_UNSUPPORTED') && /over streams/.test(error.message),
        );
        return;
      }
      await sys.servers.single.say('after the death');
      await until('the line is kept', async () => {
        const texts: string[] = [];
        for await (const { text } of sys.processes.logs({ name: 'single' })) texts.push(text);
        return texts.some((text) => text.includes('after the death'));
      });
      await assert.rejects(sys.servers.watched.loop(60_000), /hung/);
    });

    test('an order that it was about to finish does not leave a server down', TIMEOUT, async (t) => {
      const sys = await booted(t);
      const running = sys.servers.single.later(700, 'done');
      await sleep(50);
      const ordered = sys.processes.restart('single').then(
        () => 'done',
        (error) => error.code,
      );
      await sleep(50);
      await killIt(sys);
      assert.equal(await running, 'done', 'what runs ends first');
      assert.ok((await sys.servers.single.pid()) > 0);
      assert.match(String(await ordered), /^(done|SKERRY_SERVER_DIED)$/);
    });

    test('whatever a server says at its end, the process server and the kernel live on', TIMEOUT, async (t) => {
      const sys = await booted(t);
      const before = await entry(sys, 'process');
      for (const message of ['\0'.repeat(20_000), '\u001b[2J\u{1f600}'.repeat(3_000), '"\\'.repeat(9_000), '']) {
        const { pid } = await entry(sys, 'single');
        await sys.servers.single.ends(message).catch(() => {});
        await until('it runs again', async () => {
          const { state, pid: now } = await entry(sys, 'single');
          return state === 'running' && now !== pid;
        });
        const [status] = await sys.processes.status('single');
        assert.match(String(status?.lastDeath?.reason), /^Error/);
      }
      assert.deepEqual(await entry(sys, 'process'), before);
    });

    test('a system is stopped also while there is none', TIMEOUT, async (t) => {
      const sys = await booted(t);
      for (let n = 0; n < 2; n++) await killIt(sys); // the third start waits
      process.kill((await entry(sys, 'process')).pid, 'SIGKILL');
      await sleep(20);
      await sys.stop();
      await nothingIsLeft();
    });
  });
}

test('a system whose output nobody reads any more survives it too', TIMEOUT, async (t) => {
  const program = start(t, [fixture('program.js'), 'stay']);
  await until('it is up', () => program.stdout().includes('\n'), 10_000);
  const [kernel, processServer, ...others] = JSON.parse(program.stdout()) as number[];
  program.child.stderr?.destroy();
  program.child.stdout?.destroy();
  process.kill(processServer as number, 'SIGKILL');
  await until('there is another', () => descendants(kernel).filter((pid) => !others.includes(pid)).length === 1, 10_000);
  await sleep(200);
  assert.ok([kernel as number, ...others].every(isAlive));
});

test('a stop while the next one is being loaded is a polite one', TIMEOUT, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-groups-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const notes = join(folder, 'notes');
  for (const waitMs of [0, 30, 60, 90]) {
    writeFileSync(notes, '');
    const sys = await boot(groups, { env: { ...process.env, NOTES: notes } });
    const { pid } = (await sys.processes.list()).find(({ name }) => name === 'process') as ProcessEntry;
    process.kill(pid, 'SIGKILL');
    await sleep(waitMs);
    await sys.stop();
    await sys.ended();
    await nothingIsLeft();
    const lines = readFileSync(notes, 'utf8').trim().split('\n');
    assert.equal(lines.filter((line) => line.endsWith('stops')).length, 9, `${waitMs} ms: ${lines.join(', ')}`);
  }
});
