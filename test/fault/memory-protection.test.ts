// Memory is protected by the operating system: no process of the same user gets at a server's memory, and a server that writes to a
// region of somebody else ends alone. Tried as an unprivileged user: as root it would prove nothing.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadNative } from '../../src/memory/load-native.ts';
import type { Findings } from '../fixtures/fault/unprivileged.ts';

const NOBODY = 65534;
const skip = loadNative().addon === undefined ? `shared memory needs the addon: ${loadNative().reason}` : false;

let findings: Findings;
let stderr = '';

before(() => {
  if (skip !== false) return;
  const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const script = fileURLToPath(new URL('../fixtures/fault/unprivileged.js', import.meta.url));
  const child = spawnSync(process.execPath, [script], {
    ...asNobody,
    cwd: '/',
    env: {},
    encoding: 'utf8',
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  stderr = child.stderr;
  assert.equal(child.status, 0, `${script} as uid ${asNobody.uid ?? process.getuid?.()}: ${child.error ?? stderr}`);
  findings = JSON.parse(child.stdout) as Findings;
});

test('the tries were made by an unprivileged user, to whom a plain process of his is open', { skip }, () => {
  assert.notEqual(findings.uid, 0);
  assert.equal(findings.plain, 'opened');
});

test('memory of kernel, process server and servers cannot be opened by a process of the same user', { skip }, () => {
  assert.deepEqual(Object.keys(findings.mem).sort(), ['bystander', 'kernel', 'process', 'trespasser']);
  for (const [name, result] of Object.entries(findings.mem)) assert.match(result, /^(EACCES|EPERM)$/, name);
});

test('a write to a region of a peer ends the writer alone, with a message that names region and server', { skip }, () => {
  assert.ok(findings.regions.includes('the caller requests'));
  assert.deepEqual(findings.died, { code: 'SKERRY_SERVER_DIED', reason: 'SIGSEGV' });
  assert.deepEqual(findings.ended, ['trespasser']);
  assert.deepEqual(findings.after, ['beside', true]);
  assert.match(stderr, /server "trespasser" \(pid \d+\) wrote to region "the caller requests", which it may only read/);
});
