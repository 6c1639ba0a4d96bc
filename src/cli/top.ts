// skerry top: what ps shows, on a whole screen, again and again until Ctrl-C or q.

import { type Command, ExitCode, type Options, SYSTEM, UsageError, wholeNumber } from './command.ts';
import { labelOf } from './find-system.ts';
import { megabytes, table } from './format.ts';
import { openOperator } from './operator.ts';
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
  const operator = await openOperator(system);
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
  let ended = false;
  try {
    void operator.ended.then(() => {
      ended = true;
      leave();
    });
    for (let over = false; !over && !ended; ) {
      const usage = await operator.processes.usage();
      const sum = (of: (entry: (typeof usage)[number]) => number | undefined) =>
        usage.reduce((total, entry) => total + (of(entry) ?? 0), 0);
      const { columns: width = 80, rows: height = 24 } = stdout;
      const cpu = sum(({ cpuPercent }) => cpuPercent).toFixed(0);
      const calls = sum(({ callsPerSecond }) => callsPerSecond).toFixed(0);
      const memory = megabytes(sum(({ memoryBytes }) => memoryBytes));
      const head = `${labelOf(operator.system)}  ${transport}  ${calls} calls/s  ${cpu} % of a core  ${memory}  ${url}`;
      const lines = [head.slice(0, width), '', ...table(COLUMNS, usage, width)].slice(0, height - 1);
      stdout.write(`${HOME}${lines.map((line) => `${line}${END_OF_LINE}\n`).join('')}${END_OF_SCREEN}`);
      over = await Promise.race([left.then(() => true), pause(everyMs)]);
    }
  } finally {
    stdout.write(NORMAL_SCREEN);
    if (isRaw) stdin.setRawMode(false).off('data', onKey).pause();
    process.off('SIGINT', leave).off('SIGTERM', leave);
    operator.close();
  }
  if (ended) process.stderr.write('skerry: the system has ended\n');
  return ended ? ExitCode.failed : ExitCode.ok;
}

function pause(ms: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), ms);
  });
}
