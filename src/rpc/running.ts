// A handler at work: what its connection, its context and the count of what runs have to know of it.

import type { Handler } from './handler.ts';

export interface Running {
  readonly callId: number;
  readonly handler: Handler;
  /** Its number in the black box. */
  readonly entry: number;
  /** When it began (CLOCK_MONOTONIC ms), if it is one of those whose time is taken; else 0. */
  readonly timedFromMs: number;
  answered: boolean;
  /** Aborted, and goes on all the same. */
  abandoned: boolean;
  /** A stream that waits: it takes no place meanwhile. */
  paused: boolean;
  done: boolean;
  /** Made when somebody asks for the signal. */
  controller: AbortController | undefined;
  /** Why it was aborted: a signal that is asked for later says so at once. */
  abortedFor: unknown;
  /** A stream that waits for credit. */
  onCredit: (() => void) | undefined;
}
