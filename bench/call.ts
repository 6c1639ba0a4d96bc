/**
 * call: an echo of a small object, one call in flight.
 *
 *      this process                       worker thread or process
 *      +-----------+   {id,name,...}      +-----------+
 *      |  caller   | -------------------> |  echo     |        the next call is sent when the answer is there
 *      |           | <------------------- |           |
 *      +-----------+   the same object    +-----------+
 *
 * Cores needed: 2. The end of one call is the begin of the next, so one look at the clock a call gives every latency, and their sum
 * is the whole time. Answers are checked field by field, within the time measured. `cpu_us` is the CPU time of both sides for a call.
 */

import { echoEntries, echoNames } from './entries.ts';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { verifyAnswers } from './lanes.ts';
import { cpuUs } from './proc.ts';
import type { Values } from './report.ts';
import { check, sample } from './sample.ts';
import { percentile } from './stats.ts';
import type { EchoSubject } from './subject.ts';

export const call: Bench = {
  name: 'call',
  about: 'echo of a small object, one call in flight',
  cores: 2,
  rounds: 7,
  limitMs: 600_000,
  subjects: echoNames,
  targets: [
    { metric: 'median_us', atMost: 1 / 6, of: { subject: 'piscina', best: true } },
    { metric: 'median_us', atMost: 3 },
  ],
  async run(run: Run): Promise<void> {
    const roundMs = run.smoke ? 15 : 700;
    await interleave(run, echoEntries({ inFlight: 1 }), {
      async warm(subject, name) {
        await verifyAnswers(subject, name, 16);
        await oneByOne(subject, name, run.smoke ? 5 : 500);
      },
      measure: (subject, name) => oneByOne(subject, name, roundMs),
    });
  },
};

async function oneByOne(subject: EchoSubject, name: string, ms: number): Promise<Values> {
  const value = sample();
  const latencies: number[] = [];
  const pids = (await subject.pids?.()) ?? [];
  const cpuBefore = cpuUs(pids);
  const start = performance.now();
  for (let since = start; since - start < ms; ) {
    check(name, await subject.call(value));
    const now = performance.now();
    latencies.push((now - since) * 1000);
    since = now;
  }
  const used = cpuUs(pids) - cpuBefore;
  const sorted = Float64Array.from(latencies).sort();
  const mean = sorted.reduce((sum, latency) => sum + latency, 0) / sorted.length;
  return { median_us: percentile(sorted, 50), mean_us: mean, p99_us: percentile(sorted, 99), cpu_us: used / sorted.length };
}
