// What the operating system says of a process in /proc/<pid>/stat.

import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks a second, as /proc counts processor time: USER_HZ is 100 on every architecture of Linux. */
const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  /** `R` runs or could, `S` sleeps, `D` waits for a device, `T` is stopped, `t` by a debugger, `Z` has ended. */
  readonly state: string;
  /** Processor time that it has used, all threads, ms. */
  readonly cpuMs: number;
  /** When it was born, ms since the machine's start, as CLOCK_BOOTTIME. */
  readonly bornMs: number;
}

/** @returns undefined when there is no such process, or no /proc. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** What a process has had of the processors, and what it has waited for them. */
export interface Share {
  /** Of its first thread. */
  readonly state: string;
  /** Processor time of its first thread, ms. */
  readonly cpuMs: number;
  /** How long its threads could have run and did not, all together, ms. */
  readonly delayedMs: number;
}

/** @returns undefined when there is no such process, or no /proc. */
export function readShare(pid: number): Share | undefined {
  try {
    const { state, cpuMs } = parseProcessStat(readFileSync(`/proc/${pid}/task/${pid}/stat`, 'latin1'));
    let delayedMs = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) delayedMs += delayOf(`/proc/${pid}/task/${thread}/schedstat`);
    return { state, cpuMs, delayedMs };
  } catch {
    return undefined;
  }
}

/** The second of three numbers, ns. A thread that has ended meanwhile has waited for nothing. */
function delayOf(file: string): number {
  try {
    return Number(readFileSync(file, 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** @param text the file; the process's name in it may hold anything, and ends at the last parenthesis. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // from field 3 on
  const ms = (field: number) => (Number(fields[field - 3]) * 1000) / TICKS_PER_SECOND;
  return { state: fields[0] as string, cpuMs: ms(14) + ms(15), bornMs: ms(22) };
}
