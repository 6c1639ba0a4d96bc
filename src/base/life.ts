// What keeps a process alive while it waits for something that no handle of its event loop stands for: a timer that never fires. To switch
// its reference is a matter of JavaScript alone while another timer is referenced, and else a short call of Node's own; that of a handle of
// the addon is a call through Node-API each time.

/** Counts reasons to go on. */
export interface Life {
  hold(): void;
  drop(): void;
}

/** The longest that there is: it wakes the process once in 25 days. */
const NEVER_MS = 0x7fff_ffff;
const { setInterval: realInterval, clearInterval: clearReal } = globalThis;

export class LifeTimer implements Life {
  readonly #timer = realInterval(() => {}, NEVER_MS).unref();
  #holds = 0;

  hold(): void {
    this.#holds += 1;
    if (this.#holds === 1) this.#timer.ref();
  }

  drop(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.#timer.unref();
  }

  /** For good: it keeps nothing alive from now on, whoever holds it. */
  end(): void {
    clearReal(this.#timer);
  }
}
