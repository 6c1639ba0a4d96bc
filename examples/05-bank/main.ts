// A reader may kill anything at any time, and the sum stays right.
//
//   node dist/examples/05-bank/main.js [--seconds 10] [--seed 1] [--kills off] [--journal file]
//
// While clients ask for transfers, a killer kills one process after the other with SIGKILL; the process ids are printed, so you can do it
// too. Only the kernel and this program are spared: with one of them the whole system ends. With `--journal` it can be started again then,
// on the same journal.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { boot, call } from 'skerry';
import { ACCOUNTS, type Asked, OPENING_CENTS, runClients } from './clients.ts';
import { pidsByName, runKiller } from './killer.ts';
import { readSettings } from './settings.ts';
import bank from './system.ts';
import { judge } from './verdict.ts';

const SAY_EVERY_MS = 1000;

const settings = readSettings();
const { seed } = settings;
const readJournal = (): string => {
  const text = readFileSync(settings.journal, 'utf8');
  return text.slice(0, text.lastIndexOf('\n') + 1); // a torn last line is none
};
console.log(`--seed ${seed}, journal ${settings.journal}`);

const startedAt = performance.now();
const say = (line: string): void => console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${line}`);
const over = new AbortController();
process.once('SIGINT', () => over.abort());
const sys = await boot(bank, { env: { ...process.env, BANK_JOURNAL: settings.journal } });
const before = readJournal(); // from here on nobody else writes it
const { ledger, teller, auditor } = sys.servers;
let isLost = false; // somebody has killed the kernel
sys.ended().catch((error: Error) => {
  isLost = true;
  say(`${error.message}; with --journal it can be started again on the same journal`);
  over.abort();
});
const sum = async (): Promise<number> => (await ledger.balances()).reduce((total, cents) => total + cents, 0);
await ledger.open({ id: 'opening', accounts: ACCOUNTS, cents: OPENING_CENTS });
const sumBefore = await sum();

const asked = new Map<string, Asked>();
const kills = new Map<string, number>();
const audits: number[] = [];
const parts = [
  runClients(teller, { run: randomUUID().slice(0, 8), seed, asked, over: over.signal }),
  settings.kills ? runKiller(sys.processes, { seed, kills, over: over.signal, say }) : undefined,
  listen(),
  tell(),
];
await pause(settings.seconds * 1000, undefined, { signal: over.signal }).catch(() => {});
over.abort();
await Promise.all(parts);

const sumAfter = isLost ? undefined : await sum();
const restarts = await sys.processes.list().catch(() => []);
await sys.stop();
const journal = { before, after: readJournal() };
const { lines, isRight } = judge({ asked, journal, sum: { before: sumBefore, after: sumAfter }, audits });
console.log(`kills: ${[...kills].map(([name, times]) => `${name} ${times}`).join(', ') || 'none'}`);
console.log(`restarts: ${restarts.map(({ name, restarts: times }) => `${name} ${times}`).join(', ')}`);
console.log(lines.join('\n'));
process.exitCode = isRight ? 0 : 1;

/** A stream ends with its server: then the successor is asked for a new one. */
async function listen(): Promise<void> {
  while (!over.signal.aborted) {
    try {
      for await (const found of call(auditor, { signal: over.signal }).audits(sumBefore)) audits.push(found);
    } catch {
      await pause(10);
    }
  }
}

/** Whom to kill, and how things stand. */
async function tell(): Promise<void> {
  while (!over.signal.aborted) {
    const pids = [...(await pidsByName(sys.processes))].map(([name, some]) => `${name} ${some.join(' ')}`);
    const answered = [...asked.values()].filter(({ outcome }) => outcome?.was === 'answered').length;
    if (pids.length > 0) say(`${answered} answered; ${pids.join(', ')}`);
    await pause(SAY_EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
  }
}
