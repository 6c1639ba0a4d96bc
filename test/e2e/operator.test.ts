// The command `skerry` against systems that run: what a person or a program types, and what comes of it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { LogLine, ProcessUsage } from '../../src/servers/process/process-api.ts';
import { until, zombies } from '../fault/processes.ts';
import { type Ended, fixture, type Program, root, start, TRANSPORTS, type Transport } from './world.ts';

/** Of util-linux: gives a program a terminal. */
const SCRIPT = '/usr/bin/script';
const CLI = join(root, 'lib/cli/main.js');
const TIMEOUT = { timeout: 60_000 };

/** A system that runs, seen by the command alone: with a folder for sockets that is its own. */
interface Site {
  readonly runtime: string;
  readonly program: Program;
  skerry(...args: string[]): Promise<Ended>;
  /** It has to go well. @returns what it printed. */
  told(...args: string[]): Promise<string>;
  begin(...args: string[]): Program;
}

async function site(t: TestContext, transport: Transport = 'ring', more: readonly string[] = []): Promise<Site> {
  const runtime = mkdtempSync(join(tmpdir(), 'skerry-operator-'));
  t.after(() => rmSync(runtime, { recursive: true, force: true }));
  const env = { XDG_RUNTIME_DIR: runtime, SKERRY_SYSTEM: '' };
  const program = start(t, [CLI, 'run', fixture('talk.system.js'), '--transport', transport, ...more], { env });
  const isUp = () => program.stdout().includes('up; Ctrl-C stops it');
  await until('it is up', () => isUp() || program.child.exitCode !== null, 20_000);
  assert.ok(isUp(), program.stderr());
  const begin = (...args: string[]) => start(t, [CLI, ...args], { env });
  const skerry = (...args: string[]) => begin(...args).ended;
  const told = async (...args: string[]) => {
    const { code, stdout, stderr } = await skerry(...args);
    assert.equal(code, 0, `skerry ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  return { runtime, program, begin, skerry, told };
}

function objects<T>(text: string): T[] {
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

for (const transport of TRANSPORTS) {
  test(`ps lists every process, for people and for programs: ${transport}`, TIMEOUT, async (t) => {
    const { told, program } = await site(t, transport);
    const lines = (await told('ps')).trim().split('\n');
    assert.match(
      lines[0] as string,
      /^NAME +ENDPOINT +TIER +PRINCIPAL +PID +STATE +UPTIME +RESTARTS +CALLS\/S +QUEUE +P99 +CPU % +MEMORY$/,
    );
    const names = ['kernel', 'process', 'talker.0', 'talker.1', 'single.0', 'watched.0'];
    assert.deepEqual(
      lines.slice(1).map((line) => line.split(' ')[0]),
      names,
    );
    const all = objects<ProcessUsage & { system: string }>(await told('ps', '--json'));
    assert.equal(all.length, names.length);
    assert.match(all[0]?.system ?? '', /^talk~\d+$/);
    for (const { pid, memoryBytes = 0, tier, cpuPercent = -1 } of all) {
      const rssAnon = Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
      assert.ok(Math.abs(memoryBytes - rssAnon) < 8 * 1024 * 1024, `${memoryBytes} ${rssAnon}`);
      assert.ok(tier === 'process' && cpuPercent >= 0);
    }
    const single = all.find(({ name }) => name === 'single');
    assert.deepEqual([single?.principal, single?.restarts, single?.endpoint], ['server:single', 0, '0.4.1']);
    assert.equal(single?.state, transport === 'ring' ? 'sleeping' : 'running', 'over streams nobody sees whether it waits');
    assert.equal(program.child.exitCode, null);
  });

  test(`call takes JSON and prints JSON, one line for each item of a stream: ${transport}`, TIMEOUT, async (t) => {
    const { told, skerry } = await site(t, transport);
    assert.equal(await told('call', 'single', 'later', '1', '{"a":[1,null,"x"]}'), '{"a":[1,null,"x"]}\n');
    assert.equal(await told('call', 'talker', 'later', '1', 'plain text'), '"plain text"\n');
    assert.equal(await told('call', 'single', 'upTo', '3'), '0\n1\n2\n');
    assert.equal(await told('call', 'single', 'say', 'x'), 'null\n');
    assert.equal(
      await told('call', 'single', 'values'),
      '{"big":"18446744073709551616","map":[["a",1]],"set":[1],"bytes":[1,2]}\n',
    );
    assert.equal(await told('call', 'single', 'who'), '"operator"\n');
    assert.equal(await told('call', '--as', 'foo', 'single', 'who'), '"foo"\n');
    for (const [args, code, pattern] of [
      [['single', 'fail'], 1, /^skerry: TypeError: as asked\n +at .*talker\.server\.js:\d+/],
      [['single', 'nope'], 1, /single has no method "nope"; it has: .*SKERRY_NOT_FOUND/],
      [['nobody', 'nope'], 1, /no server "nobody" in this system; it has: talker, single, watched \(SKERRY_NOT_FOUND\)/],
      [['single', 'later', '5000', '1', '--timeout', '50'], 1, /did not answer within 50 ms \(SKERRY_TIMEOUT\)/],
      [['single', 'later', '{x'], 2, /the argument \{x is no JSON/],
      [['single', 'later', '--timeout', 'soon'], 2, /--timeout takes a whole number/],
      [['single'], 2, /call takes 2 to 64 arguments; it was given 1/],
      [['--as', '../x', 'single', 'who'], 1, /as\?: 'user'/],
      [['-s', 'other', 'single', 'who'], 1, /no system "other" runs here; there are: talk~\d+/],
    ] as const) {
      const ended = await skerry('call', ...args);
      assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`);
      assert.match(ended.stderr, pattern);
    }
  });

  test(`kill, boot and restart do what they say: ${transport}`, TIMEOUT, async (t) => {
    const { told, skerry } = await site(t, transport);
    const pidOf = async (name = 'single') => Number(await told('call', name, 'pid'));
    const first = await pidOf();
    assert.match(await told('kill', 'single'), /was killed, and is started again/);
    const second = await pidOf();
    assert.notEqual(second, first);
    assert.match(await told('restart', 'single'), /single runs/);
    assert.notEqual(await pidOf(), second);
    assert.match(await told('kill', '--down', 'single'), /single is down/);
    const refused = await skerry('call', 'single', 'pid');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /down until an operator starts it again: stopped by an operator/);
    assert.match(await told('status', 'single'), /state +zombie, since .*\n +process +none\n[\s\S]*last end/);
    assert.match(await told('boot', 'single'), /single runs/);
    assert.ok((await pidOf()) > 0);
    for (const order of ['kill', 'boot', 'restart', 'status', 'inspect']) {
      const { code, stderr } = await skerry(order, 'nobody');
      assert.deepEqual([code, /there is no server "nobody"/.test(stderr)], [1, true], `${order}: ${stderr}`);
    }
    const { code, stderr } = await skerry('inspect', 'talker');
    assert.deepEqual([code, /which one\? talker\.0, talker\.1/.test(stderr)], [1, true], stderr);
  });

  test(`stop ends the whole system: ${transport}`, TIMEOUT, async (t) => {
    const { told, skerry, program, runtime } = await site(t, transport);
    assert.match(await told('stop'), /^talk~\d+ has stopped\n$/);
    const { code, stderr } = await program.ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(readdirSync(join(runtime, 'skerry')), []);
    const ended = await skerry('stop');
    assert.deepEqual([ended.code, /no system runs here/.test(ended.stderr)], [1, true]);
  });
}

test(
  'what a server says reaches the terminal of the system, logs and status, also the last words before a segfault',
  TIMEOUT,
  async (t) => {
    const { told, skerry, program } = await site(t);
    await told('call', 'single', 'say', 'hello');
    await until('it is shown', () => program.stderr().includes('err hello'));
    assert.match(program.stderr(), /^\d\d:\d\d:\d\d\.\d{3} \[single\] hello \{ n: 5 \}$/m);
    assert.match(program.stdout(), /^out hello$/m);
    const lines = objects<LogLine & { time: string }>(await told('logs', '--json', 'single'));
    const [log] = lines.filter(({ stream }) => stream === 'log');
    assert.deepEqual(
      [log?.name, log?.level, log?.message, log?.data, log?.text],
      ['single', 'info', 'hello', { n: 5 }, 'hello { n: 5 }'],
    );
    assert.deepEqual(lines.map(({ stream, text }) => `${stream} ${text}`).sort(), [
      'log hello { n: 5 }',
      'stderr err hello',
      'stdout out hello',
    ]);
    assert.equal((await skerry('call', 'single', 'lastWords', '500')).code, 1);
    const shown = (await told('logs', '-n', '500', 'single')).trim().split('\n');
    assert.equal(shown.length, 500);
    assert.match(shown.at(-1) as string, /^single\.0 +\| \d\d:\d\d:\d\d\.\d{3} \(stderr\) last 499$/);
    const status = await told('status', 'single');
    assert.match(status, /last end +[\d:]+, after [\d.]+ m?s: SIGSEGV\n[\s\S]*last 499/);
    assert.match(status, /restarts +1\n/);
  },
);

test('logs -f shows what comes, of all servers or of one, until Ctrl-C', TIMEOUT, async (t) => {
  const { told, begin } = await site(t);
  const [all, one] = [begin('logs', '-f'), begin('logs', '-f', '-n', '0', 'talker.1')];
  await told('call', 'single', 'say', 'begin');
  await until('one line has come', () => all.stdout().includes('out begin'));
  for (let i = 0; !one.stdout().includes('out to talker'); i++) {
    assert.ok(i < 50);
    await told('call', 'talker', 'say', `to talker ${i}`);
  }
  assert.doesNotMatch(one.stdout(), /begin|talker\.0/);
  for (const program of [all, one]) {
    program.child.kill('SIGINT');
    assert.equal((await program.ended).code, 130);
  }
});

test('a server that floods its log waits for nobody, and loses lines, not its life', TIMEOUT, async (t) => {
  const { told } = await site(t);
  assert.equal(await told('call', 'single', 'flood', '64'), '64\n');
  const read = async () => objects<LogLine>(await told('logs', '--json', '-n', '10000', 'single')).length;
  await until('some lines have been read', async () => (await read()) > 0, 10_000);
  assert.ok((await read()) < 64 * 16, `${await read()}`);
  await told('call', 'single', 'say', 'after');
  assert.match(await told('logs', 'single'), /log lines before this one were dropped|out after/);
});

test(
  'a loop without end is ended after its heartbeat, also in a callback of Node; one without heartbeat is left',
  TIMEOUT,
  async (t) => {
    const { told, skerry } = await site(t);
    for (const [method, ...args] of [['loop', '60000'], ['loopInSocket']] as const) {
      const { code, stderr } = await skerry('call', 'watched', method, ...args);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /died \(hung: its event loop has made no turn for \d+ ms \(limits\.heartbeatMs: 300; see ctx\.longTask\)\).*SKERRY_SERVER_DIED/,
      );
    }
    assert.match(await told('status', 'watched'), /restarts +2\n/);
    assert.equal(await told('call', 'watched', 'later', '1500', '1'), '1\n', 'one that waits is no hang');
    assert.equal(await told('call', 'single', 'loop', '1500'), 'null\n');
    assert.equal(await told('call', 'watched', 'longTask', '1500'), 'null\n', 'one that was announced is none');
    assert.match(await told('status', 'watched'), /restarts +2\n/);
  },
);

test('what is not kept over streams is said to be so', TIMEOUT, async (t) => {
  const { told, skerry } = await site(t, 'stream');
  assert.match(await told('status', 'single'), /what it says is not kept over streams/);
  for (const command of ['logs', 'trace']) {
    const { code, stderr } = await skerry(command, 'single');
    assert.equal(code, 1);
    assert.match(stderr, /stream.*SKERRY_UNSUPPORTED/);
  }
});

test('counters of a server that hangs can be read', TIMEOUT, async (t) => {
  const { told, begin } = await site(t);
  const call = begin('call', 'single', 'loop', '4000');
  const seen = async () => objects<ProcessUsage>(await told('ps', '--json')).find(({ name }) => name === 'single');
  await until('it runs', async () => (await seen())?.running === 1);
  const hung = await seen();
  assert.deepEqual([hung?.state, hung?.started], ['running', 1]);
  assert.equal((await call.ended).code, 0);
  assert.ok(((await seen())?.p99Ms ?? 0) >= 4000);
});

test('inspect opens the debugger, also of a loop; meanwhile no deadline runs and no heartbeat is missed', TIMEOUT, async (t) => {
  const { told, begin, skerry } = await site(t);
  const url = (await told('inspect', 'watched')).split('\n')[0] as string;
  assert.match(url, /^ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+$/);
  const list = (await (await fetch(`http://${new URL(url).host}/json/list`)).json()) as { webSocketDebuggerUrl: string }[];
  assert.equal(list[0]?.webSocketDebuggerUrl, url);
  assert.match(await told('ps'), /watched\.0 .*\(debugger\)/);
  assert.equal(await told('call', '--timeout', '100', 'watched', 'loop', '1200'), 'null\n', 'neither deadline nor heartbeat');
  assert.match(await told('inspect', '--off', 'watched'), /closed/);
  await assert.rejects(fetch(`http://${new URL(url).host}/json/list`));
  assert.match((await skerry('call', '--timeout', '100', 'watched', 'later', '5000', '1')).stderr, /SKERRY_TIMEOUT/);
  const looping = begin('call', '--timeout', '4000', 'single', 'loop', '6000');
  await until('it runs', async () => /single\.0 .* running /.test(await told('ps')));
  assert.match(await told('inspect', 'single'), /^ws:/);
  assert.match(await told('ps'), /single\.0 .*\(debugger\)/);
  const waiting = begin('call', '--timeout', '300', 'single', 'later', '1', '5');
  assert.equal((await looping.ended).code, 0, 'its deadline did not run');
  assert.equal((await waiting.ended).code, 0, 'nor that of a call that was started after it');
  assert.match(await told('inspect', '--off', 'single'), /closed/);
  assert.doesNotMatch(await told('ps'), /single\.0 .*\(debugger\)/);
});

test(
  'systems have names; two of one name are told apart by pid; a socket that nobody listens on does not matter',
  TIMEOUT,
  async (t) => {
    const first = await site(t, 'ring', ['--name', 'alpha']);
    const folder = join(first.runtime, 'skerry');
    await new Promise<void>((resolve) => {
      const server = createServer().listen(join(folder, 'alpha~999999.sock'), () => {
        server.close(() => resolve());
      });
    });
    writeFileSync(join(folder, 'dead~999998.sock'), '');
    assert.match(await first.told('ps', '-s', 'alpha'), /single\.0/);
    const env = { XDG_RUNTIME_DIR: first.runtime };
    const second = start(t, [CLI, 'run', fixture('talk.system.js'), '--name', 'alpha'], { env });
    await until('it is up', () => second.stdout().includes('up; Ctrl-C stops it'), 20_000);
    const both = await first.skerry('status', 'single');
    assert.equal(both.code, 1);
    const [, one, other] = /which system\? (alpha~\d+), (alpha~\d+); say it with --system/.exec(both.stderr) ?? [];
    assert.ok(one !== undefined && other !== undefined, both.stderr);
    assert.match(await first.told('ps'), new RegExp(`${one}\\n[\\s\\S]*${other}\\n`));
    assert.match(await first.told('stop', '--system', other), new RegExp(`${other} has stopped`));
    assert.match(await first.told('status', 'single'), /single\.0/);
    second.child.kill('SIGKILL');
    assert.deepEqual(readdirSync(folder).length, 1, 'what nobody listens on is gone');
  },
);

test('a system that was killed leaves nothing that blocks the next', TIMEOUT, async (t) => {
  const { program, skerry, runtime } = await site(t);
  program.child.kill('SIGKILL');
  await program.ended;
  await until('it is gone', async () => (await skerry('ps')).stderr.includes('no system runs here'));
  const env = { XDG_RUNTIME_DIR: runtime };
  const next = start(t, [CLI, 'run', fixture('talk.system.js')], { env });
  await until('it is up', () => next.stdout().includes('up; Ctrl-C stops it'), 20_000);
  assert.equal((await skerry('status', 'single')).code, 0);
});

test('what runs in the system is no operator, whoever its parent is', TIMEOUT, async (t) => {
  const { told, runtime, program } = await site(t);
  const args = JSON.stringify([CLI, 'ps']);
  const child = JSON.parse(await told('call', 'single', 'runs', args, runtime, 'false')) as { code: number; stderr: string };
  assert.equal(child.code, 1);
  const refusal = /process \d+ is part of this system: what runs in it has no operator's rights/;
  assert.match(child.stderr, refusal);
  await told('call', 'single', 'runs', args, runtime, 'true');
  const orphan = join(runtime, 'orphan');
  await until('the orphan has tried', () => existsSync(orphan) && readFileSync(orphan, 'utf8').includes('\n'));
  assert.match(readFileSync(orphan, 'utf8'), refusal);
  await until('and is reaped', () => zombies(program.pid).length === 0);
});

test(
  'a folder that others may enter, or that is none, is not used: the system runs all the same, and says why',
  TIMEOUT,
  async (t) => {
    const runtime = mkdtempSync(join(tmpdir(), 'skerry-operator-'));
    t.after(() => rmSync(runtime, { recursive: true, force: true }));
    mkdirSync(join(runtime, 'skerry'));
    chmodSync(join(runtime, 'skerry'), 0o777);
    const program = start(t, [CLI, 'run', fixture('talk.system.js')], { env: { XDG_RUNTIME_DIR: runtime } });
    await until('it is up', () => program.stdout().includes('up; Ctrl-C stops it'), 20_000);
    assert.match(
      program.stderr(),
      /no operator's socket for system "talk": .* must be a folder of user \d+ that nobody else may enter/,
    );
    assert.deepEqual(readdirSync(join(runtime, 'skerry')), []);
  },
);

test('a runtime folder that does not exist, or cannot, is said too', TIMEOUT, async (t) => {
  for (const runtime of ['/nowhere/at/all', '/proc/1/nothing']) {
    const program = start(t, [CLI, 'run', fixture('talk.system.js')], { env: { XDG_RUNTIME_DIR: runtime } });
    await until('it is up', () => program.stdout().includes('up; Ctrl-C stops it'), 20_000);
    assert.match(program.stderr(), /no operator's socket for system "talk": ENOENT/);
  }
});

test('whatever is said on the socket, the system goes on, and tells what is wrong', TIMEOUT, async (t) => {
  const { told, runtime } = await site(t);
  const folder = join(runtime, 'skerry');
  const path = join(folder, readdirSync(folder)[0] as string);
  const say = (bytes: string | Buffer) =>
    new Promise<string>((resolve) => {
      let answer = '';
      const socket = connect(path, () => socket.write(bytes));
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
        if (answer.includes('"methods"')) socket.write(Buffer.alloc(4096, 0xff)); // greeted: nonsense where frames should be
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(answer));
    });
  const token = 'ab'.repeat(16);
  assert.match(await say('GET / HTTP/1.1\r\n\r\n'), /SKERRY_INVALID.*speaks with the command skerry/);
  assert.match(await say(`skerry 9 requests ${token}\n`), /SKERRY_VERSION/);
  assert.match(await say(`skerry 1 answers ${token}\n`), /no such conversation/);
  assert.match(await say(Buffer.alloc(100_000, 0x61)), /SKERRY_INVALID/);
  assert.match(await say(`skerry 1 requests ${token}\n`), /"methods"/);
  const silent = Array.from({ length: 40 }, () => connect(path).on('error', () => {}));
  t.after(() => {
    for (const socket of silent) socket.destroy();
  });
  await until(
    'those who say nothing are sent away',
    () => silent.filter(({ destroyed }) => destroyed).length === silent.length,
    10_000,
  );
  assert.match(await told('ps'), /single\.0/);
});

test('a negative number is an argument; a signal while the system is being loaded ends the command', TIMEOUT, async (t) => {
  const { told, runtime } = await site(t);
  assert.equal(await told('call', 'single', 'later', '1', '-74.5'), '-74.5\n');
  assert.equal(await told('call', '--timeout', '5000', 'single', 'later', '1', '-.5'), '"-.5"\n', 'no JSON');
  const slow = join(runtime, 'slow.mjs');
  writeFileSync(slow, "console.log('loading'); await new Promise((resolve) => setTimeout(resolve, 60_000));");
  const program = start(t, [CLI, 'run', slow], { env: { XDG_RUNTIME_DIR: runtime } });
  await until('it is being loaded', () => program.stdout().includes('loading'));
  program.child.kill('SIGTERM');
  assert.equal((await program.ended).code, 143);
});

test('Ctrl-C gives a call up, with its own exit code', TIMEOUT, async (t) => {
  const { begin, told } = await site(t);
  for (const args of [
    ['later', '60000', '1'],
    ['loop', '20'],
  ]) {
    const call = begin('call', 'single', ...args);
    await until(
      'it runs',
      async () => args[0] === 'loop' || JSON.parse((await told('ps', '--json')).split('\n')[4] as string).running > 0,
    );
    if (args[0] === 'loop') continue;
    call.child.kill('SIGINT');
    assert.equal((await call.ended).code, 130);
  }
});

test('logs -f, and what asks anew, go on when the process server has died', TIMEOUT, async (t) => {
  const { begin, told, program } = await site(t);
  const logs = begin('logs', '-f', 'single');
  await told('call', 'single', 'say', '"before"');
  await until('it is shown', () => logs.stdout().includes('before'));
  const processServer = JSON.parse((await told('ps', '--json')).split('\n')[1] as string) as ProcessUsage;
  assert.equal(processServer.name, 'process');
  process.kill(processServer.pid, 'SIGKILL');
  await until('there is another', async () => {
    const { pid } = JSON.parse((await told('ps', '--json')).split('\n')[1] as string) as ProcessUsage;
    return pid !== processServer.pid;
  });
  await until('its lines are shown', async () => {
    await told('call', 'single', 'say', '"after"');
    return logs.stdout().includes('after');
  });
  logs.child.kill('SIGINT');
  assert.equal((await logs.ended).code, 130);
  assert.equal(program.child.exitCode, null);
});

test('trace goes on when the process server has died; it and logs -f say when the system has ended', TIMEOUT, async (t) => {
  const { begin, told, program } = await site(t);
  const [trace, logs] = [begin('trace', 'single'), begin('logs', '-f', 'single')];
  await until('both show something', async () => {
    await told('call', 'single', 'say', '"before"');
    return trace.stdout().includes('say') && logs.stdout().includes('before');
  });
  const shown = trace.stdout().length;
  const processServer = JSON.parse((await told('ps', '--json')).split('\n')[1] as string) as ProcessUsage;
  assert.equal(processServer.name, 'process');
  process.kill(processServer.pid, 'SIGKILL');
  await until('the next one shows calls', async () => {
    await told('call', 'single', 'say', '"after"').catch(() => {}); // in between nobody answers
    return trace.stdout().length > shown;
  });
  program.child.kill('SIGINT');
  for (const one of [trace, logs]) {
    const { code, stderr } = await one.ended;
    assert.deepEqual([code, stderr], [1, 'skerry: the system has ended\n']);
  }
});

test('top goes on when the process server has died, takes a key, and says when the system has ended', {
  ...TIMEOUT,
  skip: existsSync(SCRIPT) ? false : `there is no ${SCRIPT}, which makes a terminal`,
}, async (t) => {
  const { told, runtime } = await site(t);
  const watch = () => {
    const env = { ...process.env, XDG_RUNTIME_DIR: runtime, SKERRY_SYSTEM: '' };
    const child = spawn(SCRIPT, ['-qfec', `'${process.execPath}' '${CLI}' top --every 100`, '/dev/null'], { env });
    t.after(() => child.kill('SIGKILL'));
    const screen = { text: '', child, code: once(child, 'exit').then(([code]) => code as number) };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen.text += text;
    });
    return screen;
  };
  const [first, second] = [watch(), watch()];
  const processServer = async () =>
    objects<ProcessUsage>(await told('ps', '--json')).find(({ name }) => name === 'process')?.pid as number;
  const show = (pid: number) => () => [first, second].every(({ text }) => new RegExp(`process +${pid} `).test(text));
  const pid = await processServer();
  await until('both show it', show(pid));
  process.kill(pid, 'SIGKILL');
  await until('both show the next', show(await processServer()));
  first.child.stdin.write('q');
  assert.equal(await first.code, 0);
  await told('stop');
  assert.equal(await second.code, 1);
  assert.match(second.text, /the system has ended/);
});

test('completion offers commands, options, servers and systems', TIMEOUT, async (t) => {
  const { told } = await site(t);
  const offered = async (...words: string[]) => (await told('completion', '--words', '--', ...words)).trim().split('\n');
  assert.deepEqual(await offered('sta'), ['status']);
  assert.deepEqual(await offered('status', 'tal'), ['talker', 'talker.0', 'talker.1']);
  assert.deepEqual(await offered('call', 'tal'), ['talker']);
  assert.deepEqual(await offered('call', '-s', 'talk', '--as', 'foo', 'si'), ['single']);
  assert.deepEqual(await offered('call', 'single', ''), ['']);
  assert.deepEqual(await offered('logs', '--fo'), ['--follow']);
  assert.deepEqual(await offered('ps', '-s', ''), ['talk']);
  assert.deepEqual(await offered('completion', 'b'), ['bash']);
  for (const shell of ['bash', 'zsh', 'fish']) assert.match(await told('completion', shell), /skerry completion --words/);
});
