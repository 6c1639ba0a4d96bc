// The example 05-bank: while anything of it is killed, and after all of it was, the journal is right. It is read here without the example's
// own judgement of it, which is looked at as well.

import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { server } from 'skerry';
import { mount } from 'skerry/test';
import type { Entry, Transfer } from '../../examples/05-bank/accounts.ts';
import { transferOf } from '../../examples/05-bank/clients.ts';
import teller from '../../examples/05-bank/teller.server.ts';
import { loadNative } from '../../src/memory/load-native.ts';
import { descendants, until } from '../fault/processes.ts';
import { emptyFolder, gone, nothingIsLeft, type Program, root, run, start, TRANSPORTS } from './world.ts';

const TIMEOUT = { timeout: 60_000 };
const MAIN = join(root, 'dist/examples/05-bank/main.js');
const SUM = 160_000;
/** With it teller, ledger, auditor, process server, teller and ledger are killed first, in this order, within 2.9 s. */
const SEED = 295;

/** What it says of itself: the lines with a colon, by what stands before it; and all findings are good. */
function verdict(stdout: string): Map<string, string> {
  const said = new Map(stdout.split('\n').map((line) => line.trim().split(': ') as [string, string]));
  const findings = [...said].filter(([, value]) => value === 'yes' || value === 'NO');
  assert.equal(findings.length, 9, stdout);
  assert.ok(
    findings.every(([, value]) => value === 'yes'),
    stdout,
  );
  assert.ok(stdout.trimEnd().endsWith('the books are right'), stdout);
  assert.equal(said.get('sum before'), `${SUM}`);
  assert.equal(said.get('sum after'), `${SUM}; by the journal`);
  return said;
}

/** The transfers in the journal: whole lines, each of them asked for, none of them twice, no balance below zero, nothing lost. */
function booked(journal: string): Transfer[] {
  const [opening, ...lines] = readFileSync(journal, 'utf8').split('\n');
  assert.equal(lines.pop(), '', 'the last line has its end');
  const { accounts, cents: each } = JSON.parse(opening) as { accounts: number; cents: number };
  assert.equal(accounts * each, SUM);
  const balances = Array.from({ length: accounts }, () => each);
  const ids = new Set<string>();
  const transfers = lines.map((line) => JSON.parse(line) as Exclude<Entry, { accounts: number }>);
  for (const transfer of transfers) {
    const { id, from, to, cents } = transfer;
    assert.ok(!ids.has(id), `${id} is there twice`);
    ids.add(id);
    const [run, client, n] = id.split('-');
    assert.deepEqual(transfer, transferOf(run, SEED, Number(client), Number(n)));
    balances[from] -= cents;
    balances[to] += cents;
    assert.ok(balances[from] >= 0, `${id} leaves ${balances[from]}`);
  }
  assert.equal(
    balances.reduce((sum, cents) => sum + cents, 0),
    SUM,
  );
  return transfers;
}

for (const transport of TRANSPORTS) {
  const skip = transport === 'ring' && loadNative().addon === undefined && 'there is no addon';
  test(`whatever is killed, each transfer is booked as it was told, ${transport}`, { ...TIMEOUT, skip }, async (t) => {
    const journal = join(emptyFolder(t, { linked: false }), 'journal');
    const options = ['--seconds', '3.5', '--seed', `${SEED}`, '--journal', journal];
    const said = verdict(await run(t, [MAIN, ...options], { env: { SKERRY_TRANSPORT: transport } }));
    const answered = Number(said.get('answered'));
    const failed = Number.parseInt(said.get('failed') ?? '', 10);
    assert.match(said.get('failed') ?? '', /^(0|\d+ \(SKERRY_POISON \d+\))$/, 'nothing else fails here');
    const { length } = booked(journal);
    assert.ok(answered <= length && length <= answered + failed, `${answered} answered, ${failed} failed, ${length} booked`);
    assert.equal(answered + failed + Number(said.get('refused for want of money')), Number(said.get('transfers asked')));
    assert.ok(answered > 200 && Number(said.get('audits')) > 0, `${answered}`);
    for (const name of ['ledger', 'teller', 'auditor', 'process'])
      assert.match(said.get('kills') ?? '', new RegExp(`${name} \\d`));
    await nothingIsLeft();
  });
}

test('killed as a whole, kernel and all, it goes on from the same journal', TIMEOUT, async (t) => {
  const journal = join(emptyFolder(t, { linked: false }), 'journal');
  const options = ['--seed', `${SEED}`, '--journal', journal];
  const size = (): number => (existsSync(journal) ? statSync(journal).size : 0);
  const underWay = async (): Promise<Program> => {
    const from = size();
    const program = start(t, [MAIN, '--seconds', '60', ...options]);
    await until('transfers are booked', () => size() > from + 20_000, 20_000);
    return program;
  };

  const first = await underWay();
  const pids = [...descendants(first.pid), first.pid];
  for (const pid of pids) kill(pid);
  await gone(pids);
  appendFileSync(journal, '{"id":"torn'); // what a kill in the middle of a write leaves
  const whole = readFileSync(journal, 'utf8').split('\n').slice(0, -1);

  const second = await underWay();
  pids.push(...descendants(second.pid), second.pid);
  kill(second.pid); // its servers notice by and by, and the next may not write before
  const said = verdict(await run(t, [MAIN, '--seconds', '0.5', ...options]));

  const transfers = booked(journal);
  assert.deepEqual(readFileSync(journal, 'utf8').split('\n').slice(0, whole.length), whole);
  assert.equal(new Set(transfers.map(({ id }) => id.split('-')[0])).size, 3, 'three runs have written it');
  assert.match(said.get('lines in the journal') ?? '', new RegExp(`^${transfers.length + 1}, \\d+ of them from before$`));
  await nothingIsLeft();
  await gone(pids);
});

/** It may have gone with another. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {}
}

test('the teller asks the ledger for nothing that is no transfer', TIMEOUT, async () => {
  const asked: unknown[] = [];
  const ledger = server(() => ({ transfer: (transfer: Transfer) => asked.push(transfer) }));
  const mounted = await mount(teller, { uses: { ledger } });
  const good = { id: 'a-1', from: 0, to: 1, cents: 5 };
  const bad = [{ cents: 0 }, { cents: -5 }, { cents: 0.5 }, { cents: '5' }, { from: 1 }, { to: -1 }, { id: '' }, { id: 'a\n' }];
  for (const wrong of [...bad, { tip: 1 }])
    await assert.rejects(mounted.server.transfer({ ...good, ...wrong } as Transfer), { code: 'SKERRY_INVALID' });
  assert.equal(await mounted.server.transfer(good), 1);
  assert.deepEqual(asked, [good]);
  await mounted.stop();
});
