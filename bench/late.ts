/**
 * late: how long after a handler has answered does the caller notice?
 *
 *      caller        call .................................. answer seen
 *      handler            |-- 1, 5 or 20 ms (timer) --| answers           late = seen - answered
 *
 * Cores needed: 2. A transport that polls is fast while calls are frequent; here it has long stopped polling when the answer comes.
 * Both sides read CLOCK_MONOTONIC, which is one clock for all processes of a machine. One call in flight.
 */

import { lateEntries, lateNames } from './entries.ts';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { WrongAnswer } from './sample.ts';
import { median } from './stats.ts';
import type { LateSubject } from './subject.ts';

const DELAYS_MS = [1, 5, 20];

export const late: Bench = {
  name: 'late',
  about: 'how late an answer after 1, 5 and 20 ms is noticed',
  cores: 2,
  rounds: 5,
  limitMs: 600_000,
  subjects: lateNames,
  targets: DELAYS_MS.map((ms) => ({ metric: `late_ms@${ms}`, atMost: 0.3 })),
  async run(run: Run): Promise<void> {
    const calls = run.smoke ? 1 : 40;
    await interleave(run, lateEntries(), {
      async warm(subject, name) {
        for (let i = 0; i < (run.smoke ? 1 : 100); i++) await latenessMs(subject, name, 1);
      },
      async measure(subject, name) {
        const values: Record<string, number> = {};
        for (const ms of DELAYS_MS) {
          const seen: number[] = [];
          for (let i = 0; i < calls; i++) seen.push(await latenessMs(subject, name, ms));
          values[`late_ms@${ms}`] = median(seen);
        }
        return values;
      },
    });
  },
};

async function latenessMs(subject: LateSubject, name: string, ms: number): Promise<number> {
  const before = Number(process.hrtime.bigint());
  const answeredAt = await subject.late(ms);
  const now = Number(process.hrtime.bigint());
  const earliest = before + (ms - 1) * 1e6; // Node's timers count whole milliseconds and may be early by a part of one
  if (!(answeredAt >= earliest && answeredAt <= now))
    throw new WrongAnswer(name, `a time from ${earliest} to ${now}`, answeredAt);
  return (now - answeredAt) / 1e6;
}
