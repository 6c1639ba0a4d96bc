/**
 * idle: what 16 servers cost that have nothing to do.
 *
 *      caller   kernel   process server   16 servers         each called once, then 10 s of silence
 *
 * Cores needed: 1. CPU time of all processes, this one included, in percent of one core.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { cpuUs } from './proc.ts';
import { idleEntries, namesOf } from './subjects/index.ts';

export const idle: Bench = {
  name: 'idle',
  about: 'CPU of 16 idle servers over 10 s, in percent of one core',
  cores: 1,
  rounds: 3,
  limitMs: 300_000,
  subjects: namesOf(idleEntries()),
  targets: [{ metric: 'cpu_percent', atMost: 0.5 }],
  async run(run: Run): Promise<void> {
    const silenceMs = run.smoke ? 100 : 10_000;
    await interleave(run, idleEntries(), {
      async warm(subject) {
        await subject.touch();
        // V8 collects garbage once, some 5 to 20 s after a process has become quiet (25 to 50 ms each): that is starting, not idling.
        await sleep(run.smoke ? 50 : 30_000);
      },
      async measure(subject) {
        const pids = (await subject.pids?.()) ?? [];
        await sleep(run.smoke ? 20 : 500); // asking for the processes was work
        const start = performance.now();
        const before = cpuUs(pids);
        await sleep(silenceMs);
        const used = cpuUs(pids) - before;
        return { cpu_percent: used / 1000 / (performance.now() - start) / 0.01, processes: pids.length + 1 };
      },
    });
  },
};
