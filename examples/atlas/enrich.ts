// npm run enrich -- [file] [--rules module.ts] [--output file]: the command. Boots the servers that it needs, streams the file through
// them, reports. Ctrl-C ends it cleanly; what was written by then stays, under the name of a part.
//
//   exit code  0 done (rows with problems are no failure)   1 failed   2 wrong arguments   130, 143 cancelled by SIGINT, SIGTERM

import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { boot, isSkerryError } from 'skerry';
import type { RowChunk, RowFormat } from 'skerry/servers/http';
import type { ChunkResult, Problem } from './enrich/enricher.ts';
import { DIRTY_SHARE, generate } from './enrich/generate.ts';
import { type Counts, runJob } from './enrich/job.ts';
import { Output } from './enrich/output.ts';
import { ProgressReport } from './enrich/progress.ts';

const HELP = `npm run enrich -- [file] [options]: adds the nearest city to each row

  file               .csv with a header (a column lat or latitude, one lng, lon or longitude), or .ndjson; without it, generated rows
  --rules module     a module whose default export is run for each row; its value becomes the column "rule"
  --output file      default: the input's name with .enriched; "-" is the standard output
  --errors file      rows with a problem, a line each; default: the output's name with .errors.ndjson, and none where the output is "-",
                     a device or a named pipe
  --json             progress and result as JSON on the standard error, an event a line
  --rows n, --seed n of the generated rows (default 1000000, 1)
  --help
`;

const RULE_CHUNKS_IN_FLIGHT = 8;
/** Nearly all that a server makes of a chunk is garbage with it: a nursery of 24 MB instead of 48 costs no time. */
const SERVER_FLAGS = '--max-semi-space-size=8';
const GUILTY_SHOWN = 20;
const URL_OF_FILE = /^file:\/\//;

interface Options {
  readonly input: string | undefined;
  /** A URL. */
  readonly rules: string | undefined;
  readonly output: string | undefined;
  readonly errors: string | undefined;
  readonly json: boolean;
  readonly rows: number;
  readonly seed: number;
}

class UsageError extends Error {}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`enrich: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof UsageError) console.error('`npm run enrich -- --help` says what there is');
  return error instanceof UsageError ? 2 : 1;
});

async function main(args: string[]): Promise<number> {
  const options = parse(args);
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const cancel = new AbortController();
  let cancelled: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const code = signal === 'SIGINT' ? 130 : 143;
    if (cancelled !== undefined) process.exit(code);
    cancelled = code;
    cancel.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    await enrich(options, cancel.signal);
    return 0;
  } catch (error) {
    if (cancelled === undefined || !cancel.signal.aborted) throw error;
    return cancelled;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function enrich(options: Options, signal: AbortSignal): Promise<void> {
  const { json } = options;
  const input = options.input ?? (await generated(options, signal));
  const { size } = await stat(input).catch((error: Error) => {
    throw new UsageError(`the file cannot be read: ${error.message}`);
  });
  const format: RowFormat = /\.(ndjson|jsonl)$/i.test(input) ? 'ndjson' : 'csv';
  const { rules } = options;
  const kind = json ? 'json' : process.stderr.isTTY ? 'terminal' : 'log';
  const output = await Output.open(options.output ?? withMark(input, 'enriched'), options.errors);
  try {
    const servers = await start(rules);
    const startedMs = performance.now();
    const report = new ProgressReport(kind, size, (text) => void process.stderr.write(text), startedMs);
    report.event('started', { input, bytes: size, output: output.name, rules });
    const guilty: Problem[] = [];
    let counts: Counts = { rows: 0, malformed: 0, threw: 0, guilty: 0, bytes: 0 };
    try {
      signal.throwIfAborted();
      counts = await runJob<RowChunk & { rules?: string }>({
        source: createReadStream(input, { highWaterMark: 256 * 1024 }),
        format,
        method: servers.method,
        chunkOf: (chunk) => (rules === undefined ? chunk : { ...chunk, rules }),
        ...(rules !== undefined && { concurrency: RULE_CHUNKS_IN_FLIGHT }),
        write: (bytes) => output.write(bytes),
        onProblem: (problem) => {
          output.problem(problem);
          if (problem.kind === 'guilty') report.event('guilty', problem);
          if (problem.kind === 'guilty' && guilty.length < GUILTY_SHOWN) guilty.push(problem);
        },
        onProgress: (now) => {
          counts = now;
          report.update(now, performance.now());
        },
        signal,
      });
    } catch (error) {
      const left = await output.keepPart();
      const event = signal.aborted ? 'cancelled' : 'failed';
      report.event(event, { ...counts, partial: left, ...(!signal.aborted && { reason: String((error as Error).message) }) });
      report.say(`${event} after ${counts.rows.toLocaleString('en')} rows; those are in ${left}`);
      throw error;
    } finally {
      await servers.stop();
    }
    await output.finish();
    summarize(report, counts, guilty, output, (performance.now() - startedMs) / 1000);
  } catch (error) {
    await output.discard();
    throw error;
  }
}

interface Servers {
  readonly method: (chunk: RowChunk & { rules?: string }) => Promise<ChunkResult>;
  stop(): Promise<void>;
}

/** Boots what is needed; a rule module that cannot be loaded is said before anything is read. */
async function start(rules: string | undefined): Promise<Servers> {
  if (rules === undefined) {
    const env = { ...process.env, NODE_OPTIONS: SERVER_FLAGS };
    const sys = await boot((await import('./enrich.system.ts')).default, { env });
    return { method: sys.servers.enrich.chunk, stop: () => sys.stop() };
  }
  const sys = await boot((await import('./enrich-rules.system.ts')).default);
  try {
    await sys.servers.jobs.check(rules);
  } catch (error) {
    await sys.stop();
    throw isSkerryError(error, 'SKERRY_INVALID') ? new UsageError(error.message) : error;
  }
  return { method: sys.servers.jobs.chunk as (chunk: RowChunk) => Promise<ChunkResult>, stop: () => sys.stop() };
}

function summarize(report: ProgressReport, counts: Counts, guilty: readonly Problem[], output: Output, seconds: number): void {
  const { rows, malformed, threw } = counts;
  const enriched = rows - malformed - threw - counts.guilty;
  report.event('done', { ...counts, enriched, seconds: Number(seconds.toFixed(3)), output: output.name, errors: output.errors });
  const rate = Math.round(rows / seconds).toLocaleString('en');
  report.say(
    `${rows.toLocaleString('en')} rows in ${seconds.toFixed(1)} s (${rate}/s): ${enriched} enriched, ${malformed} malformed`,
  );
  if (threw + counts.guilty > 0) report.say(`rules: ${threw} rows threw, ${counts.guilty} ended their server:`);
  for (const { line, reason } of guilty) report.say(`  line ${line}: ${reason}`);
  if (counts.guilty > guilty.length) report.say(`  and ${counts.guilty - guilty.length} more`);
  if (output.errors !== undefined && rows > enriched) report.say(`rows with a problem are listed in ${output.errors}`);
  report.say(`written to ${output.name}`);
}

/** The rows for those who bring none: made once for each number and seed, under .cache/. */
async function generated({ rows, seed, json }: Options, signal: AbortSignal): Promise<string> {
  const folder = resolve('.cache/atlas');
  const file = join(folder, `places-${rows}-${seed}.csv`);
  if (
    await stat(file).then(
      () => true,
      () => false,
    )
  )
    return file;
  if (!json) console.error(`generating ${rows.toLocaleString('en')} rows, ${100 * DIRTY_SHARE}% of them dirty: ${file}`);
  await mkdir(folder, { recursive: true });
  const part = `${file}.${process.pid}`;
  const handle = await open(part, 'w');
  try {
    for (const piece of generate({ rows, seed })) {
      signal.throwIfAborted();
      await handle.writeFile(piece);
    }
    await handle.close();
    await rename(part, file);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
  return file;
}

/** `a/b.csv` → `a/b.enriched.csv` */
function withMark(file: string, mark: string): string {
  const extension = extname(file);
  return join(dirname(file), `${basename(file, extension)}.${mark}${extension}`);
}

function parse(args: string[]): Options | undefined {
  const { values, positionals } = parsed(args);
  if (values.help) return undefined;
  if (positionals.length > 1)
    throw new UsageError(`one file at a time; there are ${positionals.length}: ${positionals.join(', ')}`);
  // npm runs this in the project's folder; names are meant as seen from where npm was called.
  const base = process.env.INIT_CWD ?? process.cwd();
  const path = (given: string | undefined) => (given === undefined || given === '-' ? given : resolve(base, given));
  return {
    input: path(positionals[0]),
    rules:
      values.rules === undefined || URL_OF_FILE.test(values.rules)
        ? values.rules
        : pathToFileURL(resolve(base, values.rules)).href,
    output: path(values.output),
    errors: path(values.errors),
    json: values.json ?? false,
    rows: wholeNumber('--rows', values.rows, 1_000_000, 1_000_000_000),
    seed: wholeNumber('--seed', values.seed, 1, 2 ** 32 - 1),
  };
}

function parsed(args: string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { rules: text, output: text, errors: text, json: flag, rows: text, seed: text, help: flag };
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(option: string, given: string | undefined, otherwise: number, most: number): number {
  const number = given === undefined ? otherwise : Number(given);
  if (Number.isInteger(number) && number >= 0 && number <= most) return number;
  throw new UsageError(`${option} takes a whole number from 0 to ${most}, found ${given}`);
}
