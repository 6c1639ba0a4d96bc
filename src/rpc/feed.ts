// What happens, as a stream: whoever pushes does not wait, a slow consumer loses the oldest, and the stream ends with its call.

import type { CurrentCall } from './call-context.ts';

export class Feed<T> {
  readonly #max: number;
  readonly #items: T[] = [];
  #wake = (): void => {};
  #ended = false;

  /** @param max items that wait to be taken; beyond it the oldest is dropped. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The item pushed last that nobody has taken yet. */
  get last(): T | undefined {
    return this.#items.at(-1);
  }

  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    if (this.#items.length > this.#max) this.#items.shift();
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /**
   * To be iterated once.
   * @param call that is served: its signal ends the stream (`return()` alone does not reach a generator that waits), and while the stream
   *   waits it takes no place among the calls that run.
   */
  async *items(call: Pick<CurrentCall, 'signal' | 'idle'>): AsyncGenerator<T, void> {
    const { signal } = call;
    const onAbort = () => this.end();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        if (this.#items.length > 0) yield this.#items.shift() as T;
        else if (this.#ended) return;
        else {
          const woken = new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          call.idle(true);
          await woken;
          call.idle(false);
        }
      }
    } finally {
      this.#ended = true;
      signal.removeEventListener('abort', onAbort);
    }
  }
}
