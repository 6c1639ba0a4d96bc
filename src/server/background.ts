// `priority: 'background'`: this process gets what processor time others leave, once it is ready. Until then somebody waits for it (boot,
// or the calls of a dead predecessor), and a start that is starved by what it must not disturb would end in its `initTimeoutMs`.
//
// Two settings, since Linux may weigh twice. Nice values count among the threads of one scheduling group; with autogroup on, each session
// is a group of its own, instances are sessions, and groups share evenly whatever the nice values within: there the group has a nice
// value too. Threads that are there are told one by one (the call is for a thread, not a process), later ones inherit. Elsewhere than on
// Linux the process's own priority is all there is.

import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** 19: the least. */
const NICE = constants.priority.PRIORITY_LOW;
/** The kernel takes one such change in 100 ms from all users without rights together; the others have to come again. */
const AGAIN_MS = 120;
const AGAIN_MAX = 100;

let isWanted = false;
let groupFile: number | undefined;

/** Says that this process will step back. Early: the group's file is opened, which it may not do any more when it is undumpable. */
export function mayStepBack(): void {
  isWanted = true;
  try {
    groupFile = openSync('/proc/self/autogroup', 'w');
  } catch {} // no such scheduling here
}

/**
 * Lowers the priority of this process, if that was said before. What cannot be set is left: it is an advice to the scheduler, and no server
 * fails for it.
 */
export function stepBack(): void {
  if (!isWanted) return;
  for (const thread of threads()) {
    try {
      setPriority(thread, NICE);
    } catch {} // it has ended since
  }
  if (groupFile !== undefined) setGroup(groupFile, AGAIN_MAX);
  groupFile = undefined;
}

function threads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [process.pid];
  }
}

function setGroup(file: number, attemptsLeft: number): void {
  try {
    writeSync(file, String(NICE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN' && attemptsLeft > 0) {
      setTimeout(() => setGroup(file, attemptsLeft - 1), AGAIN_MS * (1 + Math.random())).unref();
      return;
    }
  }
  closeSync(file);
}
