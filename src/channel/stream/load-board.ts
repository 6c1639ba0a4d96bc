// The load of an instance, as its server ends tell their clients, and who of them was told that only one handler runs.
//
// A client decides by the last number whether its call was alone at a death (poison). Too high a number is careful; "one" must be true
// as long as it stands, so whoever was told it is told again before a second handler starts.

import type { StatusCounters } from '../../memory/status.ts';

export interface LoadTeller {
  tellLoad(): void;
}

export class LoadBoard {
  readonly #status: StatusCounters;
  readonly #toldOne = new Set<LoadTeller>();

  constructor(status: StatusCounters) {
    this.#status = status;
  }

  get running(): number {
    return this.#status.running;
  }

  get queued(): number {
    return this.#status.queued;
  }

  /** @param running what `end` has just told its client. */
  told(end: LoadTeller, running: number): void {
    if (running === 1) this.#toldOne.add(end);
    else if (this.#toldOne.size > 0) this.#toldOne.delete(end);
  }

  /** Handlers are about to start for `starter`, which tells its client itself. */
  starting(starter: LoadTeller): void {
    if (this.#toldOne.size === 0 || this.#status.running < 2) return;
    for (const end of [...this.#toldOne]) if (end !== starter) end.tellLoad();
  }

  forget(end: LoadTeller): void {
    this.#toldOne.delete(end);
  }
}
