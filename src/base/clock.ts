// The machine's monotonic clock (CLOCK_MONOTONIC), in milliseconds. All processes of one machine read the same clock, so a deadline
// is absolute on the machine; `performance.now()` alone starts at zero in each process.

const originMs = (() => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6 - performance.now();
})();

/** Milliseconds since the machine's start, with fraction; never goes back. */
export function nowMs(): number {
  return performance.now() + originMs;
}
