import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, duration, harmless, milliseconds, table } from './format.ts';

test('a table has columns of equal width, figures to the right, and is cut at the width of the terminal', () => {
  const rows = [
    { name: 'geo.0', n: '5' },
    { name: 'a', n: '12345' },
  ];
  const columns = [
    { title: 'NAME', of: ({ name }: { name: string }) => name },
    { title: 'N', right: true, of: ({ n }: { n: string }) => n },
  ];
  assert.deepEqual(table(columns, rows), ['NAME       N', 'geo.0      5', 'a      12345']);
  assert.deepEqual(table(columns, rows, 8), ['NAME   …', 'geo.0  …', 'a      …']);
  const [first, second] = columns as [(typeof columns)[0], (typeof columns)[0]];
  const narrow = [{ ...first, spare: 2 }, { ...second, spare: 1 }, second];
  assert.deepEqual(table(narrow, rows, 15), ['    N      N', '    5      5', '12345  12345'], 'the first is spare');
  assert.deepEqual(table(narrow, rows, 8), ['    N', '    5', '12345']);
});

test('durations are told in what suits them', () => {
  const told = [0, 999, 1000, 59_999, 60_000, 3_600_000, 90_000_000].map(duration);
  assert.deepEqual(told, ['0 ms', '999 ms', '1.0 s', '60.0 s', '1 min', '1 h 0 min', '1 d 1 h']);
  assert.deepEqual([0.0024, 0.5, 9.96, 42].map(milliseconds), ['2 us', '0.5 ms', '10.0 ms', '42 ms']);
  const noon = new Date(2026, 0, 2, 12, 0, 0).getTime();
  assert.deepEqual([clock(noon, noon), clock(noon, noon + 86_400_000)], ['12:00:00', '2026-01-02 12:00:00']);
});

test('text of a server cannot steer the terminal that shows it', () => {
  for (const [text, shown] of [
    ['plain äöü € 😀\ttab', 'plain äöü € 😀\ttab'],
    ['\x1b[31mred\x1b[0m', '\x1b[31mred\x1b[0m'],
    ['\x1b[2Jgone\x1b[H', 'gone'],
    ['\x1b]0;title\x07x', 'x'],
    ['\x1b]52;c;aGk=\x1b\\x', 'x'],
    ['a\rb\x08\x07c\x7f', 'abc'],
    ['\x9b2J\x90q', '2Jq'],
    ['\x1b', ''],
    ['\x1bc', ''],
  ] as const)
    assert.equal(harmless(text), shown, JSON.stringify(text));
});
