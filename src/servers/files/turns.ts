// Who may act on a mount now: readers together, or one who changes something, alone. So a right that was found is of the same moment as what
// is then opened: between the two nothing is renamed or made. (What is opened is read later, at leisure: it is that file.)

export class Turns {
  #readers = 0;
  #drained = (): void => {};
  #writer: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  async read<T>(run: () => Promise<T>): Promise<T> {
    while (this.#writer !== undefined) await this.#writer;
    this.#readers += 1;
    try {
      return await run();
    } finally {
      this.#readers -= 1;
      if (this.#readers === 0) this.#drained();
    }
  }

  /** One after the other; who comes to read meanwhile waits. */
  change<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.catch(() => {}).then(() => this.#alone(run));
    this.#last = turn;
    return turn;
  }

  /** Everything asked for so far has ended. */
  async idle(): Promise<void> {
    await this.#last.catch(() => {});
  }

  async #alone<T>(run: () => Promise<T>): Promise<T> {
    let release = (): void => {};
    this.#writer = new Promise((resolve) => {
      release = resolve;
    });
    try {
      if (this.#readers > 0)
        await new Promise<void>((resolve) => {
          this.#drained = resolve;
        });
      return await run();
    } finally {
      this.#writer = undefined;
      release();
    }
  }
}
