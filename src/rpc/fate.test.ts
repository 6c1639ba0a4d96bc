import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideFate } from './fate.ts';

const call = { started: true, idempotent: true, stream: false, deathsAlone: 0, ordered: false };

test('what was not started is carried over, whatever it is', () => {
  for (const idempotent of [true, false]) {
    for (const stream of [true, false]) {
      for (const ordered of [true, false]) {
        assert.equal(decideFate({ started: false, idempotent, stream, deathsAlone: 9, ordered }), 'carry');
      }
    }
  }
});

test('what was started and may not be repeated is rejected', () => {
  assert.equal(decideFate({ ...call, idempotent: false }), 'reject');
  assert.equal(decideFate({ ...call, stream: true }), 'reject');
});

test('an idempotent call is suspected until it was alone at the second death', () => {
  assert.equal(decideFate(call), 'suspect');
  assert.equal(decideFate({ ...call, deathsAlone: 1 }), 'suspect');
  assert.equal(decideFate({ ...call, deathsAlone: 2 }), 'poison');
});

test('a death that the kernel ordered makes no suspects', () => {
  assert.equal(decideFate({ ...call, deathsAlone: 2, ordered: true }), 'again');
  assert.equal(decideFate({ ...call, idempotent: false, ordered: true }), 'reject');
});
