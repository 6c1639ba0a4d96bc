// Rates and durations as another process reads them, on words without a region around them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallTimes, readCallTimes } from './call-times.ts';
import type { Region } from './region.ts';
import { STATUS_REGION_BYTES, StatusWord } from './status.ts';

function read(status: Region, nowMs: number) {
  return readCallTimes(status, status.i32[StatusWord.started] as number, nowMs);
}

function region(): Region {
  const i32 = new Int32Array(STATUS_REGION_BYTES / 4);
  return { i32 } as unknown as Region;
}

/** Calls at these times, one each. */
function call(times: CallTimes, status: Region, atMs: readonly number[], tookMs = 1): void {
  for (const now of atMs) {
    const started = (status.i32[StatusWord.started] as number) + 1;
    times.count(now, started - 1);
    status.i32[StatusWord.started] = started;
    times.took(tookMs);
  }
}

const every = (stepMs: number, fromMs: number, toMs: number) =>
  Array.from({ length: Math.floor((toMs - fromMs) / stepMs) }, (_, i) => fromMs + i * stepMs);

test('a server that was never called has no rate and no durations', () => {
  assert.deepEqual(read(region(), 5000), { callsPerSecond: 0, p99Ms: undefined });
});

test('the rate is that of the last whole second while calls come', () => {
  const status = region();
  const times = new CallTimes(status);
  call(times, status, every(10, 50_000, 52_500));
  assert.equal(Math.round(read(status, 52_500).callsPerSecond), 100);
});

test('the first second has a rate of its own', () => {
  const status = region();
  call(new CallTimes(status), status, every(10, 50_000, 50_500));
  assert.equal(Math.round(read(status, 50_500).callsPerSecond), 100);
});

test('when calls stop the rate falls, without the server doing anything', () => {
  const status = region();
  call(new CallTimes(status), status, every(10, 50_000, 52_500));
  const later = read(status, 60_000).callsPerSecond;
  assert.ok(later < 10, `${later}`);
  assert.ok(read(status, 3_600_000).callsPerSecond < 0.1);
});

test('a clock beyond 31 bits is understood', () => {
  const status = region();
  const base = 2 ** 31 * 3 - 500;
  call(new CallTimes(status), status, every(10, base, base + 1500));
  assert.equal(Math.round(read(status, base + 1500).callsPerSecond), 100);
});

test('p99 is within a quarter of an octave above what it is, and forgets what is older than 20 s', () => {
  const status = region();
  const times = new CallTimes(status);
  call(times, status, every(1, 50_000, 50_985), 2);
  call(times, status, every(1, 50_985, 51_000), 40);
  const { p99Ms = 0 } = read(status, 51_000);
  assert.ok(p99Ms >= 40 && p99Ms <= 40 * 1.2, `${p99Ms}`);
  call(times, status, every(10, 61_000, 85_000), 2);
  const later = read(status, 85_000).p99Ms ?? 0;
  assert.ok(later >= 2 && later <= 2.4, `${later}`);
});

test('whatever a peer writes there, the figures are numbers that are not negative', () => {
  for (const value of [-1, 0x7fff_ffff, -0x8000_0000]) {
    const status = region();
    status.i32.fill(value);
    const { callsPerSecond, p99Ms = 0 } = read(status, 5000);
    assert.ok(
      callsPerSecond >= 0 && p99Ms >= 0 && Number.isFinite(callsPerSecond + p99Ms),
      `${value}: ${callsPerSecond}, ${p99Ms}`,
    );
  }
});
