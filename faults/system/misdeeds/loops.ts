// Time: a loop that makes no turn, for ever or for a while, and one that turns and leaves nobody the core.

import type { Misdeed } from '../misdeed.ts';

const STALL_MS = 500;

export const loops: Readonly<Record<string, Misdeed>> = {
  loop({ mark }) {
    mark();
    for (;;);
  },

  stall({ mark }) {
    mark();
    const end = performance.now() + STALL_MS;
    while (performance.now() < end);
    return STALL_MS;
  },

  spin({ mark }) {
    mark();
    const again = () => {
      const end = performance.now() + 5;
      while (performance.now() < end);
      setImmediate(again);
    };
    again();
    return new Promise(() => {});
  },
};
