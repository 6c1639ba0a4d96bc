// When a dead instance is started again: a pure decision (DESIGN section 7).
//
// An instance that has been ready for `stableMs` is stable: its death restarts it at once. Unstable deaths back off, and after
// `unstableMax` in a row the server is a zombie: it waits for an operator.

import { restartDelayMs } from '../../base/backoff.ts';

export interface BackoffPolicy {
  readonly stableMs: number;
  readonly unstableMax: number;
}

export const DEFAULT_BACKOFF: BackoffPolicy = { stableMs: 500, unstableMax: 5 };

export interface Restart {
  /** Unstable deaths in a row, this one included. */
  readonly unstable: number;
  /** Wait so long, then start again; undefined: zombie. */
  readonly afterMs: number | undefined;
}

/**
 * @param unstableBefore unstable deaths in a row before this one.
 * @param readyForMs how long the instance had been ready; undefined: never.
 */
export function nextRestart(policy: BackoffPolicy, unstableBefore: number, readyForMs: number | undefined): Restart {
  if (readyForMs !== undefined && readyForMs >= policy.stableMs) return { unstable: 0, afterMs: 0 };
  const unstable = unstableBefore + 1;
  if (unstable >= policy.unstableMax) return { unstable, afterMs: undefined };
  return { unstable, afterMs: restartDelayMs(unstable) };
}
