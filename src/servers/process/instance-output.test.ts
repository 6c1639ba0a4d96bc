// Lines out of real pipes.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { loadNative } from '../../memory/load-native.ts';
import type { NativeAddon } from '../../memory/native.ts';
import { InstanceOutput } from './instance-output.ts';

const { addon, reason } = loadNative();
const options = { timeout: 20_000, skip: addon === undefined ? reason : false };

interface Line {
  readonly stream: string;
  readonly text: string;
  readonly isWhole: boolean;
}

/** A process whose stdout and stderr are read. */
function run(
  t: TestContext,
  program: string,
  native: NativeAddon,
): { child: ChildProcess; lines: Line[]; output: InstanceOutput } {
  const [out, err] = [native.pipe(), native.pipe()];
  const stdio = ['ignore', native.fileNumber(out.write), native.fileNumber(err.write)] as const;
  const child = spawn(process.execPath, ['-e', program], { stdio: [...stdio] });
  const alive = setInterval(() => {}, 1_000); // what is read keeps no process alive, and this one has nothing else once its child is dead
  t.after(() => {
    child.kill('SIGKILL');
    clearInterval(alive);
  });
  for (const { write } of [out, err]) native.close(write);
  const lines: Line[] = [];
  const pipes = { stdout: out.read, stderr: err.read };
  const output = new InstanceOutput(native, pipes, { onLine: (stream, text, isWhole) => lines.push({ stream, text, isWhole }) });
  return { child, lines, output };
}

test('what a process wrote is read to the end, also when it was killed in the next moment', options, async (t) => {
  const program = `for (let i = 0; i < 100; i++) require('fs').writeSync(1, 'line ' + i + '\\n'); process.kill(process.pid, 'SIGKILL')`;
  const { lines, output } = run(t, program, addon as NativeAddon);
  await output.ended;
  assert.deepEqual(
    lines,
    Array.from({ length: 100 }, (_, i) => ({ stream: 'stdout', text: `line ${i}`, isWhole: true })),
  );
});

test('characters that were cut in two are whole again', options, async (t) => {
  const program = `const b = Buffer.from('a€b\\n'); for (const byte of b) { require('fs').writeSync(2, Buffer.of(byte)); const u = Date.now() + 5; while (Date.now() < u); }`;
  const { lines, output } = run(t, program, addon as NativeAddon);
  await output.ended;
  const text = lines.map((line) => line.text).join('');
  assert.deepEqual([text, lines.every(({ stream }) => stream === 'stderr')], ['a€b', true]);
});

test('a line that does not end is shown after a moment, and one without end is cut', options, async (t) => {
  const program = `process.stdout.write('name? '); setTimeout(() => {}, 60000)`;
  const { child, lines, output } = run(t, program, addon as NativeAddon);
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(lines, [{ stream: 'stdout', text: 'name? ', isWhole: false }]);
  child.kill('SIGKILL');
  await output.ended;
  const long = run(t, `process.stdout.write('x'.repeat(200000))`, addon as NativeAddon);
  await long.output.ended;
  assert.equal(long.lines.map(({ text }) => text).join(''), 'x'.repeat(200_000));
  assert.ok(long.lines.every(({ text }) => text.length <= 64 * 1024));
});
