// Cancel and credit of calls, by slot: levels, so that nothing can overflow, and what a successor has to know is at hand.

import { CALLS_MAX } from '../../protocol/limits.ts';
import { NO_CALL } from '../transport.ts';

export class Levels {
  readonly #cancelled = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  readonly #creditIds = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  readonly #credits = new Uint32Array(CALLS_MAX);

  cancel(callId: number): void {
    this.#cancelled[callId % CALLS_MAX] = callId;
  }

  isCancelled(callId: number): boolean {
    return this.#cancelled[callId % CALLS_MAX] === callId;
  }

  /** The call is over: its id will be another's one day. */
  forget(callId: number): void {
    if (this.isCancelled(callId)) this.#cancelled[callId % CALLS_MAX] = NO_CALL;
  }

  setCredit(callId: number, total: number): void {
    this.#creditIds[callId % CALLS_MAX] = callId;
    this.#credits[callId % CALLS_MAX] = total;
  }

  creditOf(callId: number): number {
    const slot = callId % CALLS_MAX;
    return this.#creditIds[slot] === callId ? (this.#credits[slot] as number) : 0;
  }
}
