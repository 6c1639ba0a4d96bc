// clock(): time in the test's hand: for timers and dates of the server under test, and for the deadlines of its calls.
//
// From clock() on time stands still until advance(). The means are node:test's mock timers; what is Skerry's own goes by nowMs(). A drain
// at a stop goes by real time, so a mounted server can be stopped while time stands still.

import { mock } from 'node:test';
import { nowMs, setClock } from '../base/clock.ts';
import { SkerryError } from '../base/errors.ts';

export interface TestClock {
  /**
   * Lets time pass: timers fire in order, deadlines expire, and what waits for them goes on before the next step is made.
   * @param ms 0 or more; a chain of timers shorter than a hundredth of it may be late by that much.
   * @throws SkerryError SKERRY_INVALID
   */
  advance(ms: number): Promise<void>;
  /** Real time again. */
  restore(): void;
  [Symbol.dispose](): void;
}

const STEPS_MAX = 100;
/** Turns of the event loop in which calls within this process, and the promises behind them, come to rest. */
const TURNS = 4;

let running = false;

/**
 * Stops the time of this process: `setTimeout`, `setInterval`, `Date`, and the deadlines of calls. Real time is back after `restore()`;
 * only one clock at a time. Clients that were used under it should not be used after it: their deadlines are those of its time.
 * @throws SkerryError SKERRY_INVALID when another one runs
 */
export function clock(): TestClock {
  if (running) throw new SkerryError('SKERRY_INVALID', 'clock(): there is one already; restore() it first');
  running = true;
  let now = nowMs();
  const settle = turns();
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.now() });
  setClock(() => now);
  const restore = () => {
    if (!running) return;
    running = false;
    mock.timers.reset();
    setClock(undefined);
  };
  return {
    async advance(ms) {
      if (!(Number.isFinite(ms) && ms >= 0))
        throw new SkerryError(
          'SKERRY_INVALID',
          `advance(ms) takes a number of milliseconds, 0 or more; it was given ${String(ms)}`,
        );
      const end = now + ms;
      const step = Math.max(1, Math.ceil(ms / STEPS_MAX));
      await settle(); // what the test has just begun is on its way
      while (now < end) {
        const by = Math.min(step, end - now);
        now += by;
        mock.timers.tick(by);
        await settle();
      }
    },
    restore,
    [Symbol.dispose]: restore,
  };
}

function turns(): () => Promise<void> {
  const turn = setImmediate;
  return async () => {
    for (let i = 0; i < TURNS; i++) await new Promise((resolve) => turn(resolve));
  };
}
