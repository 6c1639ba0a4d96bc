// A system from boot() to stop(), as its caller sees it; and what boot() says when a system cannot start. On both transports.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { boot, call, isSkerryError, type OperatingSystem, type SkerryErrorCode } from 'skerry';
import { descendants, isAlive, until } from '../fault/processes.ts';
import basic from '../fixtures/e2e/basic.system.ts';
import failures from '../fixtures/e2e/failures.ts';
import web from '../fixtures/e2e/web.system.ts';
import { fixture, gone, nothingIsLeft, start, TRANSPORTS } from './world.ts';

const TIMEOUT = { timeout: 20_000 };

/** An assertion about an error: its code, and what its message has to say. */
function coded(code: SkerryErrorCode, ...says: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isSkerryError(error, code), `expected ${code}, got ${error instanceof Error ? error.stack : error}`);
    for (const words of says) assert.match(error.message, words);
    return true;
  };
}

for (const transport of TRANSPORTS) {
  describe(`a booted system, ${transport}`, () => {
    async function booted(t: TestContext, env: Record<string, string> = {}): Promise<OperatingSystem<typeof basic.servers>> {
      const sys = await boot(basic, { transport, env: { ...process.env, ...env } });
      t.after(async () => {
        await sys.stop();
        await nothingIsLeft();
      });
      return sys;
    }

    test('onChange is told of each process as the system starts, and of nothing afterwards', TIMEOUT, async (t) => {
      const seen: string[] = [];
      const sys = await boot(basic, {
        transport,
        onChange: ({ name, replica, state }) => seen.push(`${name}.${replica} ${state}`),
      });
      t.after(async () => {
        await sys.stop();
        await nothingIsLeft();
      });
      for (const name of ['kernel.0', 'process.0', 'front.0', 'base.0', 'other.0', 'other.1'])
        assert.equal(seen.filter((line) => line === `${name} running`).length, 1, `${name}: ${seen}`);
      assert.ok(seen.indexOf('base.0 running') < seen.indexOf('front.0 running'), `base is used by front: ${seen}`);
      const told = seen.length;
      await sys.processes.kill('other');
      await sys.servers.other.add(1, 2);
      assert.equal(seen.length, told);
    });

    test('answers calls, streams items, and lets servers call each other', TIMEOUT, async (t) => {
      const { servers } = await booted(t);
      assert.equal(await servers.base.add(1, 2), 3);
      assert.equal(await servers.front.add(3, 4), 7);
      const items: number[] = [];
      for await (const item of servers.base.upTo(50)) items.push(item);
      assert.deepEqual(items, [...Array(50).keys()]);
      const sums = await Promise.all(Array.from({ length: 200 }, (_, i) => servers.front.add(i, i)));
      assert.deepEqual(
        sums,
        Array.from({ length: 200 }, (_, i) => 2 * i),
      );
    });

    test('brings what a handler threw to the caller: class name, message, code, cause, and the stack', TIMEOUT, async (t) => {
      const { servers } = await booted(t);
      await assert.rejects(servers.base.fail('not today'), (error: Error & { code?: string; cause?: Error }) => {
        assert.equal(error.message, 'not today');
        assert.equal(error.name, 'TypeError');
        assert.equal(error.code, 'E_OWN');
        assert.equal(error.cause?.message, 'too far');
        assert.match(error.stack ?? '', /base\.server\.[jt]s:\d+/);
        return true;
      });
      const failing = async () => {
        for await (const _ of servers.base.upTo(101));
      };
      await assert.rejects(failing, /101 is too many/);
    });

    test('says what was asked and what exists when a server, a method or an option is unknown', TIMEOUT, async (t) => {
      const { servers, processes } = await booted(t);
      const untyped = servers as unknown as Record<string, Record<string, () => Promise<unknown>>>;
      assert.throws(() => untyped.bse, coded('SKERRY_NOT_FOUND', /"bse"/, /front, base, other/));
      await assert.rejects(async () => untyped.base.ad(), coded('SKERRY_NOT_FOUND', /"ad"/, /base/, /add/));
      assert.throws(() => call(servers.base, { timeout: 5 } as never), coded('SKERRY_INVALID', /"timeout"/, /timeoutMs/));
      await assert.rejects(processes.kill('bse'), coded('SKERRY_NOT_FOUND', /"bse"/, /front, base, other/));
      await assert.rejects(boot({ servers: {} } as never), coded('SKERRY_INVALID', /system\(\)/));
      await assert.rejects(boot(basic, { transprot: 'ring' } as never), coded('SKERRY_INVALID', /"transprot"/, /transport/));
      await assert.rejects(boot(basic, { transport: 'tcp' } as never), coded('SKERRY_INVALID', /transport/, /tcp/));
    });

    test('refuses a use that was not declared', TIMEOUT, async (t) => {
      const { servers } = await booted(t);
      await assert.rejects(servers.front.undeclared(), coded('SKERRY_DENIED', /"front"/, /"other"/));
      await assert.rejects(servers.front.forbidden(), coded('SKERRY_DENIED', /about/));
      assert.equal(await servers.front.add(1, 1), 2);
    });

    test(
      'gives a server its context: options, name, replica, allowed environment; secrets are in no environment',
      TIMEOUT,
      async (t) => {
        const env = { E2E_SHOWN: 'shown', E2E_SECRET: 'secret', E2E_HIDDEN: 'hidden' };
        const { servers } = await booted(t, env);
        const about = await servers.base.about();
        assert.deepEqual(about.options, { greeting: 'hello' });
        assert.deepEqual([about.name, about.replica, about.replicas], ['base', 0, 1]);
        assert.equal(about.env.E2E_SHOWN, 'shown');
        assert.deepEqual(about.secrets, { E2E_SECRET: 'secret' });
        assert.equal(about.environment.E2E_SHOWN, 'shown');
        assert.equal(about.environment.E2E_SECRET, undefined);
        assert.equal(about.environment.E2E_HIDDEN, undefined);
        assert.equal(about.environment.HOME, undefined);
        const replicas = await Promise.all([...Array(20).keys()].map((key) => call(servers.other, { key: String(key) }).about()));
        assert.deepEqual(new Set(replicas.map(({ replica }) => replica)), new Set([0, 1]));
        assert.equal(replicas[0].replicas, 2);
      },
    );

    test(
      'a key reaches one replica, call after call; when that is dead, its calls wait for the successor',
      TIMEOUT,
      async (t) => {
        const { servers } = await booted(t);
        const homes = new Map<number, { key: string; pid: number }>();
        for (let n = 0; n < 20; n++) {
          const key = `customer ${n}`;
          const calls = Array.from({ length: 20 }, () => call(servers.other, { key }).about());
          const answers = [...(await Promise.all(calls)), await call(servers.other, { key }).about()];
          const [{ replica, pid }] = answers as [(typeof answers)[0]];
          for (const answer of answers) assert.equal(answer.pid, pid, `${key} reached two replicas`);
          homes.set(replica, { key, pid });
        }
        const [dead, other] = [homes.get(0), homes.get(1)];
        assert.ok(dead !== undefined && other !== undefined, 'twenty keys reach both');
        process.kill(dead.pid, 'SIGKILL');
        await until('it is dead', () => !isAlive(dead.pid));
        const calls = Array.from({ length: 20 }, () => call(servers.other, { key: dead.key, timeoutMs: 15_000 }).about());
        assert.equal((await call(servers.other, { key: other.key }).about()).pid, other.pid);
        const [successor, ...others] = await Promise.all(calls);
        assert.ok(successor !== undefined && successor.pid !== dead.pid);
        for (const { replica, pid } of [successor, ...others]) assert.deepEqual([replica, pid], [0, successor.pid]);
      },
    );

    test(
      'stops users before those they use, lets running calls end, and runs onStop last registered first',
      TIMEOUT,
      async (t) => {
        const folder = mkdtempSync(join(tmpdir(), 'skerry-notes-'));
        t.after(() => rmSync(folder, { recursive: true }));
        const notes = join(folder, 'notes');
        const sys = await booted(t, { NOTES: notes });
        const slow = sys.servers.front.slow(300);
        await sys.servers.base.add(1, 1);
        const first = sys.stop();
        assert.equal(sys.stop(), first, 'a second stop is the first');
        assert.equal(await slow, 300);
        await first;
        assert.deepEqual(descendants(), []);
        const lines = readFileSync(notes, 'utf8').trim().split('\n');
        assert.deepEqual(lines, ['base started', 'base answered', 'base stopping, signal aborted', 'base stopped']);
        await assert.rejects(sys.servers.base.add(1, 1), coded('SKERRY_SERVER_DOWN', /stopped/));
      },
    );

    test('rejects what is still running when the drain is over', TIMEOUT, async (t) => {
      const sys = await booted(t);
      const slow = assert.rejects(
        sys.servers.other.slow(15_000),
        (error) => isSkerryError(error) && error.maybeExecuted === true,
      );
      await sys.servers.other.add(1, 1);
      const from = performance.now();
      await sys.stop();
      await slow;
      assert.ok(performance.now() - from < 5000);
    });
  });

  describe(`a system that cannot boot, ${transport}`, () => {
    const cases: [name: keyof typeof failures, says: RegExp[], stack: RegExp | undefined][] = [
      ['throwsAtImport', [/"bad"/, /import/, /broken at import/], /broken\.server\.[jt]s:\d+/],
      ['exportsNothing', [/"bad"/, /server\(\)/, /it exports: nothing/], undefined],
      ['moduleMissing', [/"bad"/, /nowhere\.server/], undefined],
      ['hangsInInit', [/"bad"/, /2500 ms/, /init/], undefined],
      ['hangsInImport', [/"bad"/, /400 ms/, /import/], undefined],
      ['initThrows', [/"bad"/, /init/, /no init today/], /initFails.*failures\.[jt]s\?initThrows:\d+/],
      ['initExits', [/"bad"/, /exit code 7/], undefined],
      ['noMethods', [/"bad"/, /object with methods/, /a string/], undefined],
      ['unknownUse', [/"bad"/, /"nowhere"/, /good, bad/], undefined],
    ];
    for (const [name, says, stack] of cases) {
      test(`${name}: SKERRY_INIT says so, and nothing is left running`, TIMEOUT, async () => {
        await assert.rejects(boot(failures[name] as typeof failures.initThrows, { transport }), (error: Error) => {
          coded('SKERRY_INIT', ...says)(error);
          if (stack !== undefined) assert.match((error.cause as Error).stack ?? '', stack);
          return true;
        });
        assert.deepEqual(descendants(), []);
      });
    }

    test('a port in use is said plainly', TIMEOUT, async (t) => {
      const holder = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => holder.once('listening', resolve));
      t.after(() => holder.close());
      const { port } = holder.address() as { port: number };
      await assert.rejects(
        boot(web, { transport, env: { ...process.env, PORT: String(port) } }),
        coded('SKERRY_INIT', /"web"/, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use`)),
      );
      assert.deepEqual(descendants(), []);
    });
  });

  describe(`a program that boots a system, ${transport}`, () => {
    const env = transport === 'stream' ? { SKERRY_TRANSPORT: 'stream' } : {};

    test('ends by itself when it has nothing left to do, and its servers with it', TIMEOUT, async (t) => {
      const { code, stdout, stderr } = await start(t, [fixture('program.js'), 'idle'], { env }).ended;
      assert.equal(code, 0, stderr);
      await gone(JSON.parse(stdout));
    });

    test('sees what its servers log on stderr, a line each', TIMEOUT, async (t) => {
      const { code, stderr } = await start(t, [fixture('program.js'), 'log'], { env }).ended;
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^\d\d:\d\d:\d\d\.\d{3} \[base\] something happened \{ of: 'base' \}$/m);
      assert.match(stderr, /\[base\] error: it failed Error: with a stack\n.*base\.server\.[jt]s:\d+/);
      assert.doesNotMatch(stderr, /not shown/);
    });
  });
}

test('a transport that is asked for by name, and cannot be had, is no other one', TIMEOUT, async (t) => {
  const told = async (mode: string, transport: string) =>
    (await start(t, [fixture('program.js'), mode], { env: { SKERRY_TRANSPORT: transport } }).ended).stderr;
  assert.match(await told('rings', 'stream'), /SKERRY_UNSUPPORTED/);
  assert.match(await told('rings', 'stream'), /there are no rings here \(SKERRY_TRANSPORT=stream\)/);
  assert.match(await told('idle', 'rings'), /SKERRY_TRANSPORT is "rings"; valid are ring and stream/);
});
