// Probes after a fault: requests through the whole service (front, a replica of compute, ledger, driver), one after the other, until they
// are ended. Each is a `put` in the journal.

import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../src/base/clock.ts';
import { call } from '../src/index.ts';
import type { Journal } from './journal.ts';
import { type CampaignSystem, isAck } from './load.ts';
import type { Probed } from './system/front.server.ts';
import { workOf } from './tokens.ts';

const ATTEMPT_MS = 1_000;
const HANG_MS = ATTEMPT_MS + 3_000;
const PAUSE_MS = 4;

export class Probing {
  readonly #sys: CampaignSystem;
  readonly #journal: Journal;
  readonly #key: string;
  /** Begin and end of each that was answered rightly, CLOCK_MONOTONIC ms. */
  readonly #good: { readonly fromMs: number; readonly atMs: number }[] = [];
  #over = false;
  readonly #loop: Promise<void>;

  /** @param key of the replica of compute that takes part. */
  constructor(sys: CampaignSystem, journal: Journal, key: string) {
    this.#sys = sys;
    this.#journal = journal;
    this.#key = key;
    this.#loop = this.#run();
  }

  /** @returns when the first one was answered rightly that had begun after `sinceMs`; nothing if none was until `untilMs`. */
  async answered(sinceMs: number, untilMs: number): Promise<number | undefined> {
    for (;;) {
      const first = this.#good.find(({ fromMs }) => fromMs >= sinceMs);
      if (first !== undefined) return first.atMs;
      if (nowMs() > untilMs) return undefined;
      await sleep(1);
    }
  }

  end(): Promise<void> {
    this.#over = true;
    return this.#loop;
  }

  async #run(): Promise<void> {
    for (; !this.#over; await sleep(PAUSE_MS)) {
      const fromMs = nowMs();
      if (await this.#attempt()) this.#good.push({ fromMs, atMs: nowMs() });
    }
  }

  async #attempt(): Promise<boolean> {
    const id = this.#journal.begin('put', HANG_MS);
    const token = this.#journal.token(id);
    const probe = call(this.#sys.servers.front, { timeoutMs: ATTEMPT_MS })
      .probe(id, token, this.#key)
      .then((answer) => {
        const isGood = isRight(answer, id, token);
        this.#journal.settle(id, isGood ? 'answered' : 'wrong');
        return isGood;
      })
      .catch((error) => {
        this.#journal.settle(id, 'failed', error); // what one of its parts says of itself does not hold for the others
        return false;
      });
    return Promise.race([probe, sleep(HANG_MS + 100, false, { ref: false })]);
  }
}

function isRight(answer: Probed | undefined, id: number, token: number): boolean {
  return isAck(answer?.stored, id, token) && isAck(answer?.echoed, id, token) && answer?.work === workOf(id, token);
}
