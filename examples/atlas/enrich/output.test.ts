import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Output } from './output.ts';

const HAS_MKFIFO = existsSync('/usr/bin/mkfifo');

test('a file is there when it is whole, and nothing is when nothing has come of it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-output-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const name = join(folder, 'rows.csv');
  const output = await Output.open(name, undefined);
  await output.write(Buffer.from('a\n'));
  output.problem({ kind: 'threw', line: 1, reason: 'no' });
  assert.deepEqual(readdirSync(folder).sort(), ['rows.csv.errors.ndjson.part', 'rows.csv.part']);
  await output.finish();
  assert.equal(readFileSync(name, 'utf8'), 'a\n');
  assert.match(readFileSync(`${name}.errors.ndjson`, 'utf8'), /"line":1/);
  const none = await Output.open(join(folder, 'none.csv'), undefined);
  await none.discard();
  assert.deepEqual(readdirSync(folder).sort(), ['rows.csv', 'rows.csv.errors.ndjson']);
});

test('a named pipe is written as it stands, and stays one', { skip: !HAS_MKFIFO && 'needs mkfifo' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-output-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const name = join(folder, 'pipe');
  execFileSync('mkfifo', [name]);
  const [output, read] = await Promise.all([
    Output.open(name, undefined),
    import('node:fs/promises').then((fs) => fs.open(name, 'r')),
  ]);
  assert.equal(output.errors, undefined, 'there is no list beside it unless it is asked for');
  await output.write(Buffer.from('a\n'));
  await output.finish();
  assert.equal(await read.readFile('utf8'), 'a\n');
  await read.close();
  assert.ok(statSync(name).isFIFO());
  assert.deepEqual(readdirSync(folder), ['pipe']);
  await assert.rejects(Output.open(folder, undefined), /the output cannot be written: EISDIR/);
});

test('a named pipe for the list of problems stays one too', { skip: !HAS_MKFIFO && 'needs mkfifo' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-output-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const name = join(folder, 'rows.csv');
  // One is asked for, the other stands where the list would be by default.
  for (const pipe of [join(folder, 'pipe'), `${name}.errors.ndjson`]) {
    execFileSync('mkfifo', [pipe]);
    const read = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    t.after(() => closeSync(read));
    const output = await Output.open(name, pipe.endsWith('pipe') ? pipe : undefined);
    assert.equal(output.errors, pipe);
    output.problem({ kind: 'threw', line: 1, reason: 'no' });
    await output.finish();
    const bytes = Buffer.alloc(1000);
    assert.match(bytes.toString('utf8', 0, readSync(read, bytes)), /^{"kind":"threw","line":1,"reason":"no"}\n$/);
    assert.ok(statSync(pipe).isFIFO());
    const none = await Output.open(join(folder, 'none.csv'), pipe);
    await none.discard();
    assert.ok(statSync(pipe).isFIFO());
  }
  assert.deepEqual(readdirSync(folder).sort(), ['pipe', 'rows.csv', 'rows.csv.errors.ndjson']);
});

test('when the list cannot be opened no part of the rows is left, and nothing stays open', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-output-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const open = () => readdirSync('/proc/self/fd').length;
  const before = process.platform === 'linux' && open();
  await assert.rejects(Output.open(join(folder, 'rows.csv'), join(folder, 'nowhere', 'list')), /cannot be written: ENOENT/);
  assert.deepEqual(readdirSync(folder), []);
  if (process.platform === 'linux') assert.equal(open(), before);
});
