import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { coordinate, count } from './arguments.ts';

const lat = coordinate('latitude', 90);

test('numbers are taken as they are, strings as the numbers that they are', () => {
  const cases: [unknown, number][] = [
    [52.5, 52.5],
    ['52.5', 52.5],
    [' -90 ', -90],
    ['+.5', 0.5],
    ['1e1', 10],
    [-0, -0],
  ];
  for (const [given, expected] of cases) assert.equal(v.parse(lat, given), expected);
});

test('anything else is refused with one issue that says what was expected', () => {
  for (const given of [
    undefined,
    null,
    '',
    ' ',
    'north',
    '0x10',
    '1,5',
    'NaN',
    'Infinity',
    Number.NaN,
    Infinity,
    90.001,
    '-91',
    ['1', '2'],
    {},
  ]) {
    const { issues } = v.safeParse(lat, given);
    assert.equal(issues?.length, 1, String(given));
    assert.match(issues[0].message, /^expected a latitude from -90 to 90 degrees/);
  }
  assert.equal(v.safeParse(lat, '91').issues?.[0].message, 'expected a latitude from -90 to 90 degrees, got 91');
});

test('the count is one unless it is said, and a whole number in its range', () => {
  assert.equal(v.parse(count, undefined), 1);
  assert.equal(v.parse(count, '100'), 100);
  for (const given of ['0', 101, '1.5', '', null, 'many', '-1']) {
    assert.match(
      v.safeParse(count, given).issues?.[0].message ?? '',
      /^expected a whole number of cities from 1 to 100/,
      String(given),
    );
  }
});
