// The one writer of the accounts. Every entry is a line of the journal before it is answered; a successor reads the journal, and knows
// what its predecessors knew.
//
// Its methods may be run again after a death, honestly: an entry whose id is in the journal already is answered as before.

import { method, options, server } from 'skerry';
import { Accounts, type Entry, type Opening, type Transfer } from './accounts.ts';
import { Journal } from './journal.ts';

export default server({ options: options<{ journal: string }>() }, async ({ options }) => {
  const journal = await Journal.open(options.journal);
  const accounts = new Accounts();
  for (const line of journal.lines) accounts.book(JSON.parse(line));

  /** Nobody is told of anything before all that it rests on is on the disk, of a refusal neither. */
  async function told<T>(work: () => T): Promise<T> {
    try {
      return work();
    } finally {
      await journal.written();
    }
  }

  function book(entry: Entry): number {
    const before = accounts.receiptOf(entry);
    if (before !== undefined) return before;
    const receipt = accounts.book(entry);
    journal.append(JSON.stringify(entry));
    return receipt;
  }

  return {
    /** @returns the receipt: the number of the entry in the journal */
    open: method({ idempotent: true }, (opening: Opening) => told(() => book(opening))),
    /** @throws Refusal */
    transfer: method({ idempotent: true }, (transfer: Transfer) => told(() => book(transfer))),
    /** By account, cents. */
    balances: method({ idempotent: true }, () => told(() => [...accounts.balances])),
  };
});
