import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindsNamed } from './kinds/index.ts';
import type { Kind } from './kinds/kind.ts';
import { Timeouts } from './timeouts.ts';

const [kill, missing] = kindsNamed(['kill', 'missing']) as [Kind, Kind];

test('a call belongs to the step in which it was begun, or which came into its way', () => {
  const timeouts = new Timeouts();
  timeouts.add(kill, 0, 1_000, []);
  timeouts.add(missing, 1_000, 2_000, []);
  timeouts.add(kill, 2_000, 7_500, [100, 700, 1_500, 2_100]);
  assert.deepEqual(timeouts.byKind, { kill: 2, missing: 2 });
  timeouts.rest([-600, 30_000]);
  assert.deepEqual(timeouts.byKind, { kill: 2, missing: 2, none: 2 });
});
