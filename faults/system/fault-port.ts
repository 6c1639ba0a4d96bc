// The methods that each server of the campaign has beside its own: by them it is told to do wrong.

import { currentCall } from '../../src/context.ts';
import { Random } from '../../test/fault/random.ts';
import { type Means, writeMark } from './misdeed.ts';
import { misdeeds } from './misdeeds/index.ts';

/** Where an instance is. */
export interface Self {
  readonly pid: number;
}

/** How an order was answered: as it was given, or something is wrong with the answer. */
export interface Ordered {
  readonly step: number;
  readonly seed: number;
  note?: unknown;
}

export function faultPort(means: Means) {
  return {
    self: (): Self => ({ pid: process.pid }),

    /** Runs until its caller gives up, or its server dies. */
    hostage: (): Promise<void> =>
      new Promise((resolve) => {
        currentCall().signal.addEventListener('abort', () => resolve());
      }),

    inject: async (step: number, name: string, seed: number): Promise<Ordered> => {
      const misdeed = misdeeds[name];
      if (misdeed === undefined) throw new Error(`no server knows how to do "${name}"`);
      const answer: Ordered = { step, seed };
      answer.note = await misdeed({ step, random: new Random(seed, step), answer, means, mark: () => writeMark(step) });
      return answer;
    },
  };
}
