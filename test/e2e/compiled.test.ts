// What the engine has compiled for calls outlives a full collection that finds no call in flight (base/keep-layout.ts).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixture, start, TRANSPORTS } from './world.ts';

/** Functions of a call's path. Some are compiled as a part of others: which, differs. */
const PATH = [
  'Call',
  '#request',
  '#send',
  '#start',
  '#settle',
  'onRecord',
  '#onFrame',
  '#encode',
  '#endTurn',
  '#schedule',
  'writeCall',
];
const COMPILED_MIN = 3;

function namesIn(text: string, line: RegExp): Set<string> {
  return new Set([...text.matchAll(line)].map(([, name = '']) => name));
}

for (const transport of TRANSPORTS) {
  test(`a full collection between two calls throws no code of theirs away: ${transport}`, { timeout: 60_000 }, async (t) => {
    const flags = ['--expose-gc', '--trace-opt', '--trace-deopt', fixture('collecting.js')];
    const { code, stdout, stderr } = await start(t, flags, { env: { SKERRY_TRANSPORT: transport } }).ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^add 3$/m);
    const [before = '', between = '', ...rest] = stdout.split('MARK');
    assert.equal(rest.length, 1, 'both marks are there');
    const compiled = namesIn(before, /completed optimizing .*<JSFunction (\S+) /g);
    assert.ok(
      PATH.filter((name) => compiled.has(name)).length >= COMPILED_MIN,
      `it has been compiled: ${[...compiled].join(' ')}`,
    );
    const thrown = namesIn(between, /SharedFunctionInfo ([^>]*)>.*reason: .*weak objects/g);
    assert.deepEqual(
      PATH.filter((name) => thrown.has(name)),
      [],
    );
  });
}
