// Errors: in a handler they are their caller's to see; nobody's end their server.

import type { Misdeed } from '../misdeed.ts';

export const exceptions: Readonly<Record<string, Misdeed>> = {
  throw({ mark }) {
    mark();
    throw new RangeError('thrown on purpose');
  },

  uncaught({ mark }) {
    setImmediate(() => {
      mark();
      throw new TypeError('thrown in a timer on purpose');
    });
    return new Promise(() => {});
  },

  rejection({ mark }) {
    setImmediate(() => {
      mark();
      Promise.reject(new Error('rejected on purpose'));
    });
    return new Promise(() => {});
  },

  recursion({ mark, random }) {
    const dig = (depth: number): number => dig(depth + 1) + 1;
    if (random.chance(0.5)) {
      mark();
      return dig(0);
    }
    setImmediate(() => {
      mark();
      dig(0);
    });
    return new Promise(() => {});
  },
};
