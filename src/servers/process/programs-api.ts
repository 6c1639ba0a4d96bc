// What the process server does with programs, as its clients see it. `createProcess()` of the facade is made of these.

import type { ProgramLimits } from '../../server/programs.ts';

/**
 * Why it ended: `exit` and `signal` by itself (or by a signal of somebody else's), `killed` by `kill()`, `aborted` by the caller's signal,
 * a limit, or `lost`: its launcher was killed.
 */
export type ProgramEndReason =
  | 'exit'
  | 'signal'
  | 'killed'
  | 'aborted'
  | 'time limit'
  | 'cpu limit'
  | 'memory limit'
  | 'output limit'
  | 'process limit'
  | 'lost';

export interface ProgramExit {
  /** null: a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason: ProgramEndReason;
  /** Of its largest process. */
  readonly peakMemoryBytes: number;
  /** Of all its processes. */
  readonly cpuMs: number;
}

/** `stopping`: it has been asked to end. */
export type ProgramState = 'starting' | 'running' | 'stopping' | 'ended';

export interface ProgramStatus {
  /** Of this run, in this system. */
  readonly id: number;
  /** 0 until it runs. */
  readonly pid: number;
  /** Its name in the system module. */
  readonly program: string;
  /** On whose behalf it runs. */
  readonly user: string;
  readonly state: ProgramState;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Once it has ended. */
  readonly exit?: ProgramExit;
}

export interface RunOptions {
  /** What it reads, at most 8 MiB; without it its stdin is empty. */
  readonly stdin?: string | Uint8Array;
  /** Narrower than the system's. */
  readonly limits?: ProgramLimits;
}

export type ProgramEvent =
  | { readonly what: 'started'; readonly id: number; readonly pid: number }
  /** `empty`: streams that nobody has read, and in which there is nothing. */
  | { readonly what: 'ended'; readonly exit: ProgramExit; readonly empty: readonly ('stdout' | 'stderr')[] };

export type ProgramsApi = {
  /**
   * Runs an allowed program on behalf of the channel's principal. The stream holds it: when it is left, or its caller dies, the program
   * ends. After `ended` it stays open until the output has been read, and the output can be read as long as it is open.
   */
  runProgram(program: string, args?: readonly string[], options?: RunOptions): AsyncIterableIterator<ProgramEvent>;
  /** What a program of one's own writes, once. A stream that is left closes the program's pipe. */
  readProgram(id: number, stream: 'stdout' | 'stderr'): AsyncIterableIterator<Uint8Array>;
  /** A signal for its process group. SIGKILL ends all that it has started. `abort`: SIGTERM, and SIGKILL a second later. */
  signalProgram(id: number, signal: string): void;
  /** One's own, those that run and those whose end has not been taken; an operator sees all. */
  programs(): ProgramStatus[];
};
