/**
 * load: how late answers are at 10, 50 and 90% of what the subject can do at most.
 *
 *      closed loop, 64 in flight          ->  max_per_s of this subject, the best of three tries
 *      open loop at 10 / 50 / 90% of it   ->  p99, p99.9 from the *intended* time of each call
 *
 * Cores needed: 2. Each subject is measured at its own maximum, so a faster one is also asked more. A call that the subject refuses
 * because its queue is full is counted (`refused`), not hidden.
 */

import { echoEntries, echoNames } from './entries.ts';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { pipelined, verifyAnswers } from './lanes.ts';
import { openLoop } from './open-loop.ts';
import { percentile } from './stats.ts';

const PERCENTS = [10, 50, 90];

export const load: Bench = {
  name: 'load',
  about: 'p99 and p99.9 in an open loop at 10, 50 and 90% of the maximum',
  cores: 2,
  rounds: 3,
  limitMs: 1_200_000,
  subjects: echoNames,
  targets: [],
  judgedBy: 'p99_us@50',
  async run(run: Run): Promise<void> {
    const maximum = new Map<unknown, number>();
    const seconds = run.smoke ? 0.01 : 1.5;
    await interleave(run, echoEntries({ inFlight: 64 }), {
      async warm(subject, name) {
        await verifyAnswers(subject, name, 64);
        await pipelined(subject, name, 64, run.smoke ? 1 : 500);
        let most = 0;
        for (let attempt = 0; attempt < (run.smoke ? 1 : 3); attempt++) {
          const { calls, tookUs } = await pipelined(subject, name, 64, run.smoke ? 5 : 500);
          most = Math.max(most, calls / (tookUs / 1e6));
        }
        maximum.set(subject, most);
      },
      async measure(subject, name) {
        const max = maximum.get(subject) as number;
        const values: Record<string, number> = { max_per_s: max };
        for (const percent of PERCENTS) {
          const perSecond = (max * percent) / 100;
          const calls = Math.max(10, Math.round(perSecond * seconds));
          const { latenciesUs, refused } = await openLoop(subject, name, { perSecond, calls, wait: 'busy' });
          values[`p99_us@${percent}`] = percentile(latenciesUs, 99);
          values[`p999_us@${percent}`] = percentile(latenciesUs, 99.9);
          values[`refused@${percent}`] = refused;
        }
        return values;
      },
    });
  },
};
