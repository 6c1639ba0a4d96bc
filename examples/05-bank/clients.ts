// Clients who ask for transfers, one after the other, and note what became of each.

import { setTimeout as pause } from 'node:timers/promises';
import { isSkerryError } from 'skerry';
import type { Transfer } from './accounts.ts';
import { drawing } from './random.ts';

export const ACCOUNTS = 16;
export const OPENING_CENTS = 10_000;
const CLIENTS = 32;
const CENTS_MAX = 4_000;
/** After a failure: what is down may be so for a while. */
const FAILURE_PAUSE_MS = 50;

/** `failed`: nobody knows whether it has been booked. `error` is its code, or what came without one. */
export type Outcome =
  | { readonly was: 'answered'; readonly receipt: number }
  | { readonly was: 'refused' }
  | { readonly was: 'failed'; readonly error: string };

export interface Asked {
  readonly transfer: Transfer;
  outcome?: Outcome;
}

/** The n-th transfer of a client in one run of the program: all but its id comes from the seed. */
export function transferOf(run: string, seed: number, client: number, n: number): Transfer {
  const draw = drawing(seed, client, n);
  const from = draw(ACCOUNTS);
  const to = (from + 1 + draw(ACCOUNTS - 1)) % ACCOUNTS;
  return { id: `${run}-${client}-${n}`, from, to, cents: 1 + draw(CENTS_MAX) };
}

/**
 * Runs all clients until `over` aborts; what they have asked for by then is waited for.
 * @param asked what they have asked for, by id; filled while they run.
 */
export async function runClients(
  teller: { transfer(transfer: Transfer): Promise<number> },
  { run, seed, asked, over }: { run: string; seed: number; asked: Map<string, Asked>; over: AbortSignal },
): Promise<void> {
  const client = async (_: unknown, number: number): Promise<void> => {
    for (let n = 0; !over.aborted; n++) {
      const transfer = transferOf(run, seed, number, n);
      const noted: Asked = { transfer };
      asked.set(transfer.id, noted);
      noted.outcome = await teller.transfer(transfer).then((receipt) => ({ was: 'answered', receipt }), outcomeOf);
      if (noted.outcome.was === 'failed') await pause(FAILURE_PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

function outcomeOf(error: unknown): Outcome {
  if (Object(error).code === 'BANK_NO_MONEY') return { was: 'refused' };
  return { was: 'failed', error: isSkerryError(error) ? error.code : String(error) };
}
