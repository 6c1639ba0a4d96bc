import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fold } from './fold.ts';
import { orderOf } from './sorted.ts';

test('the order is that of the platform, and of the indexes where names are equal', () => {
  const some = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('san', 'san jose', 'san juan', 'sanaa', 'сан', '東京', 's東b', 's東a', ''),
  );
  fc.assert(
    fc.property(fc.array(some, { maxLength: 200 }), (given) => {
      const names = given.map(fold);
      const expected = names.map((_, i) => i).sort((a, b) => (names[a] < names[b] ? -1 : names[a] > names[b] ? 1 : a - b));
      assert.deepEqual([...orderOf(names)], expected);
    }),
  );
});
