import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Counts } from './job.ts';
import { lineOf, type ProgressKind, ProgressReport, progressOf } from './progress.ts';

const counts = (rows: number, bytes: number): Counts => ({ rows, bytes, malformed: 2, threw: 0, guilty: 0 });

test('rate, share and time left come from rows, bytes and time', () => {
  const half = progressOf(counts(150_000, 500), 1_000, 75_000);
  assert.deepEqual([half.rowsPerS, half.percent, half.leftS], [2_000, 50, 75]);
  assert.equal(lineOf(half), '50.0%  150,000 rows  2,000/s  1 min 15 s left  2 malformed');
  const unknown = progressOf(counts(10, 500), undefined, 1_000);
  assert.deepEqual([unknown.percent, unknown.leftS], [undefined, undefined]);
  assert.equal(lineOf(unknown), '10 rows  10/s  2 malformed');
  const first = progressOf(counts(0, 0), 1_000, 0);
  assert.deepEqual([first.rowsPerS, first.percent, first.leftS], [0, 0, undefined]);
  assert.equal(progressOf(counts(1, 2_000), 1_000, 10).percent, 100, 'a source that has grown');
  assert.match(lineOf({ ...half, threw: 3, guilty: 1 }), /2 malformed {2}3 threw {2}1 guilty$/);
});

test('a terminal has one line, written over; a log a line now and then; programs an event', () => {
  const told = (kind: ProgressKind): string[] => {
    const written: string[] = [];
    const report = new ProgressReport(kind, 1_000, (text) => written.push(text), 0);
    for (let ms = 50; ms <= 4_000; ms += 50) report.update(counts(ms, ms / 10), ms);
    report.event('end', { ok: true });
    report.say('done');
    return written;
  };
  const terminal = told('terminal');
  assert.equal(terminal.length, 40 + 2);
  assert.equal(terminal[0], `\r${lineOf(progressOf(counts(100, 10), 1_000, 100))}\x1b[K`);
  assert.deepEqual(terminal.slice(-2), ['\r\x1b[K', 'done\n']);
  const log = told('log');
  assert.deepEqual([log.length, log[1]], [2, 'done\n']);
  assert.match(log[0] as string, /^30\.0% {2}3,000 rows {2}1,000\/s {2}7 s left {2}2 malformed\n$/);
  const events = told('json').map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ event }) => event),
    ['progress', 'progress', 'progress', 'progress', 'end'],
  );
  assert.deepEqual([events[3].rows, events[3].rowsPerS, events[3].leftS], [4_000, 1_000, 6]);
});
