/** The server that is measured: gives back what it gets, at once or later, and runs a timer of its own on demand. */
import { setTimeout as sleep } from 'node:timers/promises';
import { server } from 'skerry';
import type { Sample } from '../sample.ts';

export default server(() => {
  let timer: NodeJS.Timeout | undefined;
  let lateMs: number[] = [];

  function arm(ms: number): void {
    const due = performance.now() + ms;
    timer = setTimeout(() => {
      lateMs.push(performance.now() - due);
      arm(ms);
    }, ms);
  }

  return {
    echo: async (value: Sample): Promise<Sample> => value,

    payload: async (bytes: Uint8Array): Promise<Uint8Array> => bytes,

    pid: async (): Promise<number> => process.pid,

    /** Answers after `ms` with the time at that moment: CLOCK_MONOTONIC in nanoseconds. */
    late: async (ms: number): Promise<number> => {
      await sleep(ms);
      return Number(process.hrtime.bigint());
    },

    /** Starts a timer of `ms` that is armed again each time it fires. */
    startTimer: async (ms: number): Promise<void> => {
      lateMs = [];
      arm(ms);
    },

    /** Stops it; answers with how late it fired each time, in ms. */
    stopTimer: async (): Promise<number[]> => {
      clearTimeout(timer);
      return lateMs;
    },
  };
});
