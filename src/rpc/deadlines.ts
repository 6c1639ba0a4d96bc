// Deadlines of all pending calls of this isolate, with one timer.
//
// The timer stands at the earliest deadline noted since it was last set; a settled call does not touch it. When it fires, the owners
// look through what is pending and say what the next deadline is; when nothing is, it stands at the deadline noted last, and at none once
// that has passed. With equal timeouts a new call's deadline is always later than the timer's: as long as calls come, each costs a
// comparison, and none sets the timer. (V8 compiles no code for what a call has not done yet, and drops what it had compiled for the whole
// path when one does it: half a minute after its first call, a client's next thousand were slower.)

import { nowMs } from '../base/clock.ts';

const PAUSED_LOOK_MS = 1000;

export interface DeadlineOwner {
  /** Expires what is due. @returns the earliest deadline still pending, or Infinity. */
  expire(nowMs: number): number;
}

export class Deadlines {
  readonly #owners = new Set<DeadlineOwner>();
  #at = Number.POSITIVE_INFINITY;
  /** The deadline noted last. */
  #latest = Number.NEGATIVE_INFINITY;
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
    this.#latest = deadline;
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
    if (next === Number.POSITIVE_INFINITY && this.#latest > now + 1) next = this.#latest;
    this.#arm(Math.min(next, this.#at));
  };
}
