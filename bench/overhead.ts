/**
 * overhead: what supervision, black box and counters cost when nothing fails.
 *
 *      process 1   boots the package as it is, and one without them (bare.ts);      A B B A A B B A ...   20 ms each, 64 calls in flight
 *      process 2   the same again  ...
 *
 *      process 3   both ends in one isolate, with the modules of the one and of the other               A B B A ...   2 ms each
 *
 * Such a difference is smaller than what a machine does from one second to the next, and than how the compiler happened to settle in one
 * process: so the turns are short, and each round is a process with systems of its own. In one isolate nothing goes between cores and
 * nobody waits: what is measured there is the code alone, of both sides together. Cores needed: 2.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildBare } from './bare.ts';
import type { Bench, Run } from './harness.ts';
import { projectRoot } from './paths.ts';
import { median } from './stats.ts';

const [FULL, BARE] = ['skerry-ring', 'skerry-bare'] as const;
const METRIC = 'median_us@64';
const ISOLATE = 'median_us@isolate';
const ISOLATE_MS = 2000;

export const overhead: Bench = {
  name: 'overhead',
  about: 'the same as pipeline, beside a build without supervision, black box and counters',
  cores: 2,
  rounds: 60,
  limitMs: 1_800_000,
  subjects: [FULL, BARE],
  targets: [{ metric: METRIC, atMost: 1.01, of: { subject: BARE } }],
  async run(run: Run): Promise<void> {
    if (![FULL, BARE].every(run.wants)) return run.report.say(`  measures ${FULL} beside ${BARE}, and nothing else`);
    const bare = await buildBare();
    const systems = [new URL('dist/bench/', projectRoot), bare];
    const sources = [new URL('dist/src/', projectRoot), new URL('../src/', bare)];
    const percent: Record<string, number[]> = { [METRIC]: [], [ISOLATE]: [] };
    for (let round = 1; round <= run.rounds; round++) {
      const isOdd = round % 2 === 1; // who boots first, and whose turn it is first
      const inTurn = async (file: string, folders: readonly URL[], ms: number): Promise<readonly [number, number]> => {
        run.note(`round ${round}, ${file}`);
        const us = await measure(file, isOdd ? folders : [...folders].reverse(), ms);
        return (isOdd ? us : us.reverse()) as [number, number];
      };
      const figures = {
        [METRIC]: await inTurn('overhead-main.js', systems, run.smoke ? 20 : 800),
        [ISOLATE]: await inTurn('overhead-isolate.js', sources, run.smoke ? 20 : ISOLATE_MS),
      };
      [FULL, BARE].forEach((subject, which) => {
        const values = Object.entries(figures).map(([metric, us]) => [metric, us[which] as number] as const);
        run.report.add(round, subject, '', Object.fromEntries(values));
      });
      for (const [metric, [full, without]] of Object.entries(figures)) percent[metric]?.push((full / without - 1) * 100);
    }
    if (run.rounds === 1) return;
    for (const [metric, list] of Object.entries(percent))
      run.report.say(`  ${FULL} beside ${BARE}, ${metric}, round by round: ${describe(list)}`);
  },
};

function describe(percent: readonly number[]): string {
  const mean = percent.reduce((sum, one) => sum + one, 0) / percent.length;
  const error = Math.sqrt(percent.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (percent.length - 1) / percent.length);
  return `median ${median(percent).toFixed(2)}%, mean ${mean.toFixed(2)} +- ${error.toFixed(2)}% (standard error) more time for a call`;
}

/** @returns us for a call with the one, and with the other. */
async function measure(name: string, folders: readonly URL[], ms: number): Promise<number[]> {
  const file = fileURLToPath(new URL(`dist/bench/${name}`, projectRoot));
  const args = [file, ...folders.map(String), String(ms)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  let output = '';
  child.stdout?.on('data', (text) => {
    output += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  const us = output.split(' ').map(Number);
  if (code !== 0 || us.length !== 2 || !us.every((one) => one > 0)) throw new Error(`${file} ended with ${code} and '${output}'`);
  return us;
}
