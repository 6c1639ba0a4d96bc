// What the campaign has asked for, and how each call ended: exactly one outcome for each id, or none yet.
//
// Ids count from 0; a request's token is made from seed and id. Compact: a campaign makes millions of requests.

import { nowMs } from '../src/base/clock.ts';
import { tokenOf } from './tokens.ts';

/** `add` is an effect that must not be doubled, `put` one that may be; the others have none. */
export type Operation = 'add' | 'put' | 'work' | 'echo';
/** `answered`: rightly. `wrong`: with something else. `refused`: rejected, with the word that it was not executed. `failed`: it may have been. */
export type Outcome = 'answered' | 'wrong' | 'refused' | 'failed';

const OPERATIONS: readonly Operation[] = ['add', 'put', 'work', 'echo'];
const OUTCOMES = ['pending', 'answered', 'wrong', 'refused', 'failed'] as const;

export interface Tally {
  asked: number;
  answered: number;
  wrong: number;
  refused: number;
  failed: number;
  hung: number;
}

/** A call that was rejected. Times are CLOCK_MONOTONIC ms. */
export interface Rejection {
  readonly begunMs: number;
  readonly atMs: number;
  readonly error: unknown;
}

const REJECTIONS_MAX = 10_000;

interface Pending {
  readonly begunMs: number;
  readonly untilMs: number;
}

export class Journal {
  readonly seed: number;
  readonly tally: Tally = { asked: 0, answered: 0, wrong: 0, refused: 0, failed: 0, hung: 0 };
  /** Calls rejected by code, or by the error's name. */
  readonly errors = new Map<string, number>();
  /** Ids that were settled since somebody took them. */
  #settled: number[] = [];
  #rejections: Rejection[] = [];
  /** When those had begun that their own deadline has ended. */
  #timeouts: number[] = [];
  #operations = new Uint8Array(1 << 12);
  #outcomes = new Uint8Array(1 << 12);
  /** When each has begun, and must have its outcome, CLOCK_MONOTONIC ms. */
  readonly #pending = new Map<number, Pending>();

  constructor(seed: number) {
    this.seed = seed;
  }

  get count(): number {
    return this.tally.asked;
  }

  get pending(): number {
    return this.#pending.size;
  }

  token(id: number): number {
    return tokenOf(this.seed, id);
  }

  operation(id: number): Operation {
    return OPERATIONS[this.#operations[id] as number] as Operation;
  }

  outcome(id: number): (typeof OUTCOMES)[number] {
    return OUTCOMES[this.#outcomes[id] as number] as (typeof OUTCOMES)[number];
  }

  /** @param withinMs until when it must have an outcome. @returns its id */
  begin(operation: Operation, withinMs: number): number {
    const id = this.tally.asked;
    this.tally.asked += 1;
    if (id >= this.#operations.length) {
      this.#operations = grown(this.#operations);
      this.#outcomes = grown(this.#outcomes);
    }
    this.#operations[id] = OPERATIONS.indexOf(operation);
    const begunMs = nowMs();
    this.#pending.set(id, { begunMs, untilMs: begunMs + withinMs });
    return id;
  }

  /**
   * One that has an outcome, or has counted as hung, keeps it.
   * @param error of one that was rejected. @param timeoutMs of one of the load: its deadline.
   */
  settle(id: number, outcome: Outcome, error?: unknown, timeoutMs = Number.POSITIVE_INFINITY): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#outcomes[id] = OUTCOMES.indexOf(outcome);
    this.tally[outcome] += 1;
    this.#settled.push(id);
    if (error === undefined) return;
    if (this.#rejections.length < REJECTIONS_MAX) this.#rejections.push({ begunMs: pending.begunMs, atMs: nowMs(), error });
    const { code, name } = error as { code?: unknown; name?: unknown };
    if (code === 'SKERRY_TIMEOUT' && nowMs() >= pending.begunMs + timeoutMs) this.#timeouts.push(pending.begunMs);
    const word = String(code ?? name);
    this.errors.set(word, (this.errors.get(word) ?? 0) + 1);
  }

  /** Counts those that should have had an outcome by now, each once. */
  countHung(now = nowMs()): void {
    for (const [id, { untilMs }] of this.#pending) {
      if (now <= untilMs) continue;
      this.#pending.delete(id);
      this.tally.hung += 1;
    }
  }

  /** Since they were taken last. */
  takeRejections(): readonly Rejection[] {
    const rejections = this.#rejections;
    this.#rejections = [];
    return rejections;
  }

  /** When those had begun, of the load, that their deadline has ended since they were taken last. */
  takeTimeouts(): readonly number[] {
    const timeouts = this.#timeouts;
    this.#timeouts = [];
    return timeouts;
  }

  takeSettled(): readonly number[] {
    const settled = this.#settled;
    this.#settled = [];
    return settled;
  }
}

function grown(array: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(array.length * 2);
  larger.set(array);
  return larger;
}
