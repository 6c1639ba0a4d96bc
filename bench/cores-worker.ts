/** The other core of cores.ts: sleeps until it has an order, carries it out, and says that it has none. workerData: the shared words. */
import { workerData } from 'node:worker_threads';

/** Far enough from one another not to share a pair of cache lines. */
export const Word = { order: 0, begun: 32, asked: 64, answered: 96 } as const;
export const WORDS = 128;
export const Order = { none: 0, answer: 1, work: 2 } as const;
export const WORK_MS = 20;

/** How many rounds of a computation fit into so many ms. */
export function count(ms: number): number {
  const until = performance.now() + ms;
  let done = 0;
  let state = 1;
  while (performance.now() < until) {
    for (let i = 0; i < 2000; i++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
    done += state === 0 ? 2 : 1;
  }
  return done;
}

if (workerData instanceof Int32Array) {
  const words = workerData;
  for (;;) {
    Atomics.wait(words, Word.order, Order.none);
    const order = Atomics.load(words, Word.order);
    Atomics.store(words, Word.begun, 1);
    if (order === Order.work) count(WORK_MS);
    else
      for (let last = 0; last >= 0; ) {
        const asked = Atomics.load(words, Word.asked);
        if (asked === last) continue;
        last = asked;
        Atomics.store(words, Word.answered, asked);
      }
    Atomics.store(words, Word.order, Order.none);
  }
}
