// Ends this process when a step takes longer than it may: a loop that hangs cannot be seen from within its own thread.

import { Worker } from 'node:worker_threads';
import { FROM, SEED } from './random.ts';

const LIMIT_MS = 5_000;

export class Watchdog {
  readonly #words = new Int32Array(new SharedArrayBuffer(8));
  readonly #worker: Worker;

  constructor() {
    const code = `
      const { workerData: { words, limitMs, seed, from } } = require('node:worker_threads');
      const { writeSync } = require('node:fs');
      let last = -1, since = Date.now();
      setInterval(() => {
        const beat = Atomics.load(words, 0);
        if (beat !== last) { last = beat; since = Date.now(); return; }
        if (Date.now() - since < limitMs) return;
        writeSync(2, 'watchdog: step ' + Atomics.load(words, 1) + ' has not ended within ' + limitMs + ' ms: SKERRY_SEED=' + seed + ' SKERRY_FROM=' + from + '\\n');
        process.kill(process.pid, 'SIGKILL');
      }, 250);`;
    this.#worker = new Worker(code, {
      eval: true,
      workerData: { words: this.#words, limitMs: LIMIT_MS, seed: SEED, from: FROM },
    });
    this.#worker.unref();
  }

  beat(step: number): void {
    Atomics.add(this.#words, 0, 1);
    Atomics.store(this.#words, 1, step);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
