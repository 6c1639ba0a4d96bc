/**
 * notice: how long after a server is killed its caller is told.
 *
 *      caller        call ─────────▶ handler never answers
 *                    SIGKILL ──────▶ ✝  reaped by the kernel ──▶ told      notice_ms = rejection - SIGKILL
 *
 * Cores needed: 2. From the signal, not from the reaping: what the operating system takes to end a Node process with its memory is in
 * it. `child_process` is told by the event `exit` of a process as large; a pool of threads has no such death.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot } from 'skerry';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { WrongAnswer } from './sample.ts';
import { percentile } from './stats.ts';
import type { Entry, Subject } from './subject.ts';
import echoSystem from './subjects/echo.system.ts';

interface MortalSubject extends Subject {
  /** Kills it within a call. @returns ms until the caller knew; it is there again when this resolves. */
  kill(): Promise<number>;
}

const ENTRIES: readonly Entry<MortalSubject>[] = [
  { name: 'skerry-ring', load: async () => server('ring') },
  { name: 'skerry-stream', load: async () => server('stream') },
  { name: 'child_process', load: async () => child() },
];

export const notice: Bench = {
  name: 'notice',
  about: 'SIGKILL of a server to the rejection of its call',
  cores: 2,
  rounds: 3,
  limitMs: 600_000,
  subjects: ENTRIES.map(({ name }) => name),
  targets: [{ metric: 'notice_ms@p50', atMost: 10 }],
  async run(run: Run): Promise<void> {
    const kills = run.smoke ? 1 : 20;
    await interleave(run, ENTRIES, {
      async warm(subject) {
        await subject.kill();
      },
      async measure(subject) {
        const seen: number[] = [];
        for (let i = 0; i < kills; i++) seen.push(await subject.kill());
        const sorted = seen.sort((a, b) => a - b);
        return { 'notice_ms@p50': percentile(sorted, 50), 'notice_ms@p99': percentile(sorted, 99) };
      },
    });
  },
};

function server(transport: 'ring' | 'stream'): MortalSubject {
  let sys: Awaited<ReturnType<typeof boot<typeof echoSystem.servers>>>;
  return {
    async start() {
      sys = await boot(echoSystem, { transport });
    },
    stop: () => sys.stop(),
    async kill() {
      const { echo } = sys.servers;
      await echo.late(0); // it runs
      await sleep(600); // stable: started again at once
      const { pid } = (await sys.processes.list()).find(({ name }) => name === 'echo') as { pid: number };
      const call = echo.late(60_000).then(
        (answer) => new WrongAnswer('skerry', 'a rejection', answer),
        (error: { code?: string }) => error.code,
      );
      await sleep(20); // it is started
      const since = performance.now();
      process.kill(pid, 'SIGKILL');
      const outcome = await call;
      const ms = performance.now() - since;
      if (outcome !== 'SKERRY_SERVER_DIED') throw new WrongAnswer('skerry', 'SKERRY_SERVER_DIED', outcome);
      return ms;
    },
  };
}

function child(): MortalSubject {
  return {
    start: async () => {},
    stop: async () => {},
    async kill() {
      const program = "process.stdout.write('up'); setInterval(() => {}, 1e9)";
      const forked = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(forked.stdout, 'data');
      await sleep(600);
      const since = performance.now();
      forked.kill('SIGKILL');
      await once(forked, 'exit');
      return performance.now() - since;
    },
  };
}
