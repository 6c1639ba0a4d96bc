// Groups as a tree, and what a death leads to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BACKOFF } from './backoff.ts';
import { decide } from './death-decision.ts';
import { type Group, groupsOf } from './supervision.ts';

const nested = groupsOf([
  { strategy: 'restForOne', of: ['store', { strategy: 'oneForAll', of: ['cache', 'index'] }, 'front'] },
  { strategy: 'oneForOne', of: ['mail', 'print'] },
]);
const group = (name: string) => nested.get(name) as Group;

test('who is restarted with whom', () => {
  assert.deepEqual(group('store').affectedBy('store'), ['store', 'cache', 'index', 'front']);
  assert.deepEqual(group('front').affectedBy('front'), ['front']);
  assert.deepEqual(group('index').affectedBy('index'), ['cache', 'index']);
  assert.deepEqual(group('mail').affectedBy('mail'), ['mail']);
  assert.deepEqual(group('store').affectedBy(group('cache')), ['cache', 'index', 'front']);
  assert.equal(nested.get('other'), undefined);
  assert.equal(group('cache').parent, group('store'));
});

test('a group backs off like a server, fails after as many failures in a row, and begins anew when it was stable', () => {
  const [inner] = groupsOf([
    { strategy: 'oneForAll', of: [{ strategy: 'oneForAll', of: ['a'], restart: { unstableMax: 3 } }] },
  ]).values();
  const failing = inner as Group;
  assert.deepEqual(failing.failed(), { unstable: 1, afterMs: 0 });
  assert.deepEqual(failing.failed(), { unstable: 2, afterMs: 50 });
  failing.sawStable();
  assert.deepEqual(failing.failed(), { unstable: 0, afterMs: 0 });
  failing.failed();
  failing.failed();
  assert.deepEqual(failing.failed(), { unstable: 3, afterMs: undefined });
});

const ended = { server: 'a', replica: 0, reason: 'SIGKILL', readyForMs: 10_000, unstableBefore: 0 };
const silent = () => assert.fail('nothing to warn of');

test('permanent, transient and temporary servers', () => {
  const after = (type: 'permanent' | 'transient' | 'temporary', reason: string) =>
    decide({ ...ended, reason }, { ...DEFAULT_BACKOFF, type }, undefined, silent);
  for (const reason of ['SIGKILL', 'exit code 1', 'exit code 0', 'memory limit']) {
    assert.equal(after('permanent', reason).afterMs, 0);
    assert.equal(after('transient', reason).afterMs, reason === 'exit code 0' ? undefined : 0);
    const { afterMs, escalates, why } = after('temporary', reason);
    assert.deepEqual([afterMs, escalates, why], [undefined, false, `it is temporary, and ended by ${reason}`]);
  }
  const tooOften = decide(
    { ...ended, readyForMs: 1, unstableBefore: 4 },
    { ...DEFAULT_BACKOFF, type: 'transient' },
    undefined,
    silent,
  );
  assert.deepEqual(tooOften, { unstable: 5, escalates: true, why: '5 deaths in a row, the last by SIGKILL' });
});

test('the policy of the system goes first; one that throws or talks nonsense has said nothing', () => {
  const warnings: string[] = [];
  const warn = (line: string) => void warnings.push(line);
  const asked = (answer: unknown, unstableBefore = 0) =>
    decide({ ...ended, readyForMs: 1, unstableBefore }, DEFAULT_BACKOFF, () => answer as undefined, warn);
  assert.equal(asked('restart', 40).afterMs, 0);
  assert.equal(asked({ afterMs: 7 }).afterMs, 7);
  assert.deepEqual([asked('zombie').afterMs, asked('zombie').escalates], [undefined, false]);
  assert.deepEqual([asked('escalate').afterMs, asked('escalate').escalates], [undefined, true]);
  assert.equal(asked(undefined, 1).afterMs, 50);
  assert.equal(warnings.length, 0);
  for (const nonsense of ['stop', 5, null, {}, { afterMs: -1 }, { afterMs: Number.NaN }, Promise.resolve('restart')])
    assert.equal(asked(nonsense, 1).afterMs, 50, String(nonsense));
  assert.equal(warnings.length, 7);
  const seen: unknown[] = [];
  const throwing = decide(
    { ...ended, readyForMs: undefined },
    DEFAULT_BACKOFF,
    (death) => {
      seen.push(death);
      throw new Error('no opinion');
    },
    warn,
  );
  assert.equal(throwing.afterMs, 0);
  assert.deepEqual(seen, [{ server: 'a', replica: 0, reason: 'SIGKILL', readyForMs: 0, unstable: 1 }]);
  assert.match(String(warnings.at(-1)), /onDeath of the system module, for a\.0: Error: no opinion/);
});
