/** What every peer's worker does: plain functions, async as a real handler would be. */

export const echo = async (value) => value;

/** Answers after `ms` with the time at that moment: CLOCK_MONOTONIC in nanoseconds. */
export const late = async (ms) =>
  new Promise((resolve) => {
    setTimeout(() => resolve(Number(process.hrtime.bigint())), ms);
  });

export const handlers = { echo, late };
