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

/** The same, with state `R` if any of its threads runs or could: the first one may wait for the others. */
export function readBusiest(pid: number): ProcessStat | undefined {
  const own = readProcessStat(pid);
  if (own === undefined || !'SD'.includes(own.state)) return own;
  try {
    const states = readdirSync(`/proc/${pid}/task`).map(
      (thread) => parseProcessStat(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')).state,
    );
    return { ...own, state: states.includes('R') ? 'R' : own.state };
  } catch {
    return own; // a thread has ended meanwhile
  }
}

/** @param text the file; the process's name in it may hold anything, and ends at the last parenthesis. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // from field 3 on
  const ms = (field: number) => (Number(fields[field - 3]) * 1000) / TICKS_PER_SECOND;
  return { state: fields[0] as string, cpuMs: ms(14) + ms(15), bornMs: ms(22) };
}
