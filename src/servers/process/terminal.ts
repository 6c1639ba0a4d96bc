// Where the system's own stdout and stderr go, shared with the caller of boot(): a terminal, a file, a pipe that somebody may not read.
// Whoever writes here does not wait: what finds no room is dropped and counted, and that is said once there is room again.

import { write } from 'node:fs';

/** Bytes that wait to be written. */
const WAITING_MAX = 1024 * 1024;
const AGAIN_MS = 10;

/** As `fs.write`. */
type Write = (file: number, bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void) => void;

export class Terminal {
  readonly #file: number;
  readonly #write: Write;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  #busy = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(file: 1 | 2, writeTo: Write = write) {
    this.#file = file;
    this.#write = writeTo;
  }

  write(text: string): void {
    if (this.#closed) return;
    const bytes = Buffer.from(text);
    if (this.#bytes + bytes.length > WAITING_MAX) {
      this.#dropped += bytes.length;
      return;
    }
    this.#push(bytes);
    if (!this.#busy) this.#next();
  }

  /** Resolves when all has been written, or after `longestMs`. */
  flushed(longestMs: number): Promise<void> {
    if (!this.#busy) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, longestMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #push(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
  }

  #next(): void {
    if (this.#waiting.length === 0 && this.#dropped > 0) {
      this.#push(Buffer.from(`… ${this.#dropped} bytes of output were dropped here: they came faster than they were read\n`));
      this.#dropped = 0;
    }
    this.#busy = this.#waiting.length > 0;
    if (!this.#busy) {
      for (const heard of this.#idle.splice(0)) heard();
      return;
    }
    const bytes = this.#waiting.length === 1 ? (this.#waiting[0] as Buffer) : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#put(bytes);
  }

  #put(bytes: Buffer): void {
    this.#write(this.#file, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') return void setTimeout(() => this.#put(bytes), AGAIN_MS);
      if (error !== null) {
        this.#closed = true; // nobody reads it any more
        this.#waiting = [];
        return this.#next();
      }
      this.#bytes -= written;
      if (written < bytes.length) this.#put(bytes.subarray(written));
      else this.#next();
    });
  }
}
