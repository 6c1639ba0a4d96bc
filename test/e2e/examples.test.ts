// The examples print what they say.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadNative } from '../../src/memory/load-native.ts';
import { root, run } from './world.ts';

const TIMEOUT = { timeout: 60_000 };
/** Sleeping and hanging are seen in shared memory alone. */
const SEEING = { ...TIMEOUT, skip: loadNative().addon === undefined && 'without the addon nobody sees it' };

async function output(t: Parameters<typeof run>[0], example: string): Promise<string[]> {
  const text = await run(t, [join(root, 'dist/examples', example, 'main.js')]);
  return text.trimEnd().split('\n');
}

test('01-facade', SEEING, async (t) => {
  const lines = await output(t, '01-facade');
  const meanwhile = lines.findIndex((line) => line.startsWith('meanwhile'));
  const [, notes] = /^meanwhile: (\d+) notes$/.exec(lines[meanwhile] ?? '') ?? [];
  assert.ok(Number(notes) >= 100, lines[meanwhile]);
  assert.deepEqual(lines.toSpliced(meanwhile, 1), [
    'printer: new',
    'foo reads: print 3 pages',
    "bar: EACCES: permission denied (-rw-r----- foo; you are bar), read '/plan.txt'",
    'printer: sleeping',
    'printer: running',
    'pages printed: 1',
    'the jam: SKERRY_SERVER_DIED, SIGABRT',
    'pages printed: 2',
    'restarts: kernel 0, process 0, files 0, printer 1, clerk 0',
    'printer: zombie',
    'a call: SKERRY_SERVER_DOWN',
    'pages printed: 3',
    'the printer was new, running, restart, running, restart, zombie, restart, running',
  ]);
});

test('02-two-servers', TIMEOUT, async (t) => {
  assert.deepEqual(await output(t, '02-two-servers'), ['ping pong ping pong ping pong', '100 hits, the last by ping']);
});

test('03-one-core', TIMEOUT, async (t) => {
  const lines = (await output(t, '03-one-core')).map((line) => line.replace(/\d+\.\d+ s$/, 'N s'));
  assert.deepEqual(lines, [
    'one after the other, in this process: 600000000 steps in N s',
    'side by side, in two servers: 600000000 steps in N s',
    'two processes added 100000 each to one counter: 200000 in N s',
  ]);
});

test('04-untrusted', SEEING, async (t) => {
  const lines = await output(t, '04-untrusted');
  const last = lines.pop() ?? '';
  assert.deepEqual(lines, [
    'good    gave 42                         runs on',
    'throws  RangeError: 6 is too much       runs on',
    'waits   SKERRY_TIMEOUT                  runs on',
    'loops   SKERRY_SERVER_DIED              ended (hung) and started again',
    'hoards  SKERRY_SERVER_DIED              ended (memory limit) and started again',
    'aborts  SKERRY_SERVER_DIED              ended (SIGABRT) and started again',
    '6 of 6 answer now',
  ]);
  const [, answered, asked] = /^bystander: (\d+) of (\d+) calls were answered, 0 restarts$/.exec(last) ?? [];
  assert.ok(Number(answered) >= 1000 && answered === asked, last);
});
