// A kernel's process, by its title: whether the system still runs whose kernel had a pid.

import { existsSync, readFileSync } from 'node:fs';

export const KERNEL_TITLE = 'skerry kernel';

/** Whether the system of that kernel runs. A number that somebody else has by now does not count, where that can be seen. */
export function isKernel(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(KERNEL_TITLE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && existsSync('/proc/self')) return false;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
