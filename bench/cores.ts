/**
 * What two cores of this machine are to each other at the moment. A virtual machine's cores are lent: from one second to the next they
 * may lie side by side, far apart, or be the two halves of one; and each half of a core may have a neighbour that is somebody else's.
 *
 *      ns from one to the other      some 25: halves of one core; 50: side by side; 250: far apart
 *      both at once                  how much longer each takes for its work when the other works too: 1 for two whole cores, 2 for halves
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { count, Order, WORDS, WORK_MS, Word } from './cores-worker.ts';

const DIALOGUE_MS = 15;

export class Cores {
  readonly #words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
  readonly #worker: Worker;

  constructor() {
    this.#worker = new Worker(new URL('./cores-worker.js', import.meta.url), { workerData: this.#words });
    this.#worker.unref();
    this.#dialogue(); // until the scheduler has given them a core each
  }

  /** Takes some 60 ms. @returns undefined where there is one core */
  look(): string | undefined {
    if (availableParallelism() < 2) return undefined;
    const ns = this.#dialogue();
    const alone = count(WORK_MS);
    this.#order(Order.work);
    const together = count(WORK_MS);
    while (Atomics.load(this.#words, Word.order) !== Order.none);
    return `${Math.round(ns)} ns from core to core, ${(alone / together).toFixed(2)}x the time when both work`;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #dialogue(): number {
    const words = this.#words;
    this.#order(Order.answer);
    const since = performance.now();
    let asked = 0;
    while (performance.now() - since < DIALOGUE_MS) {
      for (let i = 0; i < 100; i++) {
        asked += 1;
        Atomics.store(words, Word.asked, asked);
        while (Atomics.load(words, Word.answered) !== asked);
      }
    }
    const ns = ((performance.now() - since) * 1e6) / asked / 2;
    Atomics.store(words, Word.asked, -1);
    while (Atomics.load(words, Word.order) !== Order.none);
    return ns;
  }

  #order(order: number): void {
    Atomics.store(this.#words, Word.asked, 0);
    Atomics.store(this.#words, Word.answered, 0);
    Atomics.store(this.#words, Word.order, order);
    Atomics.notify(this.#words, Word.order);
    while (Atomics.load(this.#words, Word.begun) === 0);
    Atomics.store(this.#words, Word.begun, 0);
  }
}
