// `priority: 'background'`: this process gets what processor time others leave.
//
// Two settings, since Linux may weigh twice. Nice values count among the threads of one scheduling group; with autogroup on, each session
// is a group of its own, instances are sessions, and groups share evenly whatever the nice values within: there the group has a nice
// value too. Both are set before anything else is started, so that later threads inherit; those that Node has made already are told one
// by one (the call is for a thread, not a process). Elsewhere than on Linux the process's own priority is all there is.

import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** 19: the least. */
const NICE = constants.priority.PRIORITY_LOW;
/** The kernel takes one such change in 100 ms from all users without rights together; the others have to come again. */
const AGAIN_MS = 120;
const AGAIN_MAX = 100;

/** Lowers the priority of this process. What cannot be set is left: it is an advice to the scheduler, and no server fails for it. */
export function stepBack(): void {
  for (const thread of threads()) {
    try {
      setPriority(thread, NICE);
    } catch {} // a thread that has ended since
  }
  setGroup();
}

function threads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [process.pid];
  }
}

function setGroup(): void {
  let file: number;
  try {
    file = openSync('/proc/self/autogroup', 'w'); // kept: soon this process may not open it any more (PR_SET_DUMPABLE)
  } catch {
    return; // no such scheduling here
  }
  const attempt = (left: number): void => {
    try {
      writeSync(file, String(NICE));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN' && left > 0) {
        setTimeout(attempt, AGAIN_MS * (1 + Math.random()), left - 1).unref();
        return;
      }
    }
    closeSync(file);
  };
  attempt(AGAIN_MAX);
}
