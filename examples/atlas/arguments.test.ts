import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { coordinate, count, countryCode, searchText } from './arguments.ts';

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

test('a text to search for has a letter or digit, and is not long', () => {
  for (const given of ['a', 'São Paulo', '東京', ' 6 ', 'x'.repeat(100)]) assert.equal(v.parse(searchText, given), given);
  for (const given of [undefined, '', ' ', '-’.', 5, ['a', 'b'], 'x'.repeat(101)]) {
    assert.equal(
      v.safeParse(searchText, given).issues?.[0].message,
      'expected a text of at most 100 characters with a letter or digit',
      String(given),
    );
  }
});

test('a country is two letters, in whatever case', () => {
  assert.equal(v.parse(countryCode, 'de'), 'DE');
  for (const given of [undefined, '', 'D', 'DEU', 'ß', 'D1', 5, ['DE', 'FR']]) {
    assert.match(v.safeParse(countryCode, given).issues?.[0].message ?? '', /^expected a country as two letters/, String(given));
  }
});
