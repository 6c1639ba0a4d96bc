// The accounts as the journal's entries make them: a pure function of the entries and their order. No balance goes below zero, and an
// id is booked once.

import { isDeepStrictEqual } from 'node:util';
import { SkerryError } from 'skerry';

/** Opens accounts 0 to `accounts` - 1, each with so many cents. */
export interface Opening {
  readonly id: string;
  readonly accounts: number;
  readonly cents: number;
}

export interface Transfer {
  /** Made by the client, who gives the same id whenever it asks for the same transfer. */
  readonly id: string;
  readonly from: number;
  readonly to: number;
  /** 1 or more. */
  readonly cents: number;
}

export type Entry = Opening | Transfer;

/** A transfer that is refused for want of money. It is not booked, and may be asked for again. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code = 'BANK_NO_MONEY';
}

export class Accounts {
  /** By account, cents. */
  readonly balances: number[] = [];
  readonly #booked = new Map<string, { readonly entry: Entry; readonly receipt: number }>();

  /**
   * The receipt of an entry that has been booked: its number in the journal, from 1.
   * @throws SKERRY_INVALID when its id stands for another entry
   */
  receiptOf(entry: Entry): number | undefined {
    const known = this.#booked.get(entry.id);
    if (known === undefined || isDeepStrictEqual(known.entry, entry)) return known?.receipt;
    throw new SkerryError('SKERRY_INVALID', `the id ${entry.id} stands for another entry: ${JSON.stringify(known.entry)}`);
  }

  /**
   * Books an entry whose id is new. What throws has changed nothing.
   * @returns its receipt
   * @throws Refusal, SKERRY_INVALID
   */
  book(entry: Entry): number {
    if ('accounts' in entry) this.balances.push(...Array.from({ length: entry.accounts }, () => entry.cents));
    else this.#move(entry);
    const receipt = this.#booked.size + 1;
    this.#booked.set(entry.id, { entry, receipt });
    return receipt;
  }

  #move({ id, from, to, cents }: Transfer): void {
    for (const account of [from, to])
      if (!(account in this.balances)) throw new SkerryError('SKERRY_INVALID', `transfer ${id}: there is no account ${account}`);
    if (this.balances[from] < cents)
      throw new Refusal(`transfer ${id}: account ${from} has ${this.balances[from]} cents, ${cents} are asked for`);
    this.balances[from] -= cents;
    this.balances[to] += cents;
  }
}
