// The examples print what they say.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, run } from './world.ts';

const TIMEOUT = { timeout: 60_000 };

async function output(t: Parameters<typeof run>[0], example: string): Promise<string[]> {
  const text = await run(t, [join(root, 'dist/examples', example, 'main.js')]);
  return text.trimEnd().split('\n');
}

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
