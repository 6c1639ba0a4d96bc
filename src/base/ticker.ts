// One timer for all who want to be called as often: a process that looks at many things wakes once for all of them.

interface Round {
  readonly acts: Set<() => void>;
  readonly timer: NodeJS.Timeout;
}

export class Ticker {
  readonly #rounds = new Map<number, Round>();

  /** Calls `act` each `ms`, and the first time within that; keeps no process alive. @returns ends it, from the next call on */
  every(ms: number, act: () => void): () => void {
    let round = this.#rounds.get(ms);
    if (round === undefined) {
      const acts = new Set<() => void>();
      const timer = setInterval(() => {
        for (const one of [...acts]) if (acts.has(one)) one();
      }, ms);
      timer.unref();
      round = { acts, timer };
      this.#rounds.set(ms, round);
    }
    const { acts, timer } = round;
    const own = () => act(); // the same function may be wanted twice
    acts.add(own);
    return () => {
      if (!acts.delete(own) || acts.size > 0) return;
      clearInterval(timer);
      this.#rounds.delete(ms);
    };
  }
}
