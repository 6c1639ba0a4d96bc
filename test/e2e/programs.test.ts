// createProcess(), with real programs: what they are given, what comes back, each limit, whose they are, and that nothing of them is left.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, type TestContext, test } from 'node:test';
import { boot, isSkerryError, type OperatingSystem, type Program, type Remote } from '../../src/index.ts';
import { LinkClients } from '../../src/link/clients.ts';
import { loadNative } from '../../src/memory/load-native.ts';
import { findPrebuilt } from '../../src/memory/prebuilt.ts';
import { remoteFacade } from '../../src/rpc/proxy.ts';
import { type Connector, RemoteServer } from '../../src/rpc/remote-server.ts';
import type { ProcessServerApi } from '../../src/servers/process/process-api.ts';
import { descendants, isAlive, openDescriptors, until } from '../fault/processes.ts';
import programs from '../fixtures/e2e/programs.system.ts';
import { fixture, gone, nothingIsLeft, start } from './world.ts';

const TIMEOUT = { timeout: 30_000 };
const missing = loadNative().reason ?? findPrebuilt('launcher').reason;
const options = { timeout: 120_000, skip: missing ?? false };
type Sys = OperatingSystem<typeof programs.servers, typeof programs.programs>;

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The first lines of a stream that goes on. */
async function lines(stream: AsyncIterable<Uint8Array>, count: number): Promise<string[]> {
  let read = '';
  const iterator = stream[Symbol.asyncIterator]();
  while (read.split('\n').length <= count) {
    const { value, done } = await iterator.next();
    assert.ok(done !== true, `it ended after ${JSON.stringify(read)}`);
    read += Buffer.from(value).toString();
  }
  return read.trim().split('\n');
}

const refused =
  (code: Parameters<typeof isSkerryError>[1], pattern = /./) =>
  (error: unknown) =>
    isSkerryError(error, code) && pattern.test(error.message);

describe('createProcess()', options, () => {
  let sys: Sys;
  before(async () => {
    sys = await boot(programs);
  });
  after(async () => {
    await sys.stop();
    await nothingIsLeft();
  });

  const sh = (script: string, how?: Parameters<Sys['createProcess']>[3]) => sys.createProcess('foo', 'sh', [script], how);
  const processServer = async () => (await sys.processes.list()).find(({ name }) => name === 'process')?.pid ?? 0;
  /** Nothing runs, and what users have left unread is forgotten. */
  const quiet = async () => {
    for (const user of ['foo', 'bar']) sys.as(user).close();
    await until('no program is held', async () => (await sys.processes.programs()).length === 0, 10_000);
  };

  test('runs a program for a user: stdin, stdout, stderr, exit', TIMEOUT, async () => {
    const sort = await sys.createProcess('foo', 'sort', ['-n'], { stdin: '10\n9\n8\n' });
    assert.deepEqual([sort.program, sort.user, sort.state], ['sort', 'foo', 'running']);
    assert.ok(sort.pid > 1);
    assert.equal(await text(sort.stdout), '8\n9\n10\n');
    assert.equal(await text(sort.stderr), '');
    const { code, signal, reason, peakMemoryBytes } = await sort.exit;
    assert.deepEqual([code, signal, reason], [0, null, 'exit']);
    assert.ok(peakMemoryBytes > 100_000);
    assert.equal(sort.state, 'ended');
    const both = await sh('echo out; echo err >&2; exit 3');
    assert.deepEqual([await text(both.stdout), await text(both.stderr), (await both.exit).code], ['out\n', 'err\n', 3]);
  });

  test('a program without stdin reads nothing; bytes pass as they are, also many of them', TIMEOUT, async () => {
    assert.equal(await text((await sys.createProcess('foo', 'cat')).stdout), '');
    const bytes = Uint8Array.from({ length: 900_000 }, (_, index) => (index * 7919) % 256);
    const cat = await sys.createProcess('foo', 'cat', [], { stdin: bytes });
    const chunks: Uint8Array[] = [];
    for await (const chunk of cat.stdout) chunks.push(chunk);
    assert.ok(Buffer.concat(chunks).equals(bytes));
  });

  test('nothing is inherited but what the system says: no environment, no descriptor, its own session', TIMEOUT, async () => {
    const shown = await text((await sh('env | grep -v -e ^PWD= -e ^_=; ls /proc/self/fd; pwd')).stdout);
    assert.equal(shown, 'GREETING=hello\n0\n1\n2\n3\n/\n'); // 3 is the folder that ls reads
    const running = await sh('sleep 30');
    const [, , , , , session] = readFileSync(`/proc/${running.pid}/stat`, 'latin1').split(' ');
    assert.equal(Number(session), running.pid);
    await running.kill();
    await running.exit;
  });

  test('each limit ends it, and is named', TIMEOUT, async () => {
    const reasonOf = async (running: Promise<Program>) => (await (await running).exit).reason;
    assert.equal(await reasonOf(sys.createProcess('foo', 'sleep', ['60'], { limits: { timeMs: 100 } })), 'time limit');
    assert.equal(await reasonOf(sh('while :; do :; done', { limits: { cpuSeconds: 1 } })), 'cpu limit');
    assert.equal(await reasonOf(sys.createProcess('foo', 'perl', ['$x = "a" x 50e6; sleep 60'])), 'memory limit');
    // What forks without end has one here: should nobody end it, there is still room for what runs beside this test.
    const bomb = 'f() { [ $1 = 0 ] && exec sleep 60; f $(($1 - 1)) | f $(($1 - 1)) & }; f 10; sleep 60';
    assert.equal(await reasonOf(sh(bomb)), 'process limit');
  });

  test('the limit of output: what is within it is delivered, then the program ends', TIMEOUT, async () => {
    const endless = await sh('trap "" PIPE; while :; do echo 0123456789; done', { limits: { outputBytes: 100_000 } });
    assert.equal((await text(endless.stdout)).length, 100_000);
    assert.equal((await endless.exit).reason, 'output limit');
    const within = await sh('head -c 100000 /dev/zero', { limits: { outputBytes: 100_000 } });
    assert.equal((await text(within.stdout)).length, 100_000);
    assert.equal((await within.exit).reason, 'exit');
  });

  test('a program whose output nobody reads waits; it goes on when somebody does', TIMEOUT, async () => {
    const running = await sh('head -c 900000 /dev/zero; echo done >&2');
    const errors = running.stderr[Symbol.asyncIterator]();
    let isDone = false;
    const done = errors.next().then(() => {
      isDone = true;
    });
    // Were it not to wait, it would be done in milliseconds: it sleeps in the write of its pipe.
    await until('it waits', () => /pipe_write|anon_pipe_write/.test(wchan(running.pid)), 10_000);
    assert.equal(isDone, false);
    assert.equal((await text(running.stdout)).length, 900_000);
    await done;
    assert.equal((await running.exit).code, 0);
  });

  test('a reader that leaves closes the pipe, as a shell does', TIMEOUT, async () => {
    const running = await sys.createProcess('foo', 'sh', ['exec yes']);
    for await (const chunk of running.stdout) {
      assert.ok(chunk.length > 0);
      break;
    }
    const { signal, reason } = await running.exit;
    assert.deepEqual([signal, reason], ['SIGPIPE', 'signal']);
    await assert.rejects(text(running.stdout), refused('SKERRY_INVALID', /can be read once/));
  });

  test('output can be read after the end', TIMEOUT, async () => {
    const running = await sh('echo later; echo and >&2');
    await running.exit;
    assert.equal(await text(running.stderr), 'and\n');
    assert.equal(await text(running.stdout), 'later\n');
  });

  test('kill() signals the program, SIGKILL all that it has started', TIMEOUT, async () => {
    const asked = await sh('trap "echo heard; exit 5" USR1; echo on; while :; do sleep 0.01; done');
    const out = asked.stdout[Symbol.asyncIterator]();
    await out.next();
    await asked.kill('SIGUSR1');
    assert.equal(Buffer.from((await out.next()).value).toString(), 'heard\n');
    assert.deepEqual([(await asked.exit).code, (await asked.exit).reason], [5, 'exit']);
    await asked.kill(); // it has ended: nothing happens
    const deaf = await sh('trap "" TERM; setsid -f sh -c "echo \\$\\$; exec sleep 60"; sleep 60');
    const [away] = (await lines(deaf.stdout, 1)).map(Number) as [number];
    assert.ok(isAlive(away));
    await deaf.kill('SIGKILL');
    const { signal, reason } = await deaf.exit;
    assert.deepEqual([signal, reason], ['SIGKILL', 'killed']);
    await gone([away, deaf.pid]);
    await assert.rejects((await sh('sleep 1')).kill('SIGNONSENSE' as NodeJS.Signals), refused('SKERRY_INVALID', /SIGTERM/));
  });

  test('an aborted signal ends it; one that was aborted before starts nothing', TIMEOUT, async () => {
    const controller = new AbortController();
    const running = await sys.createProcess('foo', 'sleep', ['60'], { signal: controller.signal });
    controller.abort();
    assert.equal((await running.exit).reason, 'aborted');
    await assert.rejects(sys.createProcess('foo', 'sleep', ['60'], { signal: controller.signal }), refused('SKERRY_ABORTED'));
    const early = new AbortController();
    const starting = sys.createProcess('foo', 'sleep', ['60'], { signal: early.signal });
    early.abort();
    await starting.then(
      async (started) => assert.equal((await started.exit).reason, 'aborted'),
      (error) => assert.ok(isSkerryError(error, 'SKERRY_ABORTED')),
    );
    await quiet();
  });

  test('many programs may share a signal', TIMEOUT, async (t) => {
    const warnings: string[] = [];
    const note = ({ name }: Error) => warnings.push(name);
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    const controller = new AbortController();
    const run = () => sys.createProcess('foo', 'sh', ['exec sleep 60'], { signal: controller.signal });
    const all = await Promise.all(Array.from({ length: 12 }, run));
    controller.abort();
    for (const { exit } of all) assert.equal((await exit).reason, 'aborted');
    assert.deepEqual(warnings, []);
    await quiet();
  });

  test('only who is listed may run a program; an operator may run all; what one may not run is not named', TIMEOUT, async () => {
    await assert.rejects(sys.createProcess('bar', 'mine', ['x']), refused('SKERRY_DENIED', /bar may not run program "mine"/));
    await assert.rejects(sys.as('foo').createProcess('secret'), refused('SKERRY_DENIED'));
    assert.equal(await text((await sys.createProcess('operator', 'secret', ['told'])).stdout), 'told\n');
    assert.equal(await text((await sys.as('anybody').createProcess('cat', ['/proc/self/comm'])).stdout), 'cat\n');
    for (const name of ['nothing', '/bin/sh', '', 'toString', '__proto__', '../sort']) {
      await assert.rejects(sys.createProcess('bar', name as 'sort'), (error) => {
        assert.ok(refused('SKERRY_NOT_FOUND', /this system has no program/)(error), name);
        assert.ok(!/secret|mine|perl/.test((error as Error).message));
        return true;
      });
    }
    await assert.rejects(sys.createProcess('operator2!' as string, 'sort'), refused('SKERRY_INVALID', /name of a user/));
  });

  test('arguments are what the system accepts, and never a shell’s', TIMEOUT, async () => {
    const echoed = async (args: readonly string[]) => text((await sys.createProcess('operator', 'secret', args)).stdout);
    const hostile = ['$(id)', '; id', '`id`', '-n', '--', '', ' a  b ', '日本', '\n', '-e\\x41', '*'];
    assert.equal(await echoed(['x', ...hostile]), `x ${hostile.join(' ')}\n`);
    const wrong = async (args: unknown, code: 'SKERRY_INVALID' | 'SKERRY_LIMIT', pattern: RegExp) =>
      assert.rejects(sys.createProcess('foo', 'sort', args as string[]), refused(code, pattern), String(pattern));
    await wrong(['a\0b'], 'SKERRY_INVALID', /args\[0\] must be a string of whole characters without NUL/);
    await wrong(['\ud800'], 'SKERRY_INVALID', /whole characters/);
    await wrong(['a', 5], 'SKERRY_INVALID', /array of strings; it is \["a", 5\]/);
    await wrong('-n', 'SKERRY_INVALID', /array of strings/);
    await wrong(null, 'SKERRY_INVALID', /array of strings/);
    await wrong({ length: 1, 0: 'a' }, 'SKERRY_INVALID', /array of strings/);
    await wrong(Array(257).fill('a'), 'SKERRY_LIMIT', /257 arguments/);
    await wrong(['a'.repeat(20_000)], 'SKERRY_LIMIT', /20000 bytes/);
    assert.ok(
      (await echoed(['\u0001'.repeat(12_000)])).length > 12_000,
      'as much as may be fits, also where each character grows',
    );
    assert.equal(await text((await sys.createProcess('foo', 'number', ['12', '7'])).stdout), '12 7\n');
    for (const argument of ['a', '', '12\n', '1 2', '7x'])
      await assert.rejects(
        sys.createProcess('foo', 'number', [argument]),
        refused('SKERRY_INVALID', /does not accept/),
        argument,
      );
    assert.equal(await text((await sys.createProcess('foo', 'plain')).stdout), 'just this\n');
    await assert.rejects(sys.createProcess('foo', 'plain', ['more']), refused('SKERRY_INVALID', /takes no arguments/));
  });

  test('options are checked: limits can only be narrower', TIMEOUT, async () => {
    const wrong = (given: unknown, pattern: RegExp) =>
      assert.rejects(sys.createProcess('foo', 'sort', [], given as object), refused('SKERRY_INVALID', pattern), String(pattern));
    await wrong({ limits: { timeMs: 20_000 } }, /limits\.timeMs may be at most 15000, as the system says; it is 20000/);
    await wrong({ limits: { timeMs: 0 } }, /limits\.timeMs must be an integer from 1/);
    await wrong({ limits: { memoryMb: Number.NaN } }, /limits\.memoryMb/);
    await wrong({ limits: { timeout: 5 } }, /no option "limits\.timeout"; it has: limits\.timeMs/);
    await wrong({ limits: 5 }, /limits must be an object/);
    await wrong({ stdin: 5 }, /stdin must be a string or a Uint8Array/);
    await wrong({ sdtin: '' }, /no option "sdtin"/);
    await wrong({ signal: 5 }, /signal must be an AbortSignal/);
    await assert.rejects(
      sys.createProcess('foo', 'sort', [], { stdin: new Uint8Array(9_000_000) }),
      refused('SKERRY_LIMIT', /9000000 bytes of stdin/),
    );
  });

  test('what cannot be started says why', TIMEOUT, async () => {
    await assert.rejects(
      sys.createProcess('foo', 'missing'),
      refused('SKERRY_INIT', /"missing" could not be started: exec failed: ENOENT/),
    );
    await assert.rejects(sys.createProcess('foo', 'lost'), refused('SKERRY_INIT', /chdir failed: ENOENT/));
  });

  test('no more of a program run at once than its entry says', TIMEOUT, async () => {
    await quiet();
    const two = await Promise.all(['60', '60'].map((arg) => sys.createProcess('foo', 'sleep', [arg])));
    await assert.rejects(sys.createProcess('bar', 'sleep', ['60']), refused('SKERRY_BUSY', /2 of "sleep" run already/));
    await Promise.all(two.map((one) => one.kill()));
    await Promise.all(two.map((one) => one.exit));
    const next = await sys.createProcess('bar', 'sleep', ['0']);
    assert.equal((await next.exit).code, 0);
  });

  test('a program is its user’s: others neither see it nor read, nor end it; an operator may', TIMEOUT, async (t) => {
    await quiet();
    const connectors = caught(t);
    const bar = sys.as('hostile');
    const asBar = remoteFacade(new RemoteServer('process', connectors[0] as Connector)) as Remote<ProcessServerApi>;
    const running = await sys.createProcess('foo', 'sleep', ['60']);
    const [status] = await sys.processes.programs();
    assert.ok(status);
    assert.deepEqual([status.pid, status.program, status.user, status.state], [running.pid, 'sleep', 'foo', 'running']);
    assert.deepEqual(await sys.as('foo').programs(), [status]);
    assert.deepEqual(await bar.programs(), []);
    assert.deepEqual(await asBar.programs(), []);
    await assert.rejects(asBar.signalProgram(status.id, 'SIGKILL'), refused('SKERRY_NOT_FOUND'));
    await assert.rejects(text(asBar.readProgram(status.id, 'stdout')), refused('SKERRY_NOT_FOUND'));
    await assert.rejects(asBar.runProgram('sleep', ['1']).next(), refused('SKERRY_DENIED', /hostile may not run/));
    for (const call of [asBar.list(), asBar.kill('idle'), asBar.boot('idle'), asBar.watch().next()])
      await assert.rejects(call, refused('SKERRY_DENIED', /hostile may not call/));
    assert.ok(isAlive(running.pid));
    await sys.processes.signalProgram(status.id, 'SIGKILL');
    assert.equal((await running.exit).reason, 'killed');
    await until('it is forgotten: it has written nothing', async () => (await sys.processes.programs()).length === 0);
  });

  test('a closed view ends its programs, with all that they have started', TIMEOUT, async () => {
    const view = sys.as('bar');
    const running = await view.createProcess('sh', ['trap "" TERM; setsid -f sh -c "echo \\$\\$; exec sleep 60"; sleep 60']);
    const [away] = (await lines(running.stdout, 1)).map(Number) as [number];
    view.close();
    await assert.rejects(running.exit, refused('SKERRY_SERVER_DOWN'));
    await gone([running.pid, away], 5_000);
    await quiet();
  });

  test(
    'what nobody reads is kept for the last 32 programs of a user, and a reader of an older one is told',
    TIMEOUT,
    async () => {
      await quiet();
      const kept: Program[] = [];
      for (let n = 0; n < 35; n++) {
        kept.push(await sys.createProcess('bar', 'number', [String(n)]));
        await kept[n]?.exit;
      }
      assert.equal((await sys.as('bar').programs()).length, 32);
      await assert.rejects(text((kept[2] as Program).stdout), refused('SKERRY_NOT_FOUND'));
      assert.equal(await text((kept[2] as Program).stderr), '', 'where there was nothing there is nothing');
      assert.equal(await text((kept[3] as Program).stdout), '3\n');
      assert.equal(await text((kept[34] as Program).stdout), '34\n');
      await quiet();
    },
  );

  test('hundreds of programs leave no descriptor and no run behind, whatever becomes of their output', TIMEOUT, async () => {
    const pid = await processServer();
    const [kernel] = (await sys.processes.list()).map((one) => one.pid) as [number];
    const open = () => (process.getuid?.() === 0 ? openDescriptors(pid) + openDescriptors(kernel) : 0); // else they may not be counted
    const kept: Program[] = [];
    const round = async () => {
      const [read, unread, failed] = await Promise.allSettled([
        sys.createProcess('foo', 'sort', [], { stdin: 'b\na\n' }),
        sys.createProcess('foo', 'number', ['5'], { stdin: 'x'.repeat(200_000) }),
        sys.createProcess('foo', 'missing'),
      ]);
      assert.equal(failed.status, 'rejected');
      assert.ok(read.status === 'fulfilled' && unread.status === 'fulfilled');
      assert.deepEqual([await text(read.value.stdout), await text(read.value.stderr)], ['a\nb\n', '']);
      await Promise.all([read.value.exit, unread.value.exit]); // the end of its output comes before its exit
      kept.push(unread.value);
    };
    await round(); // what the first ones open stays
    await quiet();
    const before = open();
    for (let n = 0; n < 25; n++) await round();
    assert.equal((await sys.processes.programs()).length, 25);
    await quiet();
    await until(`no more than ${before} descriptors are open`, () => open() <= before, 10_000);
    assert.deepEqual(await sys.processes.programs(), []);
    assert.equal(kept.length, 26);
  });
});

describe('who dies with whom', options, () => {
  for (const victim of ['caller', 'kernel', 'process server'] as const) {
    test(
      `a killed ${victim}: nothing of its programs is left, whatever they ignore and wherever they went`,
      TIMEOUT,
      async (t) => {
        const program = start(t, [fixture('programs.system.js'), 'hold']);
        await until('the program runs', () => program.stdout().includes('\n'), 15_000);
        const pids = program.stdout().trim().split(' ').map(Number);
        assert.equal(pids.length, 5, program.stdout());
        const kernel = pids[4] as number;
        assert.ok(pids.every(isAlive));
        const server = descendants(kernel).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('skerry process'));
        const pid = victim === 'caller' ? program.pid : victim === 'kernel' ? kernel : server;
        process.kill(pid as number, 'SIGKILL');
        await gone(victim === 'process server' ? pids.slice(0, 4) : pids, 3_000);
      },
    );
  }

  test('stop() ends what runs, politely first', TIMEOUT, async () => {
    const sys = await boot(programs);
    const polite = await sys.createProcess('foo', 'sh', ['trap "echo bye; exit 0" TERM; echo on; while :; do sleep 0.01; done']);
    const out = polite.stdout[Symbol.asyncIterator]();
    await out.next();
    const deaf = await sys.createProcess('foo', 'sh', ['trap "" TERM; echo on; while :; do sleep 1; done']);
    await lines(deaf.stdout, 1);
    const exits = [polite.exit, deaf.exit];
    await sys.stop();
    assert.deepEqual(
      (await Promise.all(exits)).map(({ code, signal }) => [code, signal]),
      [
        [0, null],
        [null, 'SIGKILL'],
      ],
    );
    await nothingIsLeft();
  });
});

test('over streams it is refused, with the reason', TIMEOUT, async () => {
  const sys = await boot(programs, { transport: 'stream' });
  await assert.rejects(sys.createProcess('foo', 'sort'), refused('SKERRY_UNSUPPORTED', /SKERRY_TRANSPORT=stream/));
  await assert.rejects(sys.createProcess('bar', 'mine'), refused('SKERRY_DENIED'));
  await sys.stop();
});

/** What a process waits in, as the kernel calls it; of all processes of a group. */
function wchan(pid: number): string {
  return [pid, ...descendants(pid)]
    .map((one) => {
      try {
        return readFileSync(`/proc/${one}/wchan`, 'utf8');
      } catch {
        return '';
      }
    })
    .join(' ');
}

/** The connectors of users' views, as a hostile caller could take them. */
function caught(t: TestContext): Connector[] {
  const connectors: Connector[] = [];
  const own = LinkClients.prototype.as;
  t.mock.method(LinkClients.prototype, 'as', function (this: LinkClients, user: string) {
    const connector = own.call(this, user);
    connectors.push(connector);
    return connector;
  });
  return connectors;
}
