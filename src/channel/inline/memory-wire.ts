// A wire within one isolate: bytes are copied, and delivered in a later turn of the event loop, as over a socket.

import type { Wire, WireEvents } from '../stream/wire.ts';

export class MemoryWire implements Wire {
  /** Nothing waits on this side: what was written is the reader's. */
  readonly unsent = 0;
  readonly #events: WireEvents;
  #chunks: Uint8Array[] = [];
  #scheduled = false;
  #writable = true;
  #readable = true;
  #ended = false;

  /** @param events the reader's. */
  constructor(events: WireEvents) {
    this.#events = events;
  }

  write(bytes: Uint8Array): void {
    if (!this.#writable) return;
    this.#chunks.push(new Uint8Array(bytes)); // `slice` of a Buffer would be no copy
    this.#schedule();
  }

  /** The writer leaves: what it wrote is still delivered, then the end. */
  close(): void {
    if (!this.#writable) return;
    this.#writable = false;
    this.#schedule();
  }

  /** The reader leaves. */
  leave(): void {
    this.#readable = false;
    this.#writable = false;
    this.#chunks = [];
  }

  #schedule(): void {
    if (this.#scheduled || !this.#readable) return;
    this.#scheduled = true;
    setImmediate(this.#deliver);
  }

  readonly #deliver = (): void => {
    this.#scheduled = false;
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const chunk of chunks) if (this.#readable) this.#events.onChunk(chunk);
    if (this.#writable || !this.#readable || this.#ended || this.#chunks.length > 0) return;
    this.#ended = true;
    this.#events.onEnd();
  };
}
