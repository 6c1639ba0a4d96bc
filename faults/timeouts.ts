// Calls of the load that only their deadline has ended: an answer that was withheld, or a wake-up that was lost. To which kind of fault
// each belongs is told by when it was begun; a kind that withholds answers (it expects deadlines) comes first.

import type { Kind } from './kinds/kind.ts';

interface Span {
  readonly kind: Kind;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A call that takes longer has been in the way of a fault. */
const CALL_MS = 500;
/** Deadlines are told of so long after a step, at most. */
const KEPT_MS = 20_000;

export class Timeouts {
  readonly byKind: Record<string, number> = {};
  #spans: Span[] = [];

  /** A step has ended. Times are CLOCK_MONOTONIC ms. @param begunMs of calls whose deadlines have passed since the last one */
  add(kind: Kind, fromMs: number, untilMs: number, begunMs: readonly number[]): void {
    this.#spans = [...this.#spans.filter((span) => span.untilMs > fromMs - KEPT_MS), { kind, fromMs, untilMs }];
    for (const begun of begunMs) this.#count(begun);
  }

  /** Of those that come when no step is on. */
  rest(begunMs: readonly number[]): void {
    for (const begun of begunMs) this.#count(begun);
  }

  #count(begunMs: number): void {
    const near = this.#spans.filter(({ fromMs, untilMs }) => fromMs < begunMs + CALL_MS && untilMs > begunMs);
    const span = near.find(({ kind }) => kind.expected.includes('deadline')) ?? near[0];
    const name = span?.kind.name ?? 'none';
    this.byKind[name] = (this.byKind[name] ?? 0) + 1;
  }
}
