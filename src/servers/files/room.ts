// Memory for what is read at once, all readers together: who finds too little of it waits, in order.

export class Room {
  #left: number;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** @param bytes no more than there is in all. */
  async within<T>(bytes: number, run: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || bytes > this.#left) {
      await new Promise<void>((enter) => {
        this.#waiting.push({ bytes, enter });
      });
    } else this.#left -= bytes;
    try {
      return await run();
    } finally {
      this.#left += bytes;
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#left; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#left -= next.bytes;
      next.enter();
    }
  }
}
