/**
 * The fault campaign's entry: `npm run faults -- [throughput] [--count N] [--seed S] [--from N] [--kinds a,b] [--systems N]
 * [--record FILE] [--json]`.
 *
 * Steps `from` to `from + count` are drawn from the seed, each the same whatever came before it, and shared by so many systems side by
 * side, each with a process of its own (worker.ts). Ends with 0 when every system lived, no call hung, no acknowledged effect was lost and none
 * doubled, nothing leaked and the service came back each time; with 1 if not; with 2 when the campaign itself did not run to its end.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { kindsNamed } from './kinds/index.ts';
import type { LeakRecord, StepRecord, Telling, WorldRecord } from './record.ts';
import { addToRecord, openRecord } from './record-file.ts';
import { legend, notable, table, totals } from './report.ts';
import { summarise } from './summary.ts';
import { costOfKill, losses, type ThroughputTelling, type Window } from './throughput.ts';
import type { WorkerOrder } from './worker.ts';

interface Options {
  readonly throughput: boolean;
  readonly count: number;
  readonly seed: number;
  readonly from: number;
  readonly kinds: readonly string[] | undefined;
  readonly systems: number;
  readonly rounds: number;
  readonly windowMs: number;
  readonly json: boolean;
  readonly record: string | undefined;
}

/** A worker that tells nothing for so long hangs. */
const SILENT_MS = 180_000;
const PROGRESS_EVERY = 100;
/** A second signal counts as one after so long. */
const AGAIN_MS = 500;

process.exitCode = await main();

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parse(process.argv.slice(2));
  } catch (error) {
    console.error(`faults: ${(error as Error).message}`);
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'skerry-faults-'));
  const say = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  try {
    return await (options.throughput ? throughput(options, folder, say) : campaign(options, folder, say));
  } catch (error) {
    console.error(`faults: ${(error as Error).message}`);
    return 2;
  }
}

async function campaign(options: Options, folder: string, say: (line: string) => void): Promise<number> {
  const { seed, from, count, systems, kinds } = options;
  const named = kinds === undefined ? '' : ` --kinds ${kinds.join(',')}`;
  say(
    `${count} faults${systems > 1 ? ` in ${systems} systems` : ''}; to repeat: npm run faults -- --seed ${seed} --from ${from} --count ${count}${named}`,
  );
  say(`what the servers say, and the ledgers, are in ${folder}`);
  const steps: StepRecord[] = [];
  const leaks: LeakRecord[] = [];
  const worlds: WorldRecord[] = [];
  const take = (telling: Telling): void => {
    if (telling.t === 'leaks') leaks.push(telling.record);
    else if (telling.t === 'world') worlds.push(telling.record);
    else if (telling.t === 'step') steps.push(telling.record);
  };
  const { record } = options;
  const told = record === undefined ? [] : openRecord(record, { seed, from, kinds: kindsNamed(kinds).map(({ name }) => name) });
  const known = new Set<number>();
  for (const telling of told) {
    if (telling.t === 'step' && known.has(telling.record.step)) continue;
    if (telling.t === 'step') known.add(telling.record.step);
    take(telling);
  }
  const next = doneTo(steps, from);
  const done = [...known].filter((step) => step >= next);
  if (known.size > 0) say(`${known.size} of them are in ${record}`);
  const since = performance.now();
  const hear = (telling: Telling): void => {
    take(telling);
    if (record !== undefined) addToRecord(record, telling);
    if (telling.t === 'step') {
      if (process.env.FAULTS_VERBOSE === '1') process.stderr.write(`${JSON.stringify(telling.record)}\n`);
      if (steps.length % PROGRESS_EVERY === 0)
        process.stderr.write(
          `faults: ${steps.length} of ${count}, ${((performance.now() - since) / 1_000).toFixed(0)} s; go on with --from ${doneTo(steps, from)}\n`,
        );
    }
  };
  const shards = Array.from({ length: systems }, (_, shard) => shard);
  const ends = await Promise.all(
    shards.map((shard) =>
      work({ what: 'campaign', seed, from: next, to: from + count, done, shards: systems, shard, kinds, folder }, folder, hear),
    ),
  );
  const summary = summarise(steps, leaks, worlds);
  say('');
  for (const line of [...table(summary), '', ...legend()]) say(line);
  const seconds = (performance.now() - since) / 1_000;
  say(
    `\n${steps.length} faults${known.size > 0 ? `, ${steps.length - known.size} of them now,` : ''} in ${seconds.toFixed(0)} s; ${summary.calls} calls, ${summary.effects} effects; ` +
      `leaks were looked for ${summary.looksForLeaks} times, most found at once: ${summary.leaked}`,
  );
  const errors = Object.entries(summary.errors).sort(([, a], [, b]) => b - a);
  if (errors.length > 0)
    say(`calls that were rejected, of the load and of probes: ${errors.map(([code, count]) => `${code} ${count}`).join(', ')}`);
  const lines = notable(steps, leaks, worlds);
  if (lines.length > 0) say(`\nto look at (with --seed ${seed}${named}):\n  ${lines.join('\n  ')}`);
  const goOn = record === undefined ? `--from ${doneTo(steps, from)}` : 'the same command';
  if (steps.length < count) say(`\nended early; go on with ${goOn}`);
  const broken = ends.filter((end) => end !== undefined);
  for (const end of broken) say(`\nTHE CAMPAIGN BROKE: ${end}; go on with ${goOn}`);
  const last = { seed, from, count: steps.length, seconds: Math.round(seconds), ...totals(summary) };
  if (options.json) process.stdout.write(`${JSON.stringify(last)}\n`);
  if (broken.length > 0 || steps.length < count) return 2;
  const { systemCrashes, hung, lost, doubled, injected, recovered } = summary.total;
  return systemCrashes + hung + lost + doubled + summary.leaked + summary.unmeasured + injected - recovered > 0 ? 1 : 0;
}

async function throughput(options: Options, folder: string, say: (line: string) => void): Promise<number> {
  const { seed, rounds, windowMs } = options;
  say(`throughput against the interval between kills: ${rounds} rounds, windows of ${windowMs / 1_000} s`);
  const windows: Window[] = [];
  const end = await work(
    { what: 'throughput', seed, rounds, windowMs, folder },
    folder,
    (telling: ThroughputTelling | Telling) => {
      if (telling.t !== 'throughput') return;
      const { window } = telling;
      windows.push(window);
      say(
        `  round ${window.round}  ${name(window.intervalMs)}  ${window.perSecond.toFixed(0)} answers/s, ${window.kills} kills, ${window.failed} rejected`,
      );
    },
  );
  if (end !== undefined) {
    say(`THE CAMPAIGN BROKE: ${end}`);
    return 2;
  }
  const found = losses(windows);
  for (const { intervalMs, perSecond, lossPercent } of found)
    say(`${name(intervalMs)}  ${perSecond.toFixed(0)} answers/s  ${lossPercent.toFixed(1)}% less than beside it`);
  const { meanMs, errorMs, kills } = costOfKill(windows);
  const shareOf = (ms: number) => `${(meanMs / ms).toFixed(2)}% (± ${(errorMs / ms).toFixed(2)})`;
  say(
    `a kill costs ${meanMs.toFixed(0)} ms of throughput (mean of ${kills}, standard error ${errorMs.toFixed(0)}): ` +
      `${shareOf(20)} with one each 2 s, ${shareOf(150)} with one each 15 s`,
  );
  const line = { seed, rounds, windowMs, losses: found, costOfKillMs: meanMs, errorMs, kills };
  if (options.json) process.stdout.write(`${JSON.stringify(line)}\n`);
  return 0;
}

function name(intervalMs: number): string {
  return intervalMs === 0 ? 'no kill   ' : `each ${String(intervalMs / 1_000).padStart(2)} s`;
}

/** The first step of which not all before it are done. */
function doneTo(steps: readonly StepRecord[], from: number): number {
  const done = new Set(steps.map(({ step }) => step));
  let next = from;
  while (done.has(next)) next += 1;
  return next;
}

/** @returns why it did not run to its end, if it did not. */
function work<T extends { readonly t: string }>(
  order: WorkerOrder,
  folder: string,
  hear: (telling: T) => void,
): Promise<string | undefined> {
  const log = openSync(join(folder, `worker-${'shard' in order ? order.shard : 0}.log`), 'a');
  const worker = fileURLToPath(new URL('./worker.js', import.meta.url));
  const child = fork(worker, [JSON.stringify(order)], { stdio: ['ignore', log, log, 'ipc'], execArgv: ['--enable-source-maps'] });
  // The first time it ends with the step in hand. A terminal tells all processes at once, and some of them tell it on.
  let askedMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (askedMs > 0 && performance.now() > askedMs + AGAIN_MS) child.kill('SIGKILL');
      if (askedMs === 0 && child.connected) child.send('stop');
      askedMs ||= performance.now();
    });
  }
  return new Promise((resolve) => {
    let why: string | undefined = 'its process has ended early';
    const silence = setTimeout(() => {
      why = `nothing was heard of it for ${SILENT_MS / 1_000} s`;
      child.kill('SIGKILL');
    }, SILENT_MS);
    child.on('message', (telling: T | { t: 'over' } | { t: 'broken'; error: string }) => {
      silence.refresh();
      if (telling.t === 'over') why = why?.startsWith('it failed') ? why : undefined;
      else if (telling.t === 'broken') why = `it failed: ${(telling as { error: string }).error}`;
      else hear(telling as T);
    });
    child.on('exit', () => {
      clearTimeout(silence);
      resolve(why);
    });
  });
}

function parse(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      count: { type: 'string', default: '300' },
      seed: { type: 'string' },
      from: { type: 'string', default: '0' },
      kinds: { type: 'string' },
      systems: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '3' },
      window: { type: 'string', default: '15' },
      json: { type: 'boolean', default: false },
      record: { type: 'string' },
    },
  });
  const unknown = positionals.find((word) => word !== 'throughput');
  if (unknown !== undefined) throw new Error(`unknown argument ${unknown}; valid is throughput, and options`);
  const whole = (option: 'count' | 'seed' | 'from' | 'systems' | 'rounds' | 'window', least: number, most: number): number => {
    const number = Number(values[option] ?? Math.floor(Math.random() * 2 ** 31));
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new Error(`--${option} takes a whole number from ${least} to ${most}, found ${values[option]}`);
  };
  if (values.record !== undefined && (values.seed === undefined || positionals.length > 0))
    throw new Error('--record takes --seed beside it, so that the same command can go on; throughput has none');
  const kinds = values.kinds?.split(',').map((kind) => kind.trim());
  kindsNamed(kinds);
  return {
    throughput: positionals.length > 0,
    count: whole('count', 1, 10_000_000),
    seed: whole('seed', 0, 2 ** 32 - 1),
    from: whole('from', 0, 2 ** 31),
    kinds,
    systems: whole('systems', 1, 64),
    rounds: whole('rounds', 1, 100),
    windowMs: whole('window', 1, 600) * 1_000,
    json: values.json,
    record: values.record,
  };
}
