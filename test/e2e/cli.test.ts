// The command `skerry`, as a shell has it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { descendants, until } from '../fault/processes.ts';
import { fixture, gone, root, start, TRANSPORTS } from './world.ts';

const TIMEOUT = { timeout: 30_000 };
const CLI = join(root, 'lib/cli/main.js');

test('help, version and mistakes', TIMEOUT, async (t) => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  for (const [args, code, stdout, stderr] of [
    [['--help'], 0, /skerry run <system>[\s\S]*skerry doctor/, /^$/],
    [['help', 'run'], 0, /^skerry run <system>[\s\S]*--transport/, /^$/],
    [['run', '-h'], 0, /^skerry run <system>/, /^$/],
    [['--version'], 0, new RegExp(`^${version}\n$`), /^$/],
    [[], 2, /skerry run/, /^$/],
    [['rnu'], 2, /^$/, /there is no command "rnu"; there are: run, dev, ps/],
    [['toString'], 2, /^$/, /there is no command "toString"/],
    [['run'], 2, /^$/, /run takes 1 argument; it was given 0\nUsage: skerry run/],
    [['run', 'a', 'b'], 2, /^$/, /it was given 2/],
    [['doctor', '--jsno'], 2, /^$/, /'--jsno'[\s\S]*Usage: skerry doctor/],
    [['run', 'nowhere.ts'], 1, /^$/, /there is no file .*nowhere\.ts/],
    [['run', join(root, 'package.json')], 1, /^$/, /skerry: /],
  ] as const) {
    const ended = await start(t, [CLI, ...args]).ended;
    assert.deepEqual([ended.code, ended.signal], [code, null], `${args.join(' ')}: ${ended.stderr}`);
    assert.match(ended.stdout, stdout, args.join(' '));
    assert.match(ended.stderr, stderr, args.join(' '));
  }
});

test('doctor says what there is, for people and for programs', TIMEOUT, async (t) => {
  const told = await start(t, [CLI, 'doctor']).ended;
  assert.equal(told.code, 0);
  const offers = ['node', 'addon', 'regions', 'transport', 'programs', 'cores', 'memory'];
  const limits = ['memory limit', 'CPU limit', 'descriptors', 'heartbeat', 'priority'];
  for (const what of [...offers, ...limits]) assert.match(told.stdout, new RegExp(`^(ok|no)  ${what}  +\\S`, 'm'));
  const without = await start(t, [CLI, 'doctor', '--json'], { env: { SKERRY_TRANSPORT: 'stream' } }).ended;
  const found = JSON.parse(without.stdout) as Record<string, { ok: boolean; text: string }>;
  assert.deepEqual([found.addon?.ok, found.addon?.text], [false, 'SKERRY_TRANSPORT=stream']);
  assert.match(found.transport?.text ?? '', /^stream, over streams/);
  assert.deepEqual([found.programs?.ok, found.programs?.text], [false, 'not without the addon']);
  assert.deepEqual([found.descriptors?.ok, found.heartbeat?.ok], [false, false]);
  assert.match(found.descriptors?.text ?? '', /^not without the addon: limits\.openFiles/);
  assert.match(found.heartbeat?.text ?? '', /^off over streams/);
  assert.match(found['memory limit']?.text ?? '', /no RLIMIT_DATA without the addon/);
  if (process.platform === 'linux') assert.deepEqual([found['memory limit']?.ok, found['CPU limit']?.ok], [true, true]);
});

for (const transport of TRANSPORTS) {
  test(`run boots a system, and a signal stops it: ${transport}`, TIMEOUT, async (t) => {
    const program = start(t, [CLI, 'run', fixture('basic.system.js'), '--transport', transport]);
    await until('it is up', () => program.stdout().includes('up; Ctrl-C stops it'), 10_000);
    assert.match(program.stdout(), /^front\.0 +\d+ {2}running$/m);
    const pids = descendants(program.pid);
    assert.equal(pids.length, 6);
    program.child.kill('SIGTERM');
    const ended = await program.ended;
    assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr);
    assert.match(ended.stderr, /SIGTERM: stopping/);
    await gone(pids);
  });
}

test('run says what keeps a system from starting', TIMEOUT, async (t) => {
  const wrong = await start(t, [CLI, 'run', fixture('basic.system.js'), '--transport', 'pigeon']).ended;
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /transport must be 'ring' or 'stream'; it is "pigeon"/);
});
