/** The requests that raw message passing has in flight: an id for each, and who waits for its answer. */
export class Pending<T> {
  readonly #waiting = new Map<number, (value: T) => void>();
  #lastId = 0;

  /** Gives `send` a fresh id; the promise is settled by `settle` with that id. */
  request(send: (id: number) => void): Promise<T> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, resolve);
      send(id);
    });
  }

  settle(id: number, value: T): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(value);
  }
}
