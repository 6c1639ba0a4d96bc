// Sums up all accounts, again and again.

import { setTimeout as pause } from 'node:timers/promises';
import { server, uses } from 'skerry';
import type ledger from './ledger.server.ts';

const EVERY_MS = 100;

export default server({ uses: { ledger: uses<typeof ledger>(['balances']) } }, ({ uses: { ledger }, log }) => ({
  /** Each sum that it finds, for as long as somebody listens; says so when it is not the one that is expected. */
  async *audits(expected: number) {
    for (;;) {
      const sum = (await ledger.balances()).reduce((total, cents) => total + cents, 0);
      if (sum !== expected) log.error(`the sum is ${sum}, it was ${expected}`);
      yield sum;
      await pause(EVERY_MS);
    }
  },
}));
