// What a server did last, read after its death; and calls as they happen.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, isSkerryError } from 'skerry';
import type { TracedCall } from '../../src/servers/process/process-api.ts';
import { until } from '../fault/processes.ts';
import faultySystem from '../fixtures/fault/faulty.system.ts';
import { fixture, root, start } from './world.ts';

const CLI = join(root, 'lib/cli/main.js');
const TIMEOUT = { timeout: 60_000 };

async function booted(t: TestContext, transport: 'ring' | 'stream' = 'ring') {
  const sys = await boot(faultySystem, { transport });
  t.after(() => sys.stop());
  return sys;
}

test('after a crash its last calls are known, what ran first of all, and its last errors', TIMEOUT, async (t) => {
  const sys = await booted(t);
  const { faulty } = sys.servers;
  for (let n = 0; n < 20; n++) await faulty.echo(n);
  await assert.rejects(faulty.throws('Error'));
  const beside = faulty.later(10_000, 1).catch(() => {});
  await sleep(5);
  await assert.rejects(faulty.die('segfault'));
  await beside;
  const [status] = await sys.processes.status('faulty');
  const { calls = [], said = [], reason } = status?.lastDeath ?? {};
  assert.equal(reason, 'SIGSEGV');
  assert.deepEqual(
    calls.slice(-3).map(({ method, state, client }) => [method, state, client]),
    [
      ['throws', 'failed', 'the caller (operator)'],
      ['later', 'running', 'the caller (operator)'],
      ['die', 'running', 'the caller (operator)'],
    ],
  );
  assert.equal(calls.length, 12, 'two that ran, and the last ten that had ended');
  assert.ok(calls.every(({ startedAt }) => Math.abs(startedAt - Date.now()) < 60_000));
  assert.deepEqual(
    said.map(({ kind, text }) => [kind, text]),
    [['error', 'throws: out of every range']],
  );
  assert.equal(await faulty.echo('after'), 'after');
  const after = async () => (await sys.processes.status('faulty'))[0]?.calls.map(({ method, state }) => `${method} ${state}`);
  await until('the next one has but its own', async () => String(await after()) === 'echo answered'); // it is noted after the answer
});

test('an exception that nobody caught leaves its stack, by source lines, and what had been logged before', TIMEOUT, async (t) => {
  const sys = await booted(t);
  const { faulty } = sys.servers;
  await faulty.note('soon it ends');
  await assert.rejects(faulty.uncaught(), (error) => isSkerryError(error, 'SKERRY_SERVER_DIED'));
  const { reason, stack, said = [] } = (await sys.processes.status('faulty'))[0]?.lastDeath ?? {};
  assert.match(reason ?? '', /thrown in a timer/);
  assert.match(stack ?? '', /Error: thrown in a timer\n.*faulty\.server\.[jt]s:\d+/);
  assert.deepEqual(
    said.map(({ kind, text }) => [kind, text.split('\n', 1)[0]]),
    [
      ['log', 'warn: soon it ends'],
      ['end', 'Error: thrown in a timer'],
    ],
  );
});

test('what is known of an end outlives the process server; so does the box of who runs', TIMEOUT, async (t) => {
  const sys = await booted(t);
  const { faulty } = sys.servers;
  await assert.rejects(faulty.die('abort'));
  await faulty.echo(1);
  const before = (await sys.processes.status('faulty'))[0]?.lastDeath;
  const { pid } = (await sys.processes.list()).find(({ name }) => name === 'process') as { pid: number };
  process.kill(pid, 'SIGKILL');
  await until('there is another', async () => {
    const list = await sys.processes.list().catch(() => []);
    return list.some((one) => one.name === 'process' && one.pid !== pid);
  });
  const [after] = await sys.processes.status('faulty');
  assert.deepEqual(after?.lastDeath, before);
  assert.equal(before?.calls?.at(-1)?.method, 'die');
  assert.deepEqual(
    after?.calls.map(({ method }) => method),
    ['echo'],
  );
});

test(
  'a trace shows each call as it ends, with its time, also of a later instance; a flood is shown in part',
  TIMEOUT,
  async (t) => {
    const sys = await booted(t);
    const { faulty, bystander } = sys.servers;
    const traced: TracedCall[] = [];
    const stream = sys.processes.trace('faulty', { method: 'later' });
    const reading = (async () => {
      for await (const batch of stream) traced.push(...batch);
    })();
    await sleep(200);
    await Promise.all([faulty.later(30, 'x'), faulty.echo(1), bystander.later(1, 2)]);
    await until('it is seen', () => traced.length > 0);
    await assert.rejects(faulty.die('SIGKILL'));
    await faulty.later(1, 'y');
    await until('the next instance is seen', () => traced.length > 1);
    await sleep(100);
    await stream.return?.();
    await reading;
    const shown = traced.map((call) => ('method' in call ? [call.server, call.method, call.state] : call));
    assert.deepEqual(shown, [
      ['faulty', 'later', 'answered'],
      ['faulty', 'later', 'answered'],
    ]);
    const [first] = traced;
    assert.ok(first !== undefined && 'ms' in first && (first.ms as number) >= 29, JSON.stringify(first));

    const all = sys.processes.trace();
    let calls = 0;
    let missed = 0;
    const counting = (async () => {
      for await (const batch of all) {
        for (const call of batch) {
          if ('missed' in call) missed += call.missed;
          else if (call.method === 'echo') calls += 1;
        }
      }
    })();
    await sleep(200);
    for (let burst = 0; burst < 5; burst++) await Promise.all(Array.from({ length: 1000 }, (_, n) => faulty.echo(n)));
    await until('all are accounted for', () => calls + missed >= 5000);
    await all.return?.();
    await counting;
    assert.equal(calls + missed, 5000);
    assert.ok(missed > 0);
  },
);

test('over streams there is no trace, and it says so', TIMEOUT, async (t) => {
  const sys = await booted(t, 'stream');
  await assert.rejects(sys.processes.trace().next(), (error) => isSkerryError(error, 'SKERRY_UNSUPPORTED'));
  await assert.rejects(sys.servers.faulty.die('SIGKILL'));
  await sys.servers.faulty.echo(1);
  const [status] = await sys.processes.status('faulty');
  assert.deepEqual([status?.calls, status?.lastDeath?.calls], [[], undefined]);
});

test('skerry trace and skerry status show them', TIMEOUT, async (t) => {
  const runtime = mkdtempSync(join(tmpdir(), 'skerry-trace-'));
  t.after(() => rmSync(runtime, { recursive: true, force: true }));
  const env = { XDG_RUNTIME_DIR: runtime, SKERRY_SYSTEM: '' };
  const program = start(t, [CLI, 'run', fixture('talk.system.js')], { env });
  await until('it is up', () => program.stdout().includes('up; Ctrl-C stops it'), 20_000);
  const tracing = start(t, [CLI, 'trace', 'single'], { env });
  const json = start(t, [CLI, 'trace', '--json', '--method', 'say'], { env });
  const told = async (...args: string[]) => {
    const { code, stdout, stderr } = await start(t, [CLI, ...args], { env }).ended;
    assert.equal(code, 0, stderr);
    return stdout;
  };
  await until('calls are seen', async () => {
    await told('call', 'single', 'say', '"something"');
    return tracing.stdout() !== '' && json.stdout() !== '';
  });
  assert.match(
    tracing.stdout(),
    /^\d\d:\d\d:\d\d\.\d{3} single\.0 {2}say {2}[\d.]+ (us|ms) {2}answered {2}by process \(operator\)\n/,
  );
  const [line = ''] = json.stdout().split('\n');
  const { server, method, state } = JSON.parse(line) as { server: string; method: string; state: string };
  assert.deepEqual([server, method, state], ['single', 'say', 'answered']);
  for (const one of [tracing, json]) {
    one.child.kill('SIGINT');
    assert.equal((await one.ended).code, 0);
  }
  assert.match(await told('status', 'single'), /last calls\n +\d\d:\d\d:\d\d say by process \(operator\): answered/);
});
