// What processes use, from /proc files of the test's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessEntry } from './process-api.ts';
import { type Subject, UsageReader } from './usage.ts';

/** A process of 10 s of age whose name is made to confuse; processor time in ticks of 10 ms. */
function proc(ticks: { user: number; system: number }): (path: string) => string {
  return (path) => {
    if (path === '/proc/uptime') return '110.00 200.00\n';
    if (path === '/proc/7/status') return 'Name:\tx\nRssAnon:\t    2048 kB\n';
    if (path === '/proc/7/stat') {
      const fields = ['S', ...Array(10).fill('0'), ticks.user, ticks.system, ...Array(6).fill('0'), 10_000, 0];
      return `7 (a) 1 2 3 (b) ${fields.join(' ')}\n`;
    }
    throw new Error(`ENOENT ${path}`);
  };
}

function subject(pid: number): Subject {
  const entry: ProcessEntry = { name: 'geo', replica: 0, pid, state: 'running', restarts: 0 };
  return { entry, endpoint: '0.2.1', principal: 'server:geo', status: undefined, readyAtMs: 1000 };
}

test('processor time is of the whole life at the first look, later since the last', () => {
  const ticks = { user: 50, system: 50 };
  const reader = new UsageReader(proc(ticks));
  assert.equal(reader.usage([subject(7)], 20_000)[0]?.cpuPercent, 10);
  ticks.user += 50;
  assert.equal(reader.usage([subject(7)], 21_000)[0]?.cpuPercent, 50);
  assert.equal(reader.usage([subject(7)], 22_000)[0]?.cpuPercent, 0);
});

test('a look that comes too soon is compared with the one before, and an old one with none', () => {
  const ticks = { user: 0, system: 0 };
  const reader = new UsageReader(proc(ticks));
  reader.usage([subject(7)], 20_000);
  ticks.user = 100;
  assert.equal(reader.usage([subject(7)], 20_050)[0]?.cpuPercent, 10, 'of its life');
  assert.equal(reader.usage([subject(7)], 22_000)[0]?.cpuPercent, 50, 'since the first look');
  assert.equal(reader.usage([subject(7)], 50_000)[0]?.cpuPercent, 10, 'of its life');
});

test('memory is the anonymous; who has no process, or has just ended, has nothing', () => {
  const reader = new UsageReader(proc({ user: 0, system: 0 }));
  const [running, none, ended] = reader.usage([subject(7), subject(0), subject(8)], 20_000);
  assert.equal(running?.memoryBytes, 2 * 1024 * 1024);
  assert.equal(running?.uptimeMs, 19_000);
  for (const one of [none, ended]) assert.deepEqual([one?.memoryBytes, one?.cpuPercent], [undefined, undefined]);
});
