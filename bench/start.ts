/**
 * start: how long from nothing to the first answers of two servers, and what an idle server weighs.
 *
 *      boot()  ->  kernel, process server, two servers  ->  both have answered once          boot_ms
 *                  then idle for half a second          ->  PSS of each process              pss_mb@<process>
 *                  beside an empty Node process, up at the same time                         above_empty_mb (the largest)
 *
 * Cores needed: 2. `postMessage` starts two threads, `child_process` forks two processes, for comparison. PSS divides what is shared
 * (above all Node's own code) by the number of processes that map it: so the empty process is measured while the others are up.
 * Reading it takes root or a process that lets itself be inspected; otherwise it is left out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootEntries, bootNames } from './entries.ts';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { pssMb } from './proc.ts';
import type { Target, Values } from './report.ts';
import { most } from './stats.ts';
import type { Booted } from './subject.ts';

const modern = Number(process.versions.node.split('.', 1)[0]) >= 24;
const bootTarget: Target = { metric: 'boot_ms', atMost: 300 };

export const start: Bench = {
  name: 'start',
  about: 'boot of two servers to their first answers, memory of each process',
  cores: 2,
  rounds: 5,
  limitMs: 600_000,
  subjects: bootNames,
  targets: [...(modern ? [bootTarget] : []), { metric: 'above_empty_mb', atMost: 6 }],
  async run(run: Run): Promise<void> {
    await interleave(run, bootEntries(), {
      async warm(subject) {
        if (!run.smoke) await (await subject.boot()).stop(); // files into the page cache
      },
      async measure(subject) {
        const since = performance.now();
        const booted = await subject.boot();
        const boot_ms = performance.now() - since;
        try {
          return { boot_ms, ...(await memory(booted, run.smoke ? 50 : 500)) };
        } finally {
          await booted.stop();
        }
      },
    });
  },
};

async function memory(booted: Booted, idleMs: number): Promise<Values> {
  if (booted.processes === undefined) return {};
  const empty = await startEmpty();
  try {
    await sleep(idleMs);
    const emptyMb = pssMb(empty.pid as number);
    const values: Record<string, number> = { 'pss_mb@empty': emptyMb };
    const above: number[] = [];
    for (const { name, pid } of await booted.processes()) {
      const mb = pssMb(pid);
      values[`pss_mb@${name}`] = mb;
      above.push(mb - emptyMb);
    }
    return { ...values, above_empty_mb: most(above) };
  } finally {
    empty.kill('SIGKILL');
    await once(empty, 'exit');
  }
}

async function startEmpty(): Promise<ChildProcess> {
  const program = "setInterval(() => {}, 1e9); process.stdout.write('up')";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}
