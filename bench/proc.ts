/**
 * CPU time and memory of this process and of others, as Linux counts them.
 *
 * CPU of this process (all its threads, so also its workers) comes from getrusage; that of others from
 * `/proc/<pid>/task/<tid>/schedstat`, whose first field is in nanoseconds, where `/proc/<pid>/stat` counts ticks of 10 ms.
 * Memory is PSS (each shared page divided by the number of processes that map it), which takes root or the same user.
 * On other systems both are unknown: NaN, and the metric is left out.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** CPU time in us that this process and the listed ones have used so far. */
export function cpuUs(pids: readonly number[]): number {
  const own = process.cpuUsage();
  return pids.reduce((sum, pid) => sum + processCpuUs(pid), own.user + own.system);
}

/** Proportional set size in MB; NaN if it may not be read. */
export function pssMb(pid: number): number {
  try {
    const found = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    return found === null ? Number.NaN : Number(found[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

function processCpuUs(pid: number): number {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.reduce((sum, task) => sum + taskCpuUs(pid, task), 0);
  } catch {
    return Number.NaN;
  }
}

function taskCpuUs(pid: number, task: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ', 1)[0]) / 1000;
  } catch {
    return 0; // the thread has ended since the listing
  }
}
