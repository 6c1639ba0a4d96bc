// skerry top: what ps shows, on a whole screen, again and again until Ctrl-C or q.

import { isSkerryError } from '../base/errors.ts';
import type { ProcessUsage } from '../servers/process/process-api.ts';
import { type Command, ExitCode, type Options, SYSTEM, UsageError, wholeNumber } from './command.ts';
import { labelOf } from './find-system.ts';
import { megabytes, table } from './format.ts';
import { type Operator, openAgain, openOperator } from './operator.ts';
import { COLUMNS } from './ps.ts';

const EVERY_MS = 1000;
const ALTERNATE_SCREEN = '\x1b[?1049h\x1b[?25l';
const NORMAL_SCREEN = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const END_OF_LINE = '\x1b[K';
const END_OF_SCREEN = '\x1b[J';

export const top: Command = {
  usage: 'skerry top [-s <system>] [--every <ms>]',
  about: 'shows the processes of a system, live; q or Ctrl-C leaves',
  options: { ...SYSTEM, every: { type: 'string' } },
  words: [0, 0],
  help: ['--every      how often, milliseconds, 100 to 60000 (default 1000)'],
  execute: watch,
};

async function watch(_words: readonly string[], { system, every }: Options): Promise<number> {
  const everyMs = wholeNumber('every', every, 100, 60_000) ?? EVERY_MS;
  const { stdin, stdout } = process;
  if (!stdout.isTTY) throw new UsageError('top needs a terminal; for programs there is: skerry ps --json');
  let operator = await openOperator(system);
  const { url, transport } = await operator.processes.info();
  let leave!: () => void;
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const onKey = (key: Buffer) => {
    if (['q', 'Q', '\x03', '\x04'].includes(key.toString())) leave();
  };
  const isRaw = stdin.isTTY;
  if (isRaw) stdin.setRawMode(true).on('data', onKey).resume();
  process.on('SIGINT', leave).on('SIGTERM', leave);
  stdout.write(ALTERNATE_SCREEN);
  /** Whatever is waited for: a key ends it. */
  const unlessLeft = <T>(wait: Promise<T>) => Promise.race([left.then(() => undefined), wait]);
  const draw = (usage: readonly ProcessUsage[]) => {
    const [width, height] = [stdout.columns || 80, stdout.rows || 24]; // 0: a terminal that does not know its size
    const head = `${labelOf(operator.system)}  ${transport}  ${summary(usage)}  ${url}`;
    const lines = [head.slice(0, width), '', ...table(COLUMNS, usage, width)].slice(0, height - 1);
    stdout.write(`${HOME}${lines.map((line) => `${line}${END_OF_LINE}\n`).join('')}${END_OF_SCREEN}`);
  };
  try {
    for (;;) {
      const usage = await unlessLeft(usageOf(operator));
      if (usage === undefined) return ExitCode.ok;
      if (usage !== 'ended') {
        draw(usage);
        if ((await unlessLeft(pause(everyMs))) === undefined) return ExitCode.ok;
        continue;
      }
      const again = await unlessLeft(openAgain(operator.system).then((other) => other ?? ('over' as const)));
      if (again === undefined) return ExitCode.ok;
      if (again === 'over') break;
      operator = again;
    }
  } finally {
    stdout.write(NORMAL_SCREEN);
    if (isRaw) stdin.setRawMode(false).off('data', onKey).pause();
    process.off('SIGINT', leave).off('SIGTERM', leave);
    operator.close();
  }
  process.stderr.write('skerry: the system has ended\n');
  return ExitCode.failed;
}

/** A call that the end of the connection has ended, and one that would never be answered, are the same. */
function usageOf({ processes, ended }: Operator): Promise<readonly ProcessUsage[] | 'ended'> {
  const usage = processes.usage().catch((error: unknown) => {
    if (isSkerryError(error, 'SKERRY_SERVER_DOWN')) return 'ended' as const;
    throw error;
  });
  return Promise.race([usage, ended.then(() => 'ended' as const)]);
}

function summary(usage: readonly ProcessUsage[]): string {
  const sum = (of: (entry: ProcessUsage) => number | undefined) => usage.reduce((total, entry) => total + (of(entry) ?? 0), 0);
  const cpu = sum(({ cpuPercent }) => cpuPercent).toFixed(0);
  const calls = sum(({ callsPerSecond }) => callsPerSecond).toFixed(0);
  return `${calls} calls/s  ${cpu} % of a core  ${megabytes(sum(({ memoryBytes }) => memoryBytes))}`;
}

function pause(ms: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), ms);
  });
}
