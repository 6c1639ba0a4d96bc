// The launcher alone, with real programs: what a program inherits, what ends it, and that nothing of it is left.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findPrebuilt } from '../memory/prebuilt.ts';
import type { LaunchEnd, LaunchLimits } from '../protocol/program.ts';
import { launch } from './launcher.ts';

const found = findPrebuilt('launcher');
const launcher = found.file ?? '';
const options = { timeout: 20_000, skip: found.reason ?? false };
const NONE: LaunchLimits = {
  timeMs: 15_000,
  cpuSeconds: 0,
  memoryMb: 0,
  processes: 0,
  fileMb: 0,
  openFiles: 0,
  graceMs: 200,
};
const folder = mkdtempSync(join(tmpdir(), 'skerry-launcher-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly pid: number;
  readonly failed: string | undefined;
  readonly end: LaunchEnd | undefined;
  readonly output: string;
}

interface How {
  readonly limits?: Partial<LaunchLimits>;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly onStarted?: (pid: number, launched: ReturnType<typeof launch>) => void;
}

let files = 0;

/** Runs a program to its end. Its output goes to a file, so that nothing else is between it and the test. */
async function run(
  path: string,
  args: readonly string[] = [],
  { limits = {}, env = {}, cwd = '/', onStarted }: How = {},
): Promise<Outcome> {
  const file = join(folder, `output.${files++}`);
  const fd = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK);
  let pid = 0;
  const outcome = await new Promise<Omit<Outcome, 'output' | 'pid'>>((resolve) => {
    const launched = launch(
      { launcher, path, args, env, cwd, limits: { ...NONE, ...limits }, stdio: ['ignore', fd, fd] },
      {
        onStarted: (its) => {
          pid = its;
          onStarted?.(its, launched);
        },
        onFailed: (step, error) => resolve({ failed: `${step} ${error}`, end: undefined }),
        onEnded: (end) => resolve({ failed: undefined, end }),
      },
    );
  });
  closeSync(fd);
  return { pid, ...outcome, output: readFileSync(file, 'utf8') };
}

const sh = (script: string, how?: How) => run('/bin/sh', ['-c', script], how);

/** As in /proc/<pid>/stat; X: it is gone. */
function stateOf(pid: number): string {
  try {
    return /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? '';
  } catch {
    return 'X';
  }
}

const isRunning = (pid: number): boolean => !/[ZX]/.test(stateOf(pid));

/** Resolves when the process has ended; the test's timeout is the watchdog. */
async function gone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function text(file: string): Promise<string> {
  for (;;) {
    try {
      const read = readFileSync(file, 'utf8');
      if (read.endsWith('\n')) return read.trim();
    } catch {}
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('what a program inherits', options, () => {
  test('the environment is what was given, and nothing else', async (t) => {
    process.env.NODE_V8_COVERAGE ??= '';
    const before = process.env.NODE_V8_COVERAGE;
    process.env.NODE_V8_COVERAGE = folder;
    t.after(() => {
      process.env.NODE_V8_COVERAGE = before;
    });
    assert.equal((await run('/usr/bin/env', [], { env: { A: '1', B: 'two words' } })).output, 'A=1\nB=two words\n');
    assert.equal((await run('/usr/bin/env')).output, '');
  });

  test('no descriptor but 0, 1 and 2, no ignored or blocked signal, a mask for files of its own', async () => {
    // A shell stands between, that leaves descriptors open and signals ignored, as a careless parent would.
    const script = `exec 7</dev/null 8</dev/null; trap '' INT USR1 PIPE TERM; umask 0
      exec "$0" parent=$PPID -- /bin/sh -c 'ls /proc/self/fd; grep -E "^(SigIgn|SigBlk|NoNewPrivs)" /proc/self/status; umask'`;
    const child = spawn('/bin/sh', ['-c', script, launcher], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    (child.stdio[3] as Socket).on('data', (text) => {
      if (String(text).includes('ended')) child.stdio[3]?.destroy();
    });
    await once(child, 'close');
    // 3 is the folder that ls reads.
    assert.equal(output, '0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nNoNewPrivs:\t1\n0077\n');
  });

  test('it leads a session and a process group of its own, and its streams block', async () => {
    const { pid, output } = await sh('read line < /proc/self/stat; echo "$line"');
    const [, , , pgrp, session] = output
      .replace(/\(.*\)/, '')
      .split(/ +/)
      .map(Number);
    assert.deepEqual(
      [pgrp, session],
      [pid, pid].map(() => Number(output.split(' ')[0])),
    );
    assert.equal(pid, session);
    const { output: flags } = await sh('grep flags /proc/self/fdinfo/1');
    assert.equal(Number.parseInt(flags.split('\t')[1] ?? '', 8) & 0o4000, 0);
  });

  test('it runs in the folder that was asked for', async () => {
    assert.equal((await run('/bin/pwd', [], { cwd: folder })).output, `${folder}\n`);
    assert.equal((await run('/bin/pwd')).output, '/\n');
  });
});

describe('how it ends', options, () => {
  test('by its exit code, by a signal, with what it used', async () => {
    const { end } = await sh('exit 127');
    assert.deepEqual([end?.code, end?.signal, end?.limit], [127, null, undefined]);
    assert.ok((end?.peakMemoryBytes ?? 0) > 100_000);
    assert.deepEqual((await sh('kill -SEGV $$')).end?.signal, 'SIGSEGV');
  });

  test('a program that cannot be started says at which step, and why', async () => {
    writeFileSync(join(folder, 'plain'), 'text', { mode: 0o644 });
    assert.equal((await run('/nowhere/to/be/found')).failed, 'exec ENOENT');
    assert.equal((await run(join(folder, 'plain'))).failed, 'exec EACCES');
    assert.equal((await run('/bin/pwd', [], { cwd: '/nowhere' })).failed, 'chdir ENOENT');
    assert.match((await launchWith('/nowhere/launcher')) ?? '', /^spawn ENOENT/);
  });

  test('signals reach the program; it may go on', async () => {
    const { end, output } = await sh('trap "echo heard; exit 3" USR1; echo $$ > ready; while :; do sleep 0.01; done', {
      cwd: folder,
      onStarted: async (_pid, launched) => {
        await text(join(folder, 'ready'));
        launched.signal('SIGUSR1');
      },
    });
    assert.match(output, /heard\n$/); // the shell says of its sleep that it was signalled too
    assert.equal(end?.code, 3);
  });

  test('what it leaves behind ends with it, also what has left its session', async () => {
    const { end } = await sh(
      'sleep 60 & echo $! > left1; setsid -f sh -c "echo \\$\\$ > left2; sleep 60"; until [ -s left2 ]; do :; done',
      {
        cwd: folder,
      },
    );
    assert.equal(end?.code, 0);
    for (const name of ['left1', 'left2']) assert.ok(!isRunning(Number(readFileSync(join(folder, name), 'utf8'))), name);
  });

  test('its end is told also when signals are on their way to it', async () => {
    // The launcher has what it needs with the first: the others are unread when it ends. Which of the two ends is faster is a matter of luck.
    for (let round = 0; round < 10; round++) {
      const { end } = await run('/bin/sleep', ['60'], {
        onStarted: (_pid, launched) => {
          for (const name of ['SIGKILL', 'SIGCONT', 'SIGCONT', 'SIGCONT'] as const) launched.signal(name);
        },
      });
      assert.deepEqual([end?.signal, end?.limit], ['SIGKILL', undefined]);
    }
  });

  test('asked to end, it has the grace to do so; after it, it is killed with all that it started', async () => {
    const polite = await sh('trap "echo bye; exit 0" TERM; echo > on; while :; do sleep 0.01; done', {
      cwd: folder,
      limits: { graceMs: 10_000 },
      onStarted: async (_pid, launched) => {
        await text(join(folder, 'on'));
        launched.end();
      },
    });
    assert.match(polite.output, /bye\n$/);
    assert.deepEqual([polite.end?.code, polite.end?.limit], [0, undefined]);
    const deaf = await sh(
      'trap "" TERM; setsid -f sh -c "trap \\"\\" TERM; echo \\$\\$ > deaf; sleep 60"; while :; do sleep 1; done',
      {
        cwd: folder,
        onStarted: async (_pid, launched) => {
          await text(join(folder, 'deaf'));
          launched.end();
        },
      },
    );
    assert.equal(deaf.end?.signal, 'SIGKILL');
    assert.ok(!isRunning(Number(readFileSync(join(folder, 'deaf'), 'utf8'))));
  });
});

describe('limits', options, () => {
  test('time: SIGTERM, also for one that is stopped', async () => {
    const { end } = await run('/bin/sleep', ['60'], { limits: { timeMs: 50, graceMs: 10_000 } });
    assert.deepEqual([end?.signal, end?.limit], ['SIGTERM', 'time']);
    const stopped = await sh('kill -STOP $$; sleep 60', { limits: { timeMs: 50, graceMs: 10_000 } });
    assert.deepEqual([stopped.end?.signal, stopped.end?.limit], ['SIGTERM', 'time']);
  });

  test('time that is over before the program is one', async () => {
    const limits = { timeMs: 1, graceMs: 10_000 };
    const ends = await Promise.all(Array.from({ length: 40 }, () => run('/bin/sleep', ['60'], { limits })));
    for (const { end } of ends) assert.deepEqual([end?.signal, end?.limit], ['SIGTERM', 'time']);
  });

  test('the processor, of all processes together', async () => {
    const { end } = await sh('while :; do :; done & while :; do :; done', { limits: { cpuSeconds: 1 } });
    assert.equal(end?.limit, 'cpu');
    assert.ok((end?.cpuMs ?? 0) >= 1000);
  });

  test('memory: one process, several together, and more than may be mapped', async () => {
    const limits = { memoryMb: 40 };
    const grow = '$x = "a" x (1024 * 1024 * $ARGV[0]); sleep 60';
    const one = await run('/usr/bin/perl', ['-e', grow, '50'], { limits });
    assert.deepEqual([one.end?.signal, one.end?.limit], ['SIGKILL', 'memory']);
    const two = await run('/usr/bin/perl', ['-e', `fork; fork; ${grow}`, '15'], { limits });
    assert.equal(two.end?.limit, 'memory');
    const much = await run('/usr/bin/perl', ['-e', grow, '500'], { limits });
    assert.match(much.output, /Out of memory/);
    assert.ok((much.end?.code ?? 0) > 0);
    const within = await run('/usr/bin/perl', ['-e', '$x = "a" x (10 * 1024 * 1024); print "fits"'], { limits });
    assert.equal(within.output, 'fits');
  });

  test('processes: what forks without end is ended', async () => {
    // Each makes two, as far as there is room for what runs beside this test: some thousands.
    const bomb = 'f() { [ $1 = 0 ] && exec sleep 60; f $(($1 - 1)) | f $(($1 - 1)) & }; f 10; sleep 60';
    const { end } = await sh(bomb, { limits: { processes: 30 } });
    assert.equal(end?.limit, 'processes');
  });

  test('processes: the program is no more urgent than its launcher was told to be, and forks no more than the machine can bear', async () => {
    const look = 'cut -d " " -f 19,41 /proc/self/stat /proc/$PPID/stat; grep "Max processes" /proc/self/limits';
    const { output } = await sh(look, { limits: { processes: 30 } });
    const [own, launcher, most] = output.split('\n');
    assert.equal(own, `${getPriority()} 0`, 'niceness, and SCHED_OTHER');
    if (mayBeRealTime()) assert.match(String(launcher), / 2$/, 'SCHED_RR');
    const hard = mostProcesses(execFileSync('/bin/cat', ['/proc/self/limits'], { encoding: 'utf8' }));
    assert.ok(
      mostProcesses(String(most)) >= Math.min(hard, 4096 + 30) && mostProcesses(String(most)) <= Math.min(hard, 100_000),
      output,
    );
    assert.equal(mostProcesses((await sh('cat /proc/self/limits')).output), hard, 'without a limit none');
  });

  /** CAP_SYS_NICE. */
  function mayBeRealTime(): boolean {
    const [, effective] = /CapEff:\s+([0-9a-f]+)/.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
    return ((BigInt(`0x${effective}`) >> 23n) & 1n) === 1n;
  }

  /** The hard limit. */
  function mostProcesses(limits: string): number {
    const [, hard] = /Max processes +\S+ +(\S+)/.exec(limits) ?? [];
    return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
  }

  // 300 processes in a group of their own: when they are killed they come back to the launcher, all at once. Beside them one of the
  // program's group, whose parent is not in it and tells when it is stopped.
  const crowd = `use POSIX qw(:signal_h); $| = 1; my $main = $$; my $m = fork;
    if (!$m) { setpgrp; for (1..300) { if (!fork) { sleep 60; exit } } print "ready $$\\n"; sleep 60; exit }
    if (!fork) {
      setpgrp;
      my $tell = sub { print "stood still\\n" if $_[1]{code} == 5 || $_[1]{code} == 6 }; # CLD_STOPPED, CLD_CONTINUED
      sigaction(SIGCHLD, POSIX::SigAction->new($tell, POSIX::SigSet->new, SA_SIGINFO));
      if (!fork) { setpgrp(0, $main); sleep 60; exit }
      sleep 1 while 1;
    }
    waitpid $m, 0; select undef, undef, undef, 0.5; print "went on\\n"`;

  test('processes: a crowd within its limit that dies at once is no bomb: if it stands still, it goes on', async (t) => {
    const onStarted = (pid: number) => void killCrowd(t, pid);
    const { end, output } = await run('/usr/bin/perl', ['-e', crowd], { limits: { processes: 1000 }, onStarted });
    assert.deepEqual([end?.code, end?.limit], [0, undefined]);
    assert.match(output, /^ready \d+\n(stood still\n)*went on\n/); // not where all are reaped before the next look is due
  });

  test('processes: what was told to stop stays so, whatever dies beside it', async (t) => {
    let states: string[] = [];
    const onStarted = async (pid: number, launched: ReturnType<typeof launch>) => {
      launched.signal('SIGTSTP'); // stops nobody here
      await killCrowd(t, pid, () => launched.signal('SIGSTOP'));
      for (let look = 0; look < 50; look++) states.push(await sleep(10, stateOf(pid)));
      launched.signal('SIGCONT');
    };
    const { end, output } = await run('/usr/bin/perl', ['-e', crowd], { limits: { processes: 1000 }, onStarted });
    assert.deepEqual([end?.code, end?.limit], [0, undefined]);
    assert.match(output, /went on/);
    states = states.slice(states.indexOf('T'));
    assert.ok(states.length > 40 && states.every((state) => state === 'T'), states.join(''));
  });

  /** When the crowd is there. Its launcher stands still meanwhile, so that it finds all of them dead at once. */
  async function killCrowd({ signal }: TestContext, pid: number, before = () => {}): Promise<void> {
    const file = join(folder, `output.${files - 1}`);
    const ready = () => Number(/ready (\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
    while (ready() === 0 && !signal.aborted) await sleep(10);
    before();
    const parent = Number(/\) \w (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]);
    while (stateOf(parent) !== 'S' && !signal.aborted) await sleep(1);
    process.kill(parent, 'SIGSTOP');
    try {
      process.kill(-ready(), 'SIGKILL');
      await sleep(200);
    } finally {
      process.kill(parent, 'SIGCONT');
    }
  }

  test('open files, the size of a file, no core', async () => {
    const { output } = await sh('ulimit -n; ulimit -f; ulimit -c; ulimit -n 1000 2>/dev/null || echo hard', {
      limits: { openFiles: 20, fileMb: 1 },
    });
    assert.equal(output, `20\n2048\n0\nhard\n`);
    const large = await sh('head -c 2000000 /dev/zero > large; exit $?', { cwd: folder, limits: { fileMb: 1 } });
    assert.ok((large.end?.code ?? 0) > 0);
    assert.equal(readFileSync(join(folder, 'large')).length, 1024 * 1024);
  });
});

describe('who dies with whom', options, () => {
  const parent = `const { launch } = await import(${JSON.stringify(new URL('./launcher.js', import.meta.url).href)});
    const [launcher, folder] = process.argv.slice(1);
    const limits = { timeMs: 60000, cpuSeconds: 0, memoryMb: 0, processes: 0, fileMb: 0, openFiles: 0, graceMs: 60000 };
    const script = 'trap "" TERM HUP; setsid -f sh -c "echo \\\\$\\\\$ > away; exec sleep 60" & sleep 60 & echo $PPID $$ $! > here; wait';
    launch({ launcher, path: '/bin/sh', args: ['-c', script], env: {}, cwd: folder, limits, stdio: ['ignore', 'ignore', 'ignore'] },
      { onStarted() {}, onFailed(...why) { console.error(...why); }, onEnded() { process.exit(); } });`;

  async function family(name: string) {
    const own = mkdtempSync(join(folder, name));
    const child = spawn(process.execPath, ['--input-type=module', '-e', parent, launcher, own], { stdio: 'inherit' });
    const away = Number(await text(join(own, 'away')));
    const [its, program, job] = (await text(join(own, 'here'))).split(' ').map(Number) as [number, number, number];
    for (const pid of [its, program, job, away]) assert.ok(isRunning(pid), String(pid));
    return { child, launcher: its, program, job, away };
  }

  test('when its parent is killed, nothing is left, whatever the program ignores and wherever it went', async () => {
    const { child, ...pids } = await family('parent');
    child.kill('SIGKILL');
    for (const pid of Object.values(pids)) await gone(pid);
  });

  test('when the launcher is killed, the program and its group end, and the kernel is told', async () => {
    const { child, launcher: its, program, job, away } = await family('launcher');
    child.kill('SIGSTOP'); // the program dies without the kernel's doing
    process.kill(its, 'SIGKILL');
    await gone(program);
    child.kill('SIGCONT');
    await once(child, 'exit');
    await gone(job);
    if (isRunning(away)) process.kill(away, 'SIGKILL'); // has left the group: launcher.h says so
  });

  test('a launcher whose parent is another one does not start anything', async () => {
    const child = spawn(launcher, ['parent=1', '--', '/bin/touch', join(folder, 'touched')], {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    const [code] = await once(child, 'exit');
    assert.equal(code, 124);
    assert.throws(() => readFileSync(join(folder, 'touched')), { code: 'ENOENT' });
  });

  test('a wrong command line is refused with the reason', async () => {
    for (const [args, pattern] of [
      [['--', 'sort'], /absolute path/],
      [['tiem=5', '--', '/bin/true'], /unknown option tiem=5/],
      [['time=-5', '--', '/bin/true'], /not a number from 0: time=-5/],
      [['--', '/bin/true'], /parent=<pid> is missing/],
    ] as const) {
      const child = spawn(launcher, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
      let said = '';
      child.stderr?.on('data', (chunk) => {
        said += chunk;
      });
      const [code] = await once(child, 'close');
      assert.equal(code, 125);
      assert.match(said, pattern);
    }
  });
});

function launchWith(file: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    launch(
      { launcher: file, path: '/bin/true', args: [], env: {}, cwd: '/', limits: NONE, stdio: ['ignore', 'ignore', 'ignore'] },
      {
        onStarted: () => {},
        onFailed: (step, error) => resolve(`${step} ${error}`),
        onEnded: () => resolve(undefined),
      },
    );
  });
}
