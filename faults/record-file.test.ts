// A record on disk: what a run that was interrupted has told is there for the next one, and nothing else is touched.

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Telling } from './record.ts';
import { addToRecord, openRecord } from './record-file.ts';

const ORIGIN = { seed: 7, from: 0, kinds: ['kill', 'throw'] };
const LEAK: Telling = { t: 'leaks', record: { beforeStep: 25, leaked: 0, what: 'grün' } };
const BROKEN: Telling = { t: 'broken', error: 'no' };

function fileOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-record-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'record.jsonl');
}

test('what was told is told again, in order; a torn last line is not, and what follows it is whole', (t) => {
  const file = fileOf(t);
  assert.deepEqual(openRecord(file, ORIGIN), []);
  addToRecord(file, LEAK);
  addToRecord(file, BROKEN);
  assert.deepEqual(openRecord(file, ORIGIN), [LEAK, BROKEN]);
  appendFileSync(file, JSON.stringify(LEAK).slice(0, -1)); // ends with a brace all the same
  assert.deepEqual(openRecord(file, ORIGIN), [LEAK, BROKEN]);
  addToRecord(file, LEAK);
  assert.deepEqual(openRecord(file, ORIGIN), [LEAK, BROKEN, LEAK]);
});

test('a file that is empty, or torn in its first line, is a new one', (t) => {
  const file = fileOf(t);
  for (const text of ['', JSON.stringify(ORIGIN).slice(0, 10)]) {
    writeFileSync(file, text);
    assert.deepEqual(openRecord(file, ORIGIN), []);
    assert.equal(readFileSync(file, 'utf8'), `${JSON.stringify(ORIGIN)}\n`);
  }
});

test('another file is left alone, and a damaged line is named', (t) => {
  const file = fileOf(t);
  for (const text of ['precious', 'precious\n', `${JSON.stringify({ ...ORIGIN, seed: 8 })}\n`]) {
    writeFileSync(file, text);
    assert.throws(() => openRecord(file, ORIGIN), /record\.jsonl is of another campaign: it begins with /);
    assert.equal(readFileSync(file, 'utf8'), text);
  }
  writeFileSync(file, `${JSON.stringify(ORIGIN)}\nno\n${JSON.stringify(LEAK)}\n`);
  assert.throws(() => openRecord(file, ORIGIN), /record\.jsonl: line 2 is no JSON: no/);
});
