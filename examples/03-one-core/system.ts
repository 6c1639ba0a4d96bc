// Work that keeps a core busy, and a counter that has one owner.

import { server, system, uses } from 'skerry';
import { countDown } from './count-down.ts';

/** Each instance counts down one number at a time: two instances, two cores. */
const worker = server({ concurrency: 1 }, () => ({
  count: async (from: number): Promise<number> => countDown(from),
}));

/** The value is here and nowhere else: no lock is needed, and no addition is lost. */
const counter = server(() => {
  let value = 0;
  return {
    add: (n: number): number => {
      value += n;
      return value;
    },
    value: (): number => value,
  };
});

/** Adds one, so many times, with 64 calls under way at once. */
const adder = server({ uses: { counter: uses<typeof counter>() } }, ({ uses: { counter } }) => ({
  add: async (times: number): Promise<void> => {
    let left = times;
    const lane = async (): Promise<void> => {
      while (left-- > 0) await counter.add(1);
    };
    await Promise.all(Array.from({ length: 64 }, lane));
  },
}));

export default system(import.meta.url, {
  workers: { load: async () => ({ default: worker }), replicas: 2 },
  counter: { load: async () => ({ default: counter }) },
  adders: { load: async () => ({ default: adder }), replicas: 2 },
});
