// Computes a word from a request, and has effects stored by the ledger.

import { setTimeout as sleep } from 'node:timers/promises';
import { method, server, uses } from '../../src/index.ts';
import { workOf } from '../tokens.ts';
import { faultPort } from './fault-port.ts';
import type ledger from './ledger.server.ts';
import type { Ack } from './ledger.server.ts';

export default server({ uses: { ledger: uses<typeof ledger>() } }, (ctx) => {
  const { ledger } = ctx.uses;
  return {
    ...faultPort({ uses: 'ledger', mayNotUse: 'driver', flood: () => ledger.nothing() }),

    nothing: method({ idempotent: true }, (): void => {}),
    add: (id: number, token: number): Promise<Ack> => ledger.add(id, token),
    put: method({ idempotent: true }, (id: number, token: number): Promise<Ack> => ledger.put(id, token)),

    /** Every fourth takes a moment, so that some are always under way. */
    work: method({ idempotent: true }, async (id: number, token: number): Promise<number> => {
      if ((token & 3) === 0) await sleep(token & 7);
      return workOf(id, token);
    }),
  };
});
