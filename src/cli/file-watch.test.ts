import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileWatch } from './file-watch.ts';

test('once: a change that came before the watch, and after the time given, counts; an older one does not', {
  timeout: 10_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-watch-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'system.mjs');
  writeFileSync(file, '1');
  const now = Date.now();
  utimesSync(file, new Date(now - 5_000), new Date(now - 5_000));
  const late = new FileWatch(now - 1_000).once(file).then(() => 'changed');
  assert.equal(await Promise.race([late, sleep(200, 'nothing')]), 'nothing');
  writeFileSync(join(folder, 'other.mjs'), '2');
  assert.equal(await late, 'changed');
  assert.equal(await new FileWatch(now - 10_000).once(file).then(() => 'changed'), 'changed');
});
