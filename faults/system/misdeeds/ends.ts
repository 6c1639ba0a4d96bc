// Ends of a process that come from within.

import { CRASH_ADDON } from '../../environment.ts';
import type { Misdeed } from '../misdeed.ts';

export const ends: Readonly<Record<string, Misdeed>> = {
  exit({ mark, random }) {
    mark();
    process.exit(random.int(0, 5));
  },

  abort({ mark }) {
    mark();
    process.abort();
  },

  /** In an addon's code, where there is a compiler to make one. */
  segv({ mark }) {
    const file = process.env[CRASH_ADDON];
    mark();
    if (file === undefined) process.kill(process.pid, 'SIGSEGV');
    else process.dlopen({ exports: {} }, file);
    return new Promise(() => {});
  },
};
