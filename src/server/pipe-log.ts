// Log lines into a pipe that may be full: never waits. A line that finds no room is dropped and counted; the next that finds some is
// preceded by how many there were. Goes round the stream that Node has for stderr, so that a line is in the pipe when the call
// returns, also if the process dies in the next moment.

import { writeSync } from 'node:fs';

export class PipeLog {
  readonly #write: (bytes: Uint8Array) => number;
  readonly #lost: (lines: number) => string;
  #dropped = 0;
  /** The last line is there in part. */
  #broken = false;

  /** @param lost the line that tells how many were dropped. @param write as `fs.writeSync`, for tests. */
  constructor(lost: (lines: number) => string, write: (bytes: Uint8Array) => number = (bytes) => writeSync(2, bytes)) {
    this.#lost = lost;
    this.#write = write;
  }

  /** @param line ends with a newline. */
  write(line: string): void {
    if (this.#dropped > 0 && this.#put(this.#lost(this.#dropped))) this.#dropped = 0;
    if (this.#dropped > 0 || !this.#put(line)) this.#dropped += 1;
  }

  #put(line: string): boolean {
    let rest: Uint8Array = Buffer.from(this.#broken ? `\n${line}` : line);
    const all = rest.length;
    while (rest.length > 0) {
      let written = 0;
      try {
        written = this.#write(rest);
      } catch {
        // Full (EAGAIN), or nobody reads any more.
      }
      if (written === 0) {
        if (rest.length < all) this.#broken = true;
        return false;
      }
      rest = rest.subarray(written);
    }
    this.#broken = false;
    return true;
  }
}
