// The watch on the memory of servers that have a limit: --max-old-space-size bounds V8's heap, RLIMIT_DATA what is mapped; what neither
// sees in time is found here.

import type { Slot } from './slots.ts';

const EACH_MS = 1000;
const MEGABYTE = 1024 * 1024;

export class MemoryWatch {
  readonly #slots: () => Iterable<Slot>;
  readonly #rssAnon: (pid: number) => number;
  #timer: NodeJS.Timeout | undefined;

  /** @param rssAnon anonymous memory of a process, bytes. */
  constructor(slots: () => Iterable<Slot>, rssAnon: (pid: number) => number) {
    this.#slots = slots;
    this.#rssAnon = rssAnon;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), EACH_MS);
  }

  /** Ends every process that is over its server's limit. */
  look(): void {
    for (const { process, server } of this.#slots()) {
      if (process === undefined || server.memoryMb === 0) continue;
      process.lastRssAnon = this.#rssAnon(process.pid);
      if (process.lastRssAnon <= server.memoryMb * MEGABYTE) continue;
      process.killedFor ??= 'memory limit';
      process.kill();
    }
  }
}
