// Memory: taken at once by many objects or by one array, or leaked.

import type { Misdeed } from '../misdeed.ts';

const LEAK_EVERY_MS = 8;
const LEAK_BYTES = 1024 * 1024;
const HUGE_LENGTH = 100_000_000;

export const memory: Readonly<Record<string, Misdeed>> = {
  objects({ mark }) {
    mark();
    const hoard = new Map<number, object>();
    for (let i = 0; ; i++) hoard.set(i, { i, text: `value ${i}`, list: [i] });
  },

  array({ mark }) {
    mark();
    const array = new Array<number>(HUGE_LENGTH).fill(0);
    return array.length;
  },

  leak({ mark, random }) {
    mark();
    const hoard: unknown[] = [];
    const ofHeap = random.chance(0.5);
    setInterval(() => {
      if (ofHeap) hoard.push(Array.from({ length: LEAK_BYTES / 32 }, (_, i) => ({ i })));
      else hoard.push(Buffer.alloc(LEAK_BYTES, 1));
    }, LEAK_EVERY_MS);
    return new Promise(() => {});
  },
};
