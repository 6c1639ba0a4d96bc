// Descriptors: all that the process may have are taken for a while.

import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Misdeed } from '../misdeed.ts';

export const resources: Readonly<Record<string, Misdeed>> = {
  async descriptors({ mark, random }) {
    const taken: number[] = [];
    let code: string | undefined;
    while (code === undefined) {
      try {
        taken.push(openSync('/dev/null', 'r'));
      } catch (error) {
        code = (error as NodeJS.ErrnoException).code ?? 'no code';
      }
    }
    taken.splice(-1, 1).forEach(closeSync); // one for the mark
    mark();
    taken.push(openSync('/dev/null', 'r'));
    await sleep(random.int(100, 600));
    taken.forEach(closeSync);
    return `${taken.length} descriptors, then ${code}`;
  },
};
