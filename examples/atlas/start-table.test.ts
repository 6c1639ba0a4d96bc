import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StartTable } from './start-table.ts';

function rig(isTTY: boolean) {
  let text = '';
  let now = 1000;
  const screen = {
    isTTY,
    write: (more: string) => {
      text += more;
    },
  };
  const table = new StartTable(screen, () => now);
  return { table, pass: (ms: number) => (now += ms), text: () => text };
}

const entry = (name: string, state: string, pid = 7) => ({ name, replica: 0, pid, state });

test('on a terminal each change redraws the table in its place', () => {
  const { table, pass, text } = rig(true);
  table.update(entry('kernel', 'running', 5));
  table.update(entry('geo', 'new', 0));
  pass(1200);
  table.update(entry('geo', 'running'));
  const frames = text()
    .split('\x1b[1A')
    .flatMap((part) => part.split('\x1b[2A'));
  assert.equal(frames.length, 3);
  assert.equal(frames[1], 'kernel.0           5  running  after 0.0 s\x1b[K\ngeo.0              -  new\x1b[K\n');
  assert.match(frames[2] as string, /^kernel.*after 0\.0 s.*\ngeo\.0 +7 +running +after 1\.2 s/);
});

test('elsewhere the table is written once, when all are up', () => {
  const { table, text } = rig(false);
  table.update(entry('geo', 'new', 0));
  assert.equal(text(), '');
  table.done([entry('kernel', 'running', 5), entry('geo', 'running')]);
  assert.match(text(), /^geo\.0 +7 +running +after 0\.0 s\nkernel\.0 +5 +running +after 0\.0 s\n$/);
});
