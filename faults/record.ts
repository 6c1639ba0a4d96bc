// What a campaign tells of itself, piece by piece: plain data, so that it can travel between processes and be added up.

import type { Findings } from './checker.ts';
import type { Tally } from './journal.ts';
import type { Detection } from './kinds/kind.ts';

/** What came of one fault. */
export interface StepRecord {
  readonly step: number;
  readonly kind: string;
  readonly victim: string;
  readonly activated: boolean;
  readonly detectedBy?: Detection;
  /** From the fault to its detection: when a client that waited for the victim heard of it. */
  readonly detectMs?: number;
  /** From the fault to the answer of the first probe that had begun after the detection. */
  readonly recoverMs?: number;
  readonly recovered: boolean;
  /** Calls rejected during the step. */
  readonly visible: number;
  /** Answers that were wrong, and no error. */
  readonly silent: number;
  readonly hung: number;
  readonly findings: Findings;
  /** Processes that died, and were not the fault's target. */
  readonly collateral: number;
  readonly systemCrash: boolean;
  readonly note: string;
}

export interface LeakRecord {
  /** Measured before this step. */
  readonly beforeStep: number;
  readonly leaked: number;
  readonly what: string;
  /** The look failed. */
  readonly isUnmeasured?: boolean;
}

/** A system's end. */
export interface WorldRecord {
  readonly tally: Tally;
  readonly effects: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Calls of the load that only their deadline has ended, by the kind of fault in whose time. */
  readonly timeouts?: Readonly<Record<string, number>>;
  /** What the checker found beyond what steps told of. */
  readonly findings: Findings;
  readonly examples: readonly string[];
  /** Processes that had to be killed. */
  readonly left: number;
  readonly hung: number;
}

export type Telling =
  | { readonly t: 'step'; readonly record: StepRecord }
  | { readonly t: 'leaks'; readonly record: LeakRecord }
  | { readonly t: 'world'; readonly record: WorldRecord }
  | { readonly t: 'broken'; readonly error: string };
