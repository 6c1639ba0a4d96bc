import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agree, SPEAKS, type Speaks } from './version.ts';

function speaks(min: number, max: number, features = 0): Speaks {
  return { min, max, features };
}

test('two processes agree on the highest version that both speak', () => {
  const cases: [a: Speaks, b: Speaks, version: number | undefined][] = [
    [speaks(1, 1), speaks(1, 1), 1],
    [speaks(1, 3), speaks(1, 3), 3],
    [speaks(1, 3), speaks(2, 5), 3],
    [speaks(1, 9), speaks(4, 5), 5],
    [speaks(1, 3), speaks(3, 5), 3],
    [speaks(1, 3), speaks(4, 5), undefined],
    [speaks(1, 1), speaks(2, 2), undefined],
  ];
  for (const [a, b, version] of cases) {
    assert.equal(agree(a, b)?.version, version);
    assert.equal(agree(b, a)?.version, version, 'whoever is asked first');
  }
});

test('and on the features that both have', () => {
  assert.equal(agree(speaks(1, 1, 0b0110), speaks(1, 1, 0b1010))?.features, 0b0010);
  assert.equal(agree(speaks(1, 1, 0b0110), speaks(1, 1, 0b1001))?.features, 0);
});

test('a build agrees with itself on all that it speaks', () => {
  assert.deepEqual(agree(SPEAKS, SPEAKS), { version: SPEAKS.max, features: SPEAKS.features });
});
