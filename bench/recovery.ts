/**
 * recovery: how long after a server is killed its successor answers.
 *
 *      caller        SIGKILL ──▶ ✝  call ─────────(waits in the mailbox)────────▶ answered by the next instance
 *      kernel                    reaped ──▶ a warm spare is born ──▶ init ──▶ introduced
 *
 * Cores needed: 2. With a warm spare (the default) and without one; `child_process` is what a program does by hand: fork again at the
 * event `exit`, and ask. The server has an empty init. Kills are a second and a half apart, so that the next spare is there.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { boot } from 'skerry';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { workerUrl } from './paths.ts';
import { WrongAnswer } from './sample.ts';
import { percentile } from './stats.ts';
import type { Entry, Subject } from './subject.ts';
import coldSystem from './subjects/cold.system.ts';
import echoSystem from './subjects/echo.system.ts';

interface MortalSubject extends Subject {
  /** Kills it. @returns ms until its successor has answered. */
  kill(): Promise<number>;
}

const APART_MS = 1_500;

const ENTRIES: readonly Entry<MortalSubject>[] = [
  { name: 'skerry-ring', load: async () => server('ring', echoSystem) },
  { name: 'skerry-ring-cold', load: async () => server('ring', coldSystem) },
  { name: 'skerry-stream', load: async () => server('stream', echoSystem) },
  { name: 'child_process', load: async () => child() },
];

export const recovery: Bench = {
  name: 'recovery',
  about: 'SIGKILL of a server to the first answer of its successor',
  cores: 2,
  rounds: 3,
  limitMs: 900_000,
  subjects: ENTRIES.map(({ name }) => name),
  targets: [{ metric: 'p99_ms', atMost: 50 }],
  async run(run: Run): Promise<void> {
    const kills = run.smoke ? 1 : 34;
    await interleave(run, ENTRIES, {
      async warm(subject) {
        await subject.kill();
      },
      async measure(subject) {
        const seen: number[] = [];
        for (let i = 0; i < kills; i++) seen.push(await subject.kill());
        const sorted = seen.sort((a, b) => a - b);
        return { p50_ms: percentile(sorted, 50), p99_ms: percentile(sorted, 99) };
      },
    });
  },
};

function server(transport: 'ring' | 'stream', system: typeof echoSystem): MortalSubject {
  let sys: Awaited<ReturnType<typeof boot<typeof echoSystem.servers>>>;
  return {
    async start() {
      sys = await boot(system, { transport });
    },
    stop: () => sys.stop(),
    async kill() {
      const { echo } = sys.servers;
      const before = await echo.pid();
      await sleep(APART_MS);
      const since = performance.now();
      process.kill(before, 'SIGKILL');
      for (;;) {
        const pid = await echo.pid().catch(() => before); // one that was started, and died
        if (pid !== before) return performance.now() - since;
      }
    },
  };
}

function child(): MortalSubject {
  const worker = fileURLToPath(workerUrl('child-process.worker.mjs'));
  let forked: ChildProcess;
  const ask = async (value: number) => {
    const answered = once(forked, 'message');
    forked.send([value, 'echo', value]);
    const [[id, answer]] = (await answered) as [[number, number]];
    if (id !== value || answer !== value) throw new WrongAnswer('child_process', String(value), answer);
  };
  const begin = async () => {
    forked = fork(worker, { execArgv: [] });
    await once(forked, 'message');
  };
  return {
    start: begin,
    async stop() {
      const ended = once(forked, 'exit');
      forked.kill('SIGKILL');
      await ended;
    },
    async kill() {
      await ask(1);
      await sleep(APART_MS);
      const since = performance.now();
      const ended = once(forked, 'exit');
      forked.kill('SIGKILL');
      await ended;
      await begin();
      await ask(2);
      return performance.now() - since;
    },
  };
}
