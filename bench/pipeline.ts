/**
 * pipeline: the same echo with 64 and with 512 calls in flight; the time for a call is the whole time divided by the calls.
 *
 *      lane 1  -- call, await, call, await, ... --+
 *      lane 2  -- call, await, ...             ---+-->  one echo server, thread or process
 *      ...                                        |
 *      lane n  -----------------------------------+
 *
 * Cores needed: 2. Pools have one worker; where they can hand it several tasks at once (piscina's and tinypool's
 * `concurrentTasksPerWorker: 64`) they do.
 */

import { echoEntries, echoNames } from './entries.ts';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { pipelined, verifyAnswers } from './lanes.ts';
import { cpuUs } from './proc.ts';

const IN_FLIGHT = [64, 512];

export const pipeline: Bench = {
  name: 'pipeline',
  about: 'the same with 64 and 512 calls in flight, time per call',
  cores: 2,
  rounds: 7,
  limitMs: 900_000,
  subjects: echoNames,
  targets: [{ metric: 'median_us@64', atMost: 1 / 10, of: { subject: 'piscina' } }],
  async run(run: Run): Promise<void> {
    const roundMs = run.smoke ? 5 : 600;
    await interleave(run, echoEntries({ inFlight: 64 }), {
      async warm(subject, name) {
        await verifyAnswers(subject, name, 64);
        await pipelined(subject, name, 64, run.smoke ? 1 : 500);
      },
      async measure(subject, name) {
        const values: Record<string, number> = {};
        const pids = (await subject.pids?.()) ?? [];
        for (const lanes of IN_FLIGHT) {
          const cpuBefore = cpuUs(pids);
          const { calls, tookUs } = await pipelined(subject, name, lanes, roundMs);
          values[`median_us@${lanes}`] = tookUs / calls;
          values[`cpu_us@${lanes}`] = (cpuUs(pids) - cpuBefore) / calls;
        }
        return values;
      },
    });
  },
};
