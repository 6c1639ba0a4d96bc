// The front of the bank: looks at what clients ask for, and asks the ledger. It holds nothing, so there may be as many as you like.

import { method, server, uses } from 'skerry';
import * as v from 'valibot';
import type ledger from './ledger.server.ts';

const wholeNumber = (least: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(least));

const transfer = v.pipe(
  v.strictObject({
    id: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/)),
    from: wholeNumber(0),
    to: wholeNumber(0),
    cents: wholeNumber(1),
  }),
  v.check(({ from, to }) => from !== to, 'from and to are the same account'),
);

export default server({ uses: { ledger: uses<typeof ledger>(['transfer']) } }, ({ uses: { ledger } }) => ({
  /**
   * May be run again, since the ledger knows the id.
   * @returns the receipt: the number of the transfer in the journal
   * @throws Refusal, with the code BANK_NO_MONEY
   */
  transfer: method({ idempotent: true, input: transfer }, (asked) => ledger.transfer(asked)),
}));
