import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mayInit, stopOrder } from './start-order.ts';

type Uses = Map<string, readonly string[] | undefined>;

test('those that need nothing go first, users when what they use is ready', () => {
  const uses: Uses = new Map([
    ['web', ['geo']],
    ['geo', []],
  ]);
  assert.deepEqual(mayInit(uses, new Set(), new Set()), ['geo']);
  assert.deepEqual(mayInit(uses, new Set(), new Set(['geo'])), []);
  assert.deepEqual(mayInit(uses, new Set(['geo']), new Set(['geo'])), ['web']);
});

test('a module that is still being loaded holds back its users, not the others', () => {
  const uses: Uses = new Map<string, readonly string[] | undefined>([
    ['web', ['geo']],
    ['geo', undefined],
    ['log', []],
  ]);
  assert.deepEqual(mayInit(uses, new Set(), new Set()), ['log']);
  assert.deepEqual(mayInit(uses, new Set(['log']), new Set(['log'])), []);
});

test('servers that use each other begin together once nothing else moves; their user waits', () => {
  const uses: Uses = new Map([
    ['a', ['b']],
    ['b', ['a']],
    ['c', ['a']],
  ]);
  assert.deepEqual(mayInit(uses, new Set(), new Set()), ['a', 'b']);
  assert.deepEqual(mayInit(uses, new Set(['a', 'b']), new Set(['a', 'b'])), ['c']);
});

test('every graph comes up completely, and nobody outside a cycle before what it uses', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const graph = fc.array(fc.subarray(names), { minLength: names.length, maxLength: names.length });
  fc.assert(
    fc.property(graph, (edges) => {
      const uses: Uses = new Map(names.map((name, index) => [name, edges[index]]));
      const ready = new Set<string>();
      for (let step = 0; ready.size < names.length; step++) {
        assert.ok(step <= names.length, 'nothing moves any more');
        const batch = mayInit(uses, ready, new Set(ready));
        assert.ok(batch.length > 0);
        for (const name of batch) ready.add(name);
      }
    }),
  );
});

test('the stop goes the other way', () => {
  const uses: Uses = new Map([
    ['web', ['geo', 'log']],
    ['geo', ['log']],
    ['log', []],
  ]);
  assert.deepEqual(stopOrder(uses), [['web'], ['geo'], ['log']]);
  assert.deepEqual(
    stopOrder(
      new Map([
        ['a', ['b']],
        ['b', ['a']],
      ]),
    ),
    [['a', 'b']],
  );
});
