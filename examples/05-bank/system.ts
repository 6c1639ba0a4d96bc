// A bank: a ledger that alone writes the accounts, tellers in front of it, and an auditor. All of them may be killed at any time.
//
//   clients ──transfer(id)──▶ teller.0, teller.1 ──▶ ledger ──▶ journal
//                                        auditor ──▶ ledger

import { system } from 'skerry';

const restart = { stableMs: 0 }; // whatever has been ready is started again at once, however often it is killed

export default system(import.meta.url, {
  ledger: {
    load: () => import('./ledger.server.ts'),
    env: ['BANK_JOURNAL'],
    options: { journal: process.env.BANK_JOURNAL ?? '' },
    restart,
  },
  teller: { load: () => import('./teller.server.ts'), replicas: 2, restart },
  auditor: { load: () => import('./auditor.server.ts'), restart },
});
