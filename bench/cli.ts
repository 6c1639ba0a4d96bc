/**
 * cli: how long the command takes, from its start to its end, beside a Node process that does nothing.
 *
 *      spawn `skerry ps`  ->  finds the system, connects, asks, prints  ->  exit              run_ms@ps
 *      spawn `node -e ''` ->  exit                                                            run_ms@ps, of `node`
 *
 * Cores needed: 2. The system that it asks has 16 servers, which have nothing to do.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { WrongAnswer } from './sample.ts';
import { median } from './stats.ts';
import type { Entry, IdleSubject, Subject } from './subject.ts';
import { manyServers } from './subjects/skerry.ts';

interface CommandSubject extends Subject {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What its output has to hold. */
  readonly shows: RegExp;
}

const COMMAND = fileURLToPath(new URL('cli/main.js', import.meta.resolve('skerry')));

const ENTRIES: readonly Entry<CommandSubject>[] = [
  { name: 'skerry-ring', load: async () => psOf(manyServers('ring')) },
  { name: 'node', load: async () => ({ start: async () => {}, stop: async () => {}, args: ['-e', ''], shows: /^$/ }) },
];

export const cli: Bench = {
  name: 'cli',
  about: 'skerry ps, from start to end',
  cores: 2,
  rounds: 5,
  limitMs: 120_000,
  subjects: ENTRIES.map(({ name }) => name),
  targets: [{ metric: 'run_ms@ps', atMost: 150 }],
  async run(run: Run): Promise<void> {
    const times = run.smoke ? 1 : 10;
    await interleave(run, ENTRIES, {
      async warm(subject, name) {
        await runOnce(subject, name);
      },
      async measure(subject, name) {
        const seen: number[] = [];
        for (let i = 0; i < times; i++) seen.push(await runOnce(subject, name));
        return { 'run_ms@ps': median(seen) };
      },
    });
  },
};

function psOf(system: IdleSubject): CommandSubject {
  const runtime = mkdtempSync(join(tmpdir(), 'skerry-bench-cli-'));
  const before = process.env.XDG_RUNTIME_DIR;
  return {
    async start() {
      process.env.XDG_RUNTIME_DIR = runtime;
      await system.start();
    },
    async stop() {
      await system.stop();
      if (before === undefined) delete process.env.XDG_RUNTIME_DIR;
      else process.env.XDG_RUNTIME_DIR = before;
      rmSync(runtime, { recursive: true, force: true });
    },
    args: [COMMAND, 'ps'],
    env: { XDG_RUNTIME_DIR: runtime },
    shows: /^NAME[\s\S]*\nprocess /,
  };
}

async function runOnce({ args, env, shows }: CommandSubject, name: string): Promise<number> {
  const since = performance.now();
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  const ms = performance.now() - since;
  if (code !== 0 || !shows.test(output)) throw new WrongAnswer(name, `exit code 0 and ${shows}`, [code, output]);
  return ms;
}
