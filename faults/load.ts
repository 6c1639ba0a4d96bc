// Clients: so many requests in flight all the time, by way of the front and straight to the others, each with an id, a deadline and
// exactly one outcome in the journal.

import { setTimeout as sleep } from 'node:timers/promises';
import { call, isSkerryError, type OperatingSystem } from '../src/index.ts';
import { Random } from '../test/fault/random.ts';
import type { Journal, Operation, Outcome } from './journal.ts';
import type campaignSystem from './system/campaign.system.ts';
import type { Ack } from './system/ledger.server.ts';
import { workOf } from './tokens.ts';

export type CampaignSystem = OperatingSystem<(typeof campaignSystem)['servers']>;

export interface LoadOptions {
  readonly lanes: number;
  /** Between an answer and the next request of a lane, ms, at most. */
  readonly pauseMs: number;
  /** Deadline of a request; 0: none is given to Skerry. */
  readonly timeoutMs: number;
  /** Beyond it a request without an outcome hangs, ms after its begin. */
  readonly hangMs: number;
}

export const LOAD: LoadOptions = { lanes: 10, pauseMs: 12, timeoutMs: 5_000, hangMs: 8_000 };

/** One way to ask for something. @returns what came, as an acknowledgement */
type Way = readonly [Operation, (servers: CampaignSystem['servers'], id: number, token: number) => Promise<Ack>];

export class Load {
  readonly #servers: CampaignSystem['servers'];
  readonly #journal: Journal;
  readonly #options: LoadOptions;
  readonly #ways: readonly Way[];
  #on = false;
  #lanes: Promise<void>[] = [];

  constructor(sys: CampaignSystem, journal: Journal, options: LoadOptions = LOAD) {
    this.#servers = sys.servers;
    this.#journal = journal;
    this.#options = options;
    this.#ways = waysWith(options.timeoutMs);
  }

  start(): void {
    if (this.#on) return;
    this.#on = true;
    this.#lanes = Array.from({ length: this.#options.lanes }, () => this.#run());
  }

  /** No more requests; resolves when none is in flight, or those that are hang. */
  async pause(): Promise<void> {
    this.#on = false;
    await Promise.race([Promise.all(this.#lanes), sleep(this.#options.hangMs + 500, undefined, { ref: false })]);
    this.#journal.countHung();
  }

  async #run(): Promise<void> {
    const { hangMs, pauseMs, timeoutMs } = this.#options;
    while (this.#on) {
      const random = new Random(this.#journal.seed, this.#journal.count);
      const [operation, ask] = random.pick(this.#ways);
      const id = this.#journal.begin(operation, hangMs);
      const token = this.#journal.token(id);
      try {
        const answer: unknown = await ask(this.#servers, id, token);
        this.#journal.settle(id, isAck(answer, id, token) ? 'answered' : 'wrong');
      } catch (error) {
        this.#journal.settle(id, outcomeOf(error), error, timeoutMs > 0 ? timeoutMs : undefined);
      }
      await sleep(random.int(0, pauseMs));
    }
  }
}

export function outcomeOf(error: unknown): Outcome {
  return isSkerryError(error) && error.maybeExecuted === false ? 'refused' : 'failed';
}

export function isAck(answer: unknown, id: number, token: number): boolean {
  const ack = answer as Partial<Ack> | undefined | null;
  return ack?.id === id && ack.token === token;
}

function waysWith(timeoutMs: number): readonly Way[] {
  const options = { timeoutMs };
  const worked = async (work: Promise<number>, id: number, token: number): Promise<Ack> =>
    (await work) === workOf(id, token) ? { id, token } : { id: -1, token: 0 };
  return [
    ['add', ({ front }, id, token) => call(front, options).add(id, token)],
    ['add', ({ compute }, id, token) => call(compute, options).add(id, token)],
    ['add', ({ ledger }, id, token) => call(ledger, options).add(id, token)],
    ['put', ({ front }, id, token) => call(front, options).put(id, token)],
    ['put', ({ compute }, id, token) => call(compute, options).put(id, token)],
    ['put', ({ ledger }, id, token) => call(ledger, options).put(id, token)],
    ['work', ({ front }, id, token) => worked(call(front, options).work(id, token), id, token)],
    ['work', ({ compute }, id, token) => worked(call(compute, options).work(id, token), id, token)],
    ['echo', ({ front }, id, token) => call(front, options).echo(id, token)],
    ['echo', ({ driver }, id, token) => call(driver, options).echo(id, token)],
  ];
}
