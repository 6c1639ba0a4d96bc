// The producer's half of parking: look at the consumer's `parked` word after publishing, and ring at most once in each of its epochs.
//
//   producer: publish; load parked; odd and not rung for → ring         // sync: parked
//   consumer: parked = odd; look once more; sleep on the doorbell
//
// With a fence on both sides at least one of the two sees the other's store (scripts/litmus.mjs tries it for real).
//
// A fence for each record is dear, so an end that is polled publishes without one, and its look counts only if it sees the peer asleep. When
// its poller finds nothing more from that peer, and before it parks or closes, it makes up for it: fence, look again, and ring, unless the peer
// has taken all meanwhile (verify/ring.pml, NO_SETTLE, SOME_IS_ALL). Until then a peer that fell asleep at that very moment may wait: what is
// published is on its way out of its core for a fraction of a microsecond. So who falls asleep beside a peer that is awake looks for as long
// (Poller), and a server looks again before each handler.

import { fence, loadAcquire } from '../../memory/order.ts';

export class Bell {
  readonly #words: Int32Array;
  readonly #word: number;
  readonly #ring: () => void;
  #rung = 0;
  #unsettled = false;

  /** @param ring writes to the peer's doorbell; never blocks or throws. */
  constructor(words: Int32Array, word: number, ring: () => void) {
    this.#words = words;
    this.#word = word;
    this.#ring = ring;
  }

  /** The next time that the peer sleeps it is rung for, whatever has been rung before. */
  renew(): void {
    this.#rung = 0;
  }

  /**
   * @param fenced whether there was a fence since what is rung for was published; without, `settle` comes later.
   * @returns whether the peer sleeps, or has been rung for and is on its way.
   */
  ringIfParked(fenced: boolean): boolean {
    if (!fenced) this.#unsettled = true;
    const parked = loadAcquire(this.#words, this.#word); // sync: parked
    if ((parked & 1) === 0) return false;
    if (parked === this.#rung) return true;
    this.#rung = parked;
    this.#ring();
    return true;
  }

  /** One that sleeps publishes behind a fence when it wakes, and rings. */
  peerSleeps(): boolean {
    return (loadAcquire(this.#words, this.#word) & 1) === 1;
  }

  /** If a look without a fence is to be made up for: looks once more, still without one. What was on its way then is there by now. */
  lookAgain(): void {
    if (this.#unsettled) this.ringIfParked(true);
  }

  /** Makes up for looks without a fence. @param published a peer that has taken it all may sleep on. */
  settle(published: { readonly isTaken: boolean }): void {
    if (!this.#unsettled) return;
    this.#unsettled = false;
    fence();
    if (this.peerSleeps() && !published.isTaken) this.ringIfParked(true);
  }
}

/** The consumer's half. */
export class ParkedWord {
  readonly #words: Int32Array;
  readonly #word: number;
  #value = 0;

  constructor(words: Int32Array, word: number) {
    this.#words = words;
    this.#word = word;
  }

  park(): void {
    if ((this.#value & 1) === 1) return;
    this.#value = (this.#value + 1) | 0;
    Atomics.store(this.#words, this.#word, this.#value); // sync: parked
  }

  /** The next epoch of the same sleep: who has rung in this one may ring again. */
  parkAnew(): void {
    this.#value = (this.#value + 2) | 0;
    Atomics.store(this.#words, this.#word, this.#value); // sync: parked
  }

  unpark(): void {
    if ((this.#value & 1) === 0) return;
    this.#value = (this.#value + 1) | 0;
    Atomics.store(this.#words, this.#word, this.#value);
  }
}
