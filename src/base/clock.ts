// The machine's monotonic clock (CLOCK_MONOTONIC), in milliseconds. All processes of one machine read the same clock, so a deadline
// is absolute on the machine; `performance.now()` alone starts at zero in each process.

// Taken once: the global of that name is a getter, looked up at each use. From node:perf_hooks it would bring all that module along.
const { performance } = globalThis;

const originMs = (() => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6 - performance.now();
})();

let clock: { now(): number } = performance;
let clockOriginMs = originMs;

/**
 * Milliseconds since the machine's start, with fraction; never goes back. So short that the engine puts it into whoever calls it, each
 * call of a server among them: no number is made on the heap then.
 */
export function nowMs(): number {
  return clock.now() + clockOriginMs;
}

/** Another source for `nowMs()`, for tests; undefined: the machine's again. */
export function setClock(source: (() => number) | undefined): void {
  clock = source === undefined ? performance : { now: source };
  clockOriginMs = source === undefined ? originMs : 0;
}

const { setTimeout: realTimeout } = globalThis;

/** Real time, also where a test holds the clock. */
export function realDelay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    realTimeout(resolve, ms);
  });
}

/** Milliseconds since this process's start: for durations within it. */
export function processMs(): number {
  return performance.now();
}
