// Deadlines of all pending calls of this isolate, with one timer.
//
// The timer stands at the earliest deadline noted since it was last set; a settled call does not touch it. When it fires, the owners
// look through what is pending and say what the next deadline is. With equal timeouts a new call's deadline is always later than the
// timer's, so a call costs one comparison.

import { nowMs } from '../base/clock.ts';

const PAUSED_LOOK_MS = 1000;

export interface DeadlineOwner {
  /** Expires what is due. @returns the earliest deadline still pending, or Infinity. */
  expire(nowMs: number): number;
}

export class Deadlines {
  readonly #owners = new Set<DeadlineOwner>();
  #at = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** May a debugger hold this process? Then what it waits for does not expire. */
  isPaused: () => boolean = () => false;

  add(owner: DeadlineOwner): void {
    this.#owners.add(owner);
  }

  remove(owner: DeadlineOwner): void {
    this.#owners.delete(owner);
  }

  note(deadline: number): void {
    if (deadline < this.#at) this.#arm(deadline);
  }

  #arm(deadline: number): void {
    clearTimeout(this.#timer);
    this.#at = deadline;
    if (deadline === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(0, Math.ceil(deadline - nowMs())), 0x7fff_ffff);
    this.#timer = setTimeout(this.#fire, delay);
    this.#timer.unref(); // a pending call keeps the process alive, its timer does not
  }

  readonly #fire = (): void => {
    const now = nowMs();
    let next = Number.POSITIVE_INFINITY;
    this.#at = next;
    if (this.isPaused()) next = now + PAUSED_LOOK_MS;
    else for (const owner of this.#owners) next = Math.min(next, owner.expire(now));
    this.#arm(Math.min(next, this.#at));
  };
}
