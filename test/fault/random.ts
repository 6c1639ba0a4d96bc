// Randomness that can be had again: everything that a fault test draws comes from one seed, which it prints when it fails.
//
//   SKERRY_SEED   the seed, a whole number; drawn if not given
//   SKERRY_FROM   the step at which to begin: step n draws the same whatever came before it

export const SEED = wholeNumber('SKERRY_SEED') ?? (Date.now() ^ (process.pid << 8)) >>> 0;
export const FROM = wholeNumber('SKERRY_FROM') ?? 0;

/** The draws of one step. */
export class Random {
  #state: number;

  constructor(seed: number, step = 0) {
    this.#state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(step + 1, 0xc2b2ae35)) >>> 0;
    for (let i = 0; i < 4; i++) this.u32();
  }

  /** mulberry32 */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** From `least` up to and with `most`. */
  int(least: number, most: number): number {
    return least + Math.floor((this.u32() / 2 ** 32) * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.u32() / 2 ** 32 < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)] as T;
  }
}

/** Steps of a test: the number from the environment, or the default for a short run. */
export function steps(variable: string, short: number): number {
  return wholeNumber(variable) ?? short;
}

/** @returns why a test of so many steps has nothing to do; for `skip`. */
export function beyond(count: number): string | false {
  return FROM >= count && `SKERRY_FROM=${FROM} is beyond its ${count} steps`;
}

/** Runs a test body; what it throws says how to have it again. */
export async function seeded<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    process.stderr.write(`to have this run again: SKERRY_SEED=${SEED} SKERRY_FROM=${FROM}\n`);
    throw error;
  }
}

function wholeNumber(variable: string): number | undefined {
  const text = process.env[variable];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
