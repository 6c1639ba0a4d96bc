// A barrier between two processes over one word of each: both come, then both go on. Stopping is agreed on: side 0 decides.

const MEETING = 1024; // words; far from those under test
const STOP = 1056;
const SPINS_MAX = 2_000_000_000;

/** @returns a function that waits until the other side has come as often as this one. */
export function meeting(own, other) {
  let times = 0;
  return () => {
    times += 1;
    Atomics.store(own, MEETING, times);
    for (let spins = 0; Atomics.load(other, MEETING) < times; spins++) {
      if (spins > SPINS_MAX) throw new Error('the other side does not come');
    }
  };
}

/** Both sides get the same answer, side 0's. */
export function agreeToStop({ own, other, side }, meet, wish) {
  if (side === 0) Atomics.store(own, STOP, wish ? 1 : 0);
  meet();
  const stop = Atomics.load(side === 0 ? own : other, STOP) === 1;
  meet();
  return stop;
}
