import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { changedBelow } from './file-watch.ts';

test('a change below a folder counts that came after the time given, however early; not one of packages', {
  timeout: 10_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-watch-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const inner of ['servers', 'node_modules', '.git']) mkdirSync(join(folder, inner));
  const now = Date.now();
  const write = (name: string, ageMs: number) => {
    writeFileSync(join(folder, name), 'x');
    utimesSync(join(folder, name), new Date(now - ageMs), new Date(now - ageMs));
  };
  write('system.mjs', 5_000);
  write('servers/geo.mjs', 5_000);
  write('node_modules/new.mjs', 0);
  write('.git/index', 0);
  await changedBelow(folder, now - 10_000);
  const late = changedBelow(folder, now - 1_000).then(() => 'changed');
  assert.equal(await Promise.race([late, sleep(400, 'nothing')]), 'nothing');
  write('servers/geo.mjs', 0);
  assert.equal(await late, 'changed');
});
