// Calls that end every server that runs them: what an operator sees of them, and does with them.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { boot, isSkerryError } from 'skerry';
import type { QuarantinedEntry } from '../../src/servers/process/process-api.ts';
import { until } from '../fault/processes.ts';
import sickSystem from '../fixtures/e2e/sick.system.ts';
import { fixture, root, start, TRANSPORTS, type Transport } from './world.ts';

const CLI = join(root, 'lib/cli/main.js');
const TIMEOUT = { timeout: 60_000 };

/** @returns a folder, and the file that makes the server sick: it is there. */
function sickness(t: TestContext): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-sick-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'sick');
  writeFileSync(file, '');
  return { folder, file };
}

async function booted(t: TestContext, transport: Transport) {
  const { file } = sickness(t);
  const sys = await boot(sickSystem, { transport, env: { ...process.env, E2E_SICK: file } });
  t.after(() => sys.stop());
  return { sys, heal: () => rmSync(file) };
}

const isPoison = (error: unknown) => isSkerryError(error, 'SKERRY_POISON');

for (const transport of TRANSPORTS) {
  test(
    `${transport}: who called for whom is known; another process server knows it too; a retry counts once`,
    TIMEOUT,
    async (t) => {
      const { sys, heal } = await booted(t, transport);
      const { processes, servers } = sys;
      const whole = new Map<string, unknown>([['deep', { list: [1n, new Date(5), undefined], text: 'grün' }]]);
      await assert.rejects(servers.sick.weigh(whole, 2), isPoison);
      await assert.rejects(sys.as('foo').servers.sick.weigh('for foo'), isPoison);
      await assert.rejects(servers.user.weigh('for a server'), isPoison);
      await assert.rejects(servers.sick.weigh('x'.repeat(100_000)), isPoison);
      const seen = (all: readonly QuarantinedEntry[]) => all.map((one) => [one.id, one.client, one.principal, one.isWhole]);
      const expected = [
        [1, 'the caller', 'operator', true],
        [2, 'the caller', 'foo', true],
        [3, 'user', 'server:user', true],
        [4, 'the caller', 'operator', false],
      ];
      const before = await processes.quarantine();
      assert.deepEqual(seen(before), expected);
      assert.deepEqual(await processes.quarantinedArguments(1), [whole, 2]);
      assert.deepEqual(await processes.quarantinedArguments(3), ['for a server']);
      await assert.rejects(
        processes.quarantinedArguments(4),
        (error) => isSkerryError(error, 'SKERRY_LIMIT') && /bytes/.test(error.message),
      );
      await assert.rejects(processes.retryQuarantined(4), { code: 'SKERRY_LIMIT' });

      const { pid } = (await processes.list()).find(({ name }) => name === 'process') as { pid: number };
      process.kill(pid, 'SIGKILL');
      await until('there is another', async () => {
        const list = await processes.list().catch(() => []);
        return list.some((one) => one.name === 'process' && one.pid !== pid);
      });
      assert.deepEqual(await processes.quarantine(), before);

      await assert.rejects(processes.retryQuarantined(1), isPoison);
      assert.deepEqual(seen(await processes.quarantine()), expected, 'it stays, and is no second one');
      heal();
      assert.deepEqual(await processes.retryQuarantined(1), { what: whole, more: 1 });
      assert.deepEqual(await processes.retryQuarantined(2), { what: 'for foo', more: 0 });
      const again = processes.retryQuarantined(3);
      await processes
        .dropQuarantined(3)
        .catch((error) => assert.equal(error.code, 'SKERRY_NOT_FOUND', 'answered, and gone, before'));
      assert.deepEqual(await again, { what: 'for a server', more: 0 }, 'dropped meanwhile, and answered all the same');
      await processes.dropQuarantined(4);
      assert.deepEqual(await processes.quarantine(), []);
      for (const id of [1, 99]) await assert.rejects(processes.retryQuarantined(id), { code: 'SKERRY_NOT_FOUND' });
      for (const id of [0, -1, 1.5, '3' as never, undefined as never])
        await assert.rejects(processes.dropQuarantined(id), { code: 'SKERRY_INVALID' });
      assert.equal(await servers.sick.fine(), 'fine');
    },
  );
}

test('skerry poison lists, shows, tries again and drops, for people and for programs', TIMEOUT, async (t) => {
  const { folder, file } = sickness(t);
  const env = { XDG_RUNTIME_DIR: folder, SKERRY_SYSTEM: '', E2E_SICK: file };
  const program = start(t, [CLI, 'run', fixture('sick.system.js')], { env });
  await until('it is up', () => program.stdout().includes('up; Ctrl-C stops it'), 20_000);
  const skerry = (...args: string[]) => start(t, [CLI, ...args], { env }).ended;
  const told = async (...args: string[]) => {
    const { code, stdout, stderr } = await skerry(...args);
    assert.equal(code, 0, `skerry ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  assert.equal(await told('poison', 'list'), 'no call is in quarantine\n');
  for (const what of ['first', 'second \u001b[2J', 'third']) {
    const { code, stderr } = await skerry('call', 'sick', 'weigh', JSON.stringify(what));
    assert.equal(code, 1);
    assert.match(stderr, /SKERRY_POISON/);
  }
  assert.match(
    program.stderr(),
    /sick\.weigh\(\) was alone in the server at 2 deaths \(the last: SIGABRT\).*skerry poison show 1/,
  );
  const lines = (await told('poison', 'list')).split('\n');
  assert.match(lines[0] as string, /^ID +TIME +CALL +BY +FOR +DEATHS +BYTES +LAST REASON$/);
  assert.match(lines[1] as string, /^ 1 +\d\d:\d\d:\d\d +sick\.weigh +process +operator +2 +\d+ +SIGABRT$/);
  const json = (await told('poison', 'list', '--json')).trim().split('\n');
  assert.deepEqual(
    json.map((line) => (JSON.parse(line) as QuarantinedEntry).id),
    [1, 2, 3],
  );
  const shown = await told('poison', 'show', '2');
  assert.match(shown, /^sick\.weigh, in quarantine since[\s\S]*deaths +2 of sick\.0, alone; the last: SIGABRT[\s\S]*'second /);
  assert.ok(!shown.includes('\u001b'));
  assert.deepEqual((JSON.parse(await told('poison', 'show', '1', '--json')) as { args: unknown[] }).args, ['first']);
  assert.match((await skerry('poison', 'retry', '1')).stderr, /SKERRY_POISON/);
  rmSync(file);
  assert.deepEqual(JSON.parse(await told('poison', 'retry', '1')), { what: 'first', more: 0 });
  assert.equal(await told('poison', 'drop', '2'), 'call 2 is dropped\n');
  assert.match((await skerry('poison', 'show', '2')).stderr, /no call 2 in quarantine; there are: 3/);
  assert.equal(await told('poison', 'drop', '--all'), 'call 3 is dropped\n');
  for (const wrong of [[], ['look'], ['show'], ['show', 'x'], ['show', '1', '2'], ['list', '1'], ['list', '--all']]) {
    const { code, stderr } = await skerry('poison', ...wrong);
    assert.equal(code, 2, `${wrong}: ${stderr}`);
  }
  assert.deepEqual((await told('completion', '--words', '--', 'poison', 'r')).trim(), 'retry');
});
