// What keeps a process alive while it waits for something that no handle of its event loop stands for: a timer that never fires. To switch
// its reference is a matter of JavaScript alone while the process has another timer, where that of a handle is a call into C each time.

/** Counts reasons to go on. */
export interface Life {
  hold(): void;
  drop(): void;
}

/** The longest that there is: it wakes the process once in 25 days. */
const NEVER_MS = 0x7fff_ffff;
const { setInterval: realInterval } = globalThis;

/** @returns a timer that keeps nothing alive until its `ref()` is called. */
export function makeLifeTimer(): NodeJS.Timeout {
  return realInterval(() => {}, NEVER_MS).unref();
}
