// What programs do by mistake: circles, work that outlives its call, handlers used twice, odd values. Each costs a call at most.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, call, isSkerryError, type OperatingSystem } from 'skerry';
import misuse from '../fixtures/fault/misuse.system.ts';
import type { Odd } from '../fixtures/fault/peer.server.ts';
import { openDescriptors, until } from './processes.ts';

const TIMEOUT = { timeout: 25_000 };
let sys: OperatingSystem<(typeof misuse)['servers']>;
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'misuse-'));
  sys = await boot(misuse);
});
after(async () => {
  await sys.stop();
  rmSync(folder, { recursive: true });
});

test('a circle among servers that take one call at a time is seen at its first call', TIMEOUT, async () => {
  await assert.rejects(
    call(sys.servers.serial, { timeoutMs: 5_000 }).circle(),
    (error) => isSkerryError(error, 'SKERRY_DEADLOCK') && /serial → peer → serial/.test(error.message),
  );
  assert.equal(await sys.servers.serial.ping(), 1);
});

test('a notification back waits for nobody: it is no circle', TIMEOUT, async () => {
  assert.equal(await sys.servers.serial.afterwards(), 'noted');
});

test('the first call of a stream can be taken by hand', TIMEOUT, async () => {
  assert.deepEqual(await sys.servers.serial.firstOf(3), [0, 1, 2]);
});

test('what a call leaves running has neither its deadline nor its path', TIMEOUT, async () => {
  await call(sys.servers.serial, { timeoutMs: 100 }).startTicking(10);
  await sleep(150);
  const before = (await sys.servers.serial.ticks()).good;
  await until('ticks go on', async () => (await sys.servers.serial.ticks()).good > before + 5);
  assert.deepEqual((await sys.servers.serial.ticks()).errors, []);
});

test('an odd value fails its call, not its server', TIMEOUT, async () => {
  const pid = await sys.servers.peer.pid();
  const other = sys.servers.peer.save(join(folder, 'other'), 'x');
  for (const how of ['then throws', 'revoked', 'throws a revoked proxy', 'throws a trap', 'rejects with a trap'] as Odd[]) {
    await assert.rejects(call(sys.servers.peer, { timeoutMs: 2_000 }).odd(how), (error) => {
      assert.ok(
        error instanceof Error && !isSkerryError(error, 'SKERRY_SERVER_DIED') && !isSkerryError(error, 'SKERRY_TIMEOUT'),
        how,
      );
      return true;
    });
  }
  // biome-ignore lint/suspicious/noThenProperty: a field of that name travels
  assert.deepEqual(await sys.servers.peer.odd('then hangs'), { then: 'no function', kept: 1 });
  assert.equal(await other, 'x');
  assert.equal(await sys.servers.peer.pid(), pid);
});

test('one handler under two names: only the one declared idempotent runs again', TIMEOUT, async () => {
  for (const [name, times] of [
    ['save', 1],
    ['saveAgain', 2],
  ] as const) {
    const file = join(folder, name);
    const pid = await sys.servers.peer.pid();
    const outcome = sys.servers.peer[name](file, 'order').then(
      () => 'answered',
      (error) => (isSkerryError(error, 'SKERRY_SERVER_DIED') && error.maybeExecuted === true ? 'maybe executed' : error),
    );
    await until('it runs', () => lines(file).length === 1);
    process.kill(pid, 'SIGKILL');
    assert.equal(await outcome, times === 1 ? 'maybe executed' : 'answered');
    assert.equal(lines(file).length, times);
  }
});

test('boot() in a server says that it cannot', TIMEOUT, async () => {
  await assert.rejects(sys.servers.peer.bootAnother(), (error) => isSkerryError(error, 'SKERRY_UNSUPPORTED'));
});

test('what was not sent was not executed, and says so', TIMEOUT, async () => {
  for (const value of [() => 1, new Uint8Array(65 * 1024 * 1024)]) {
    await assert.rejects(sys.servers.peer.echo(value as never), (error) => isSkerryError(error) && error.maybeExecuted === false);
  }
});

test('systems that come and go leave no descriptor open', TIMEOUT, async () => {
  const cycle = async () => (await boot(misuse)).stop();
  await cycle();
  const before = openDescriptors(process.pid);
  for (let i = 0; i < 3; i++) await cycle();
  await until('all are closed', () => openDescriptors(process.pid) <= before);
});

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}
