// What process server and kernel say of programs. The process server knows what is allowed; the kernel starts and ends.

/** The methods of the process server that a user may call, to whom it shows the user's own programs. */
export const PROGRAM_METHODS = ['runProgram', 'readProgram', 'signalProgram', 'programs'] as const;

/** 0: no limit. All hold for the program and what it starts, together, but for those that say otherwise. */
export interface LaunchLimits {
  readonly timeMs: number;
  readonly cpuSeconds: number;
  readonly memoryMb: number;
  readonly processes: number;
  /** Of one file that a process writes. */
  readonly fileMb: number;
  /** Of one process. */
  readonly openFiles: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
}

export interface LaunchRequest {
  readonly id: number;
  readonly path: string;
  readonly args: readonly string[];
  /** All of it: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly limits: LaunchLimits;
  /** A pipe for its stdin travels with the request; else it reads nothing. */
  readonly hasStdin: boolean;
}

export interface LaunchEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why the launcher ended it; `lost`: somebody ended the launcher. */
  readonly limit?: 'time' | 'cpu' | 'memory' | 'processes' | 'lost' | undefined;
  /** Of the largest process. */
  readonly peakMemoryBytes: number;
  /** Of all processes. */
  readonly cpuMs: number;
}

export type LaunchEvent =
  | { readonly what: 'started'; readonly pid: number }
  /** `step`: what failed (`exec`, `chdir`, `spawn` …), `error`: its errno name; or there is no launcher, and `error` says why. */
  | { readonly what: 'failed'; readonly step: string; readonly error: string }
  | ({ readonly what: 'ended' } & LaunchEnd);
