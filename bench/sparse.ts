/**
 * sparse: few calls a second, both sides asleep between them. What does it cost to wake up, in time and in CPU?
 *
 *      |call|.......asleep.......|call|.......asleep.......|call|      10, 100 and 1,000 calls a second, open loop
 *
 * Cores needed: 2. `cpu_us` is the CPU time of everything that takes part (this process with its threads, and the subject's
 * processes), divided by the calls. `none` is a call that returns at once in this isolate: what the timer and the loop cost alone.
 * Latency counts from the actual send, since a timer's own lateness is not the subject's.
 */

import { echoEntries, echoNames } from './entries.ts';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { verifyAnswers } from './lanes.ts';
import { openLoop } from './open-loop.ts';
import { cpuUs } from './proc.ts';
import { sample } from './sample.ts';
import { percentile } from './stats.ts';
import type { EchoSubject, Entry } from './subject.ts';

/**
 * Calls for each rate, in a full and in a smoke run. Turns of two seconds, and many of them: what a call costs a sleeping machine changes
 * threefold within half a minute (its cores are shared with others), so that turns of ten seconds compare one minute with another. With five
 * calls at 10/s the p99 of a turn is its worst call, and the first of them does not come from sleep.
 */
const RATES = [
  { perSecond: 10, calls: 5, smoke: 2 },
  { perSecond: 100, calls: 100, smoke: 3 },
  { perSecond: 1000, calls: 500, smoke: 10 },
];

const none: Entry<EchoSubject> = {
  name: 'none',
  load: async () => ({ start: async () => {}, call: async (value) => value, stop: async () => {} }),
};

const likePostMessage = (metric: string) => ({ metric, atMost: 1.1, of: { subject: 'postMessage' } });

export const sparse: Bench = {
  name: 'sparse',
  about: '10, 100 and 1,000 calls a second, both sides asleep between them',
  cores: 2,
  rounds: 30,
  limitMs: 1_800_000,
  subjects: [...echoNames, none.name],
  targets: [likePostMessage('p50_us@100'), likePostMessage('p99_us@100'), likePostMessage('cpu_us@100')],
  judgedBy: 'p50_us@100',
  async run(run: Run): Promise<void> {
    const value = sample();
    await interleave(run, [...echoEntries({ inFlight: 1 }), none], {
      async warm(subject, name) {
        await verifyAnswers(subject, name, 16);
        // For all alike: compiled code, as a server has it that has been up for a while, and has been both busy and idle: what was compiled
        // for the one is thrown away at the other, once, and what only the other runs is compiled after thousands of calls. Cold figures
        // are in README.md. The burst and the slow calls are for what a steady stream of calls does not do: several at once, and the
        // generator's timers of a fraction of a millisecond.
        for (let turn = 0; turn < 2; turn++) {
          for (let i = 0; i < 20; i++) await subject.pids?.(); // as each round does
          const until = performance.now() + (run.smoke ? 5 : 1000);
          while (performance.now() < until) await subject.call(value);
          await Promise.all(Array.from({ length: run.smoke ? 2 : 64 }, () => subject.call(value)));
          await openLoop(subject, name, { perSecond: 1000, calls: run.smoke ? 3 : 4000, wait: 'timer' });
          await openLoop(subject, name, { perSecond: 300, calls: run.smoke ? 3 : 300, wait: 'timer' });
        }
      },
      async measure(subject, name) {
        const pids = (await subject.pids?.()) ?? [];
        const values: Record<string, number> = {};
        for (const { perSecond, calls, smoke } of RATES) {
          const count = run.smoke ? smoke : calls;
          const before = cpuUs(pids);
          const { latenciesUs, refused } = await openLoop(subject, name, { perSecond, calls: count, wait: 'timer' });
          const used = cpuUs(pids) - before;
          if (refused > 0) throw new Error(`${refused} of ${count} calls refused at ${perSecond}/s`);
          values[`p50_us@${perSecond}`] = percentile(latenciesUs, 50);
          values[`p99_us@${perSecond}`] = percentile(latenciesUs, 99);
          values[`cpu_us@${perSecond}`] = used / count;
        }
        return values;
      },
    });
  },
};
