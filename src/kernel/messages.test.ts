import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkMessage } from './messages.ts';

test('a message that is well formed passes', () => {
  assert.deepEqual(checkMessage({ t: 'open', ref: 1, slot: 2 }), { t: 'open', ref: 1, slot: 2 });
  assert.deepEqual(checkMessage({ t: 'manifest', uses: { geo: true, log: ['write'] } }).t, 'manifest');
});

test('unknown kinds, missing and wrong fields are refused, with their names', () => {
  assert.throws(() => checkMessage({ t: 'format disk' }), /unknown message "format disk"/);
  assert.throws(() => checkMessage({ t: 'constructor' }), /unknown message/);
  assert.throws(() => checkMessage({}), /unknown message undefined/);
  assert.throws(() => checkMessage({ t: 'open', ref: 1 }), /field "slot"/);
  assert.throws(() => checkMessage({ t: 'open', ref: -1, slot: 2 }), /field "ref" is -1/);
  assert.throws(() => checkMessage({ t: 'need', seq: 1, bytes: 1.5 }), /field "bytes"/);
  assert.throws(() => checkMessage({ t: 'settled', ref: 1, from: 2 ** 60, startedCalls: 0, suspects: 0 }), /field "from"/);
});

test('a program is launched with what has all its fields, and nothing that is no string', () => {
  const limits = { timeMs: 1, cpuSeconds: 0, memoryMb: 1, processes: 1, fileMb: 1, openFiles: 4, graceMs: 1 };
  const launch = { t: 'launch', id: 1, path: '/bin/true', args: ['a'], env: { A: '1' }, cwd: '/', limits, hasStdin: false };
  assert.deepEqual(checkMessage(launch), launch);
  assert.throws(() => checkMessage({ ...launch, env: { A: 1 } }), /field "env"/);
  assert.throws(() => checkMessage({ ...launch, args: [1] }), /field "args"/);
  assert.throws(() => checkMessage({ ...launch, limits: { ...limits, timeMs: -1 } }), /field "limits"/);
  assert.throws(() => checkMessage({ t: 'signalProgram', id: 1 }), /field "signal"/);
});

test('whatever comes, the check passes or throws an error with a message', () => {
  fc.assert(
    fc.property(fc.object(), fc.constantFrom('open', 'need', 'declare', 'offer', 'ready', 'nothing'), (fields, t) => {
      try {
        checkMessage({ ...fields, t });
      } catch (error) {
        assert.ok(error instanceof Error && error.message.length > 0);
      }
    }),
  );
});
