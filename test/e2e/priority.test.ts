// `priority: 'background'` as the operating system sees it, and as the two servers feel it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { boot } from 'skerry';
import { until } from '../fault/processes.ts';
import system from '../fixtures/e2e/priority.system.ts';
import { nothingIsLeft, TRANSPORTS } from './world.ts';

const isLinux = existsSync('/proc/self/task');
const hasTaskset = isLinux && existsSync('/usr/bin/taskset');
const START = 2;
const NICE_FIELD = 19;

async function booted(t: TestContext, transport: (typeof TRANSPORTS)[number] = 'ring') {
  const sys = await boot(system, { transport });
  t.after(async () => {
    await sys.stop();
    await nothingIsLeft();
  });
  return sys;
}

function niceOfThreads(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from the third on
    return Number(fields[NICE_FIELD - 1 - START]);
  });
}

function niceOfGroup(pid: number): number | undefined {
  try {
    return Number(/nice (-?\d+)/.exec(readFileSync(`/proc/${pid}/autogroup`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

for (const transport of TRANSPORTS) {
  test(`${transport}: every thread of a background instance, its successor's too, and its session are at nice 19; others are not`, {
    timeout: 30_000,
    skip: !isLinux && 'Linux only',
  }, async (t) => {
    const sys = await booted(t, transport);
    const own = niceOfThreads(process.pid)[0];
    assert.ok(niceOfThreads(await sys.servers.front.pid()).every((nice) => nice === own));
    for (let life = 0; life < 2; life++) {
      const pid = await sys.servers.back.pid();
      assert.deepEqual(new Set(niceOfThreads(pid)), new Set([19]));
      // Without rights the operating system takes one such change in 100 ms: it may come a little later.
      if (niceOfGroup(pid) !== undefined) await until('the session is at 19', () => niceOfGroup(pid) === 19);
      if (life === 0) await sys.processes.kill('back');
    }
  });
}

test('on one core a background server leaves nearly all of it to another', {
  timeout: 30_000,
  skip: !hasTaskset && 'needs taskset',
}, async (t) => {
  const sys = await booted(t);
  const { front, back } = sys.servers;
  const pids = [await front.pid(), await back.pid()];
  await until('the session is at 19', () => [undefined, 19].includes(niceOfGroup(pids[1])));
  for (const pid of pids) execFileSync('taskset', ['-a', '-c', '-p', '0', String(pid)], { stdio: 'ignore' });
  const end = Date.now() + 1500;
  const [frontMs, backMs] = await Promise.all([front.work(end), back.work(end)]);
  t.diagnostic(`processor time: front ${frontMs.toFixed(0)} ms, back ${backMs.toFixed(0)} ms`);
  assert.ok(backMs < frontMs / 4, `front ${frontMs} ms, back ${backMs} ms`);
});
