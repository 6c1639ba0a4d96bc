/**
 * The benchmarks' entry: `npm run bench -- [name...] [--json] [--smoke] [--subjects a,b] [--rounds n]`.
 *
 * Runs the named benchmarks (default: all) one after another and ends with 0, or with 1 if an answer was wrong, a subject failed or
 * a benchmark hung. A missed target is told, but is no failure: machines differ.
 */
import { parseArgs } from 'node:util';
import { call } from './call.ts';
import { cli } from './cli.ts';
import { codec } from './codec-bench.ts';
import { enrich } from './enrich.ts';
import { fair } from './fair.ts';
import { files } from './files.ts';
import type { Bench } from './harness.ts';
import { idle } from './idle.ts';
import { late } from './late.ts';
import { load } from './load.ts';
import { describeMachine, warnOfCores, warnOfLoad } from './machine.ts';
import { notice } from './notice.ts';
import { overhead } from './overhead.ts';
import { payload } from './payload.ts';
import { pipeline } from './pipeline.ts';
import { recovery } from './recovery.ts';
import { Report } from './report.ts';
import { sparse } from './sparse.ts';
import { start } from './start.ts';
import { withWatchdog } from './watchdog.ts';

const BENCHES: readonly Bench[] = [
  call,
  pipeline,
  sparse,
  load,
  late,
  idle,
  fair,
  payload,
  start,
  codec,
  overhead,
  notice,
  recovery,
  files,
  cli,
  enrich,
];
const SMOKE_LIMIT_MS = 60_000;

interface Options {
  benches: readonly Bench[];
  json: boolean;
  smoke: boolean;
  subjects: readonly string[] | undefined;
  rounds: number | undefined;
}

process.exitCode = await main();
// What is still open now (a subject's forgotten handle) must not keep a finished run alive.
setTimeout(() => process.exit(), 1000).unref();

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parse(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${(error as Error).message}`);
    return 1;
  }
  const say = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  if (process.env.SKERRY_TRANSPORT !== undefined) {
    say('SKERRY_TRANSPORT is ignored: both transports are measured, as skerry-ring and skerry-stream');
    delete process.env.SKERRY_TRANSPORT;
  }
  for (const line of [...describeMachine(), ...warnOfLoad()]) say(line);
  const failed: string[] = [];
  for (const bench of options.benches) {
    try {
      await runOne(bench, options, say);
    } catch (error) {
      failed.push(bench.name);
      say(`  FAILED ${bench.name}: ${(error as Error).message}`);
      say(String((error as Error).cause instanceof Error ? ((error as Error).cause as Error).stack : (error as Error).stack));
    }
  }
  if (failed.length > 0) say(`\nfailed: ${failed.join(', ')}`);
  return failed.length > 0 ? 1 : 0;
}

async function runOne(bench: Bench, options: Options, say: (line: string) => void): Promise<void> {
  const { json, smoke, subjects } = options;
  const since = performance.now();
  say(`\n${bench.name}: ${bench.about}`);
  for (const line of warnOfCores(bench.cores)) say(`  ${line}`);
  const wants = (subject: string): boolean => subjects === undefined || subjects.includes(subject);
  if (!bench.subjects.some(wants)) return say(`  none of the chosen subjects takes part; these do: ${bench.subjects.join(', ')}`);
  const report = new Report(bench.name, { json, smoke, targets: bench.targets, judgedBy: bench.judgedBy });
  const rounds = options.rounds ?? (smoke ? 1 : bench.rounds);
  await withWatchdog(bench.name, smoke ? SMOKE_LIMIT_MS : bench.limitMs, (note) =>
    bench.run({ smoke, rounds, report, note, wants }),
  );
  report.finish();
  say(`  ${((performance.now() - since) / 1000).toFixed(1)} s`);
}

function parse(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      subjects: { type: 'string' },
      rounds: { type: 'string' },
    },
  });
  const names = BENCHES.map(({ name }) => name);
  const benches = positionals.map((wanted) => {
    const bench = BENCHES.find(({ name }) => name === wanted);
    if (bench === undefined) throw new Error(`no benchmark is called ${wanted}; there are ${names.join(', ')}`);
    return bench;
  });
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1))
    throw new Error(`--rounds takes a whole number from 1, found ${values.rounds}`);
  const chosen = benches.length > 0 ? benches : BENCHES;
  return { benches: chosen, json: values.json, smoke: values.smoke, subjects: subjectsOf(values.subjects, chosen), rounds };
}

function subjectsOf(list: string | undefined, benches: readonly Bench[]): string[] | undefined {
  if (list === undefined) return undefined;
  const known = new Set(benches.flatMap(({ subjects }) => subjects));
  const chosen = list.split(',').map((name) => name.trim());
  const unknown = chosen.filter((name) => !known.has(name));
  if (unknown.length > 0) throw new Error(`no subject is called ${unknown.join(', ')}; there are ${[...known].join(', ')}`);
  return chosen;
}
