// Versions of the protocol between processes, and what they agree on. Two versions of Skerry can meet in one system (an instance of an
// older build beside a newer kernel): each says what it speaks, the kernel takes the highest that both do, or refuses the introduction.

export interface Speaks {
  /** Lowest and highest version of records, layouts and codec. */
  readonly min: number;
  readonly max: number;
  /** Bits of features beyond the version; an introduction carries those that both have. */
  readonly features: number;
}

/** What this build speaks. Version 1: records of record.ts, layouts of channel/ring/layout.ts, the codec's format. No features yet. */
export const SPEAKS: Speaks = { min: 1, max: 1, features: 0 };

export interface Agreement {
  readonly version: number;
  readonly features: number;
}

/** @returns undefined when there is no common version. */
export function agree(a: Speaks, b: Speaks): Agreement | undefined {
  const version = Math.min(a.max, b.max);
  return version < Math.max(a.min, b.min) ? undefined : { version, features: a.features & b.features };
}
