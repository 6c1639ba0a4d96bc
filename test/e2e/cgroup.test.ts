// In a cgroup of 512 MB, as a small container has: the atlas starts and answers, and a server that eats memory is ended by its own limit,
// not by the out-of-memory killer of the operating system.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isAlive, until } from '../fault/processes.ts';
import { fixture, root, startProgram } from './world.ts';

const TIMEOUT = { timeout: 120_000 };
const LIMIT_BYTES = 512 * 1024 * 1024;
const HIERARCHIES = [
  {
    version: 1,
    at: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    kills: 'memory.oom_control',
  },
  { version: 2, at: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak', kills: 'memory.events' },
] as const;

interface Group {
  readonly folder: string;
  readonly peakBytes: () => number;
  /** How often the operating system has killed in it. */
  readonly kills: () => number;
}

/** @returns why there is none, where none can be made. */
function makeGroup(): Group | string {
  const folderName = `skerry-test-${process.pid}`;
  const reasons: string[] = [];
  for (const { version, at, limit, peak, kills } of HIERARCHIES) {
    const folder = join(at, folderName);
    try {
      mkdirSync(folder);
    } catch (error) {
      reasons.push(`version ${version}: ${(error as Error).message}`);
      continue;
    }
    try {
      writeFileSync(join(folder, limit), String(LIMIT_BYTES));
    } catch (error) {
      reasons.push(`version ${version}: ${(error as Error).message}`);
      rmdirSync(folder);
      continue;
    }
    return {
      folder,
      peakBytes: () => (existsSync(join(folder, peak)) ? Number(readFileSync(join(folder, peak), 'utf8')) : 0),
      kills: () => Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(folder, kills), 'utf8'))?.[1] ?? 0),
    };
  }
  return reasons.join('; ');
}

const group = makeGroup();
const skip = typeof group === 'string' ? `no cgroup with a memory limit can be made here (${group})` : false;
process.on('exit', () => {
  if (typeof group === 'object') rmdirSync(group.folder);
});

/** Starts Node within the group. */
function startWithin(t: TestContext, { folder }: Group, args: readonly string[], env: Record<string, string> = {}) {
  const script = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
  return startProgram(t, '/bin/sh', ['-c', script, folder, process.execPath, ...args], { env });
}

/** Nobody is left in it, so that it can be removed. */
async function empty({ folder }: Group): Promise<void> {
  const pids = () => readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  await until('the group is empty', () => !pids().some(isAlive));
}

test('the atlas starts within 512 MB and answers', { ...TIMEOUT, skip }, async (t) => {
  const within = group as Group;
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const atlas = startWithin(t, within, [join(root, 'dist/examples/atlas/main.js')], { PORT: String(port) });
  await until('it is up', () => atlas.stdout().includes('Ctrl-C stops it') || atlas.child.exitCode !== null, 60_000);
  for (const path of ['nearest?lat=48.8566&lng=2.3522', 'search?q=par', 'country/FR'])
    assert.equal((await fetch(`http://127.0.0.1:${port}/${path}`)).status, 200, path);
  t.diagnostic(`at most ${Math.round(within.peakBytes() / 1024 / 1024)} MB were in use`);
  assert.equal(within.kills(), 0);
  atlas.child.kill('SIGTERM');
  await atlas.ended;
  await empty(within);
});

test('a server that eats memory, fast or slowly, as objects or as buffers, is ended by its own limit, the others untouched', {
  ...TIMEOUT,
  skip,
}, async (t) => {
  const within = group as Group;
  const { code, stdout, stderr } = await startWithin(t, within, [fixture('eating.js')]).ended;
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    JSON.parse(stdout.trim().split('\n').at(-1) as string),
    { ends: Array(4).fill('memory limit'), isSame: true },
    stderr,
  );
  assert.equal(within.kills(), 0);
  await empty(within);
});
