/**
 * fair: does a server under full load still serve its own timers?
 *
 *      512 lanes  -- call, await, call, ... -->  +--------------------------+
 *                                                | echo   +   timer of 5 ms |      how late does the timer fire?
 *                                                +--------------------------+
 *
 * Cores needed: 2. A server that drained its mailbox to the end would starve timers and sockets. Node's timers count whole
 * milliseconds, so one may also be early by a part of one: such a lateness is negative.
 */
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { pipelined, verifyAnswers } from './lanes.ts';
import { WrongAnswer } from './sample.ts';
import { percentile } from './stats.ts';
import { fairEntries, namesOf } from './subjects/index.ts';

const LANES = 512;
const TIMER_MS = 5;

export const fair: Bench = {
  name: 'fair',
  about: 'lateness of a 5 ms timer in a server under full load',
  cores: 2,
  rounds: 5,
  limitMs: 300_000,
  subjects: namesOf(fairEntries()),
  targets: [{ metric: 'late_p99_ms', atMost: 1 }],
  async run(run: Run): Promise<void> {
    await interleave(run, fairEntries(), {
      async warm(subject, name) {
        await verifyAnswers(subject, name, 64);
        await pipelined(subject, name, LANES, run.smoke ? 1 : 500);
      },
      async measure(subject, name) {
        await subject.startTimer(TIMER_MS);
        const { calls, tookUs } = await pipelined(subject, name, LANES, run.smoke ? 50 : 3000);
        const lateMs = Float64Array.from(await subject.stopTimer()).sort();
        if (lateMs.length === 0) throw new WrongAnswer(name, 'a timer that fired', 'one that never did');
        return {
          late_p99_ms: percentile(lateMs, 99),
          late_p50_ms: percentile(lateMs, 50),
          calls_per_s: calls / (tookUs / 1e6),
        };
      },
    });
  },
};
