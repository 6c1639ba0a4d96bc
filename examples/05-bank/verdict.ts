// What was asked, what was told, and what the journal says: compared by one who trusts nobody, the ledger's own code neither.

import { isDeepStrictEqual } from 'node:util';
import type { Entry } from './accounts.ts';
import type { Asked } from './clients.ts';

export interface Evidence {
  readonly asked: ReadonlyMap<string, Asked>;
  /** The whole lines of the journal when the program started, and at the end. */
  readonly journal: { readonly before: string; readonly after: string };
  /** As the ledger told it; undefined when the system ended before it could be asked. */
  readonly sum: { readonly before: number; readonly after: number | undefined };
  /** Each sum that the auditor told. */
  readonly audits: readonly number[];
}

/** @returns lines to be read, and whether all is right. */
export function judge({ asked, journal, sum, audits }: Evidence): { readonly lines: string[]; readonly isRight: boolean } {
  const outcomes = [...asked.values()];
  const count = (was: string): number => outcomes.filter(({ outcome }) => outcome?.was === was).length;
  const errors = outcomes.flatMap(({ outcome }) => (outcome?.was === 'failed' ? [outcome.error] : []));
  const entries = readEntries(journal.after);
  const earlier = readEntries(journal.before).length;
  const where = new Map(entries.map(({ id }, index) => [id, index]));
  const replayed = replay(entries);

  const findings: readonly [string, boolean][] = [
    ['all of them have an outcome', outcomes.every(({ outcome }) => outcome !== undefined)],
    ['what failed has a code', errors.every((error) => /^SKERRY_\w+$/.test(error))],
    ['the sum stayed what it was', [sum.after ?? sum.before, replayed.sum, ...audits].every((found) => found === sum.before)],
    ['no balance was ever below zero', replayed.lowest >= 0],
    ['the journal goes on from what it was', journal.after.startsWith(journal.before)],
    ['no id is in the journal twice', where.size === entries.length],
    [
      'each answered transfer is in the journal, exactly once, with the number that was told',
      outcomes.every(({ transfer, outcome }) => outcome?.was !== 'answered' || where.get(transfer.id) === outcome.receipt - 1),
    ],
    [
      'no refused transfer is in the journal',
      outcomes.every(({ transfer, outcome }) => outcome?.was !== 'refused' || !where.has(transfer.id)),
    ],
    [
      'each new line of the journal is a transfer that was asked for',
      entries.slice(earlier).every((entry) => 'accounts' in entry || isDeepStrictEqual(asked.get(entry.id)?.transfer, entry)),
    ],
  ];
  const isRight = findings.every(([, holds]) => holds);
  const failed = errors.length > 0 ? ` (${tally(errors)})` : '';
  return {
    lines: [
      `transfers asked: ${asked.size}`,
      `  answered: ${count('answered')}`,
      `  refused for want of money: ${count('refused')}`,
      `  failed: ${errors.length}${failed}`,
      `lines in the journal: ${entries.length}, ${earlier} of them from before`,
      `audits: ${audits.length}`,
      `sum before: ${sum.before}`,
      `sum after: ${sum.after ?? 'nobody could be asked'}; by the journal: ${replayed.sum}`,
      ...findings.map(([finding, holds]) => `${finding}: ${holds ? 'yes' : 'NO'}`),
      isRight ? 'the books are right' : 'THE BOOKS ARE WRONG',
    ],
    isRight,
  };
}

function readEntries(lines: string): Entry[] {
  return lines
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** Whatever the entries say, doubled ones too. */
function replay(entries: readonly Entry[]): { readonly sum: number; readonly lowest: number } {
  const balances: number[] = [];
  let lowest = 0;
  for (const entry of entries) {
    if ('accounts' in entry) {
      for (let n = 0; n < entry.accounts; n++) balances.push(entry.cents);
    } else {
      balances[entry.from] -= entry.cents;
      balances[entry.to] += entry.cents;
      lowest = Math.min(lowest, balances[entry.from]);
    }
  }
  return { sum: balances.reduce((sum, balance) => sum + balance, 0), lowest };
}

/** `a 2, b 1` */
export function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, times]) => `${word} ${times}`).join(', ');
}
