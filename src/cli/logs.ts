// skerry logs: what servers have said last, and with -f what they say.

import type { LogLine } from '../servers/process/process-api.ts';
import { type Command, ExitCode, type Options, SYSTEM, wholeNumber } from './command.ts';
import { follow as followAll, printAll } from './follow.ts';
import { harmless } from './format.ts';
import { type Operator, openOperator } from './operator.ts';

const LAST = 100;

export const logs: Command = {
  usage: 'skerry logs [-s <system>] [-f] [-n <lines>] [--json] [server]',
  about: 'shows what servers have said last, also those that have died; -f: and what they say',
  options: {
    ...SYSTEM,
    follow: { type: 'boolean', short: 'f' },
    lines: { type: 'string', short: 'n' },
    json: { type: 'boolean' },
  },
  words: [0, 1],
  help: [
    '[server]     geo for all its replicas, geo.1 for one; default: all',
    '-f, --follow goes on until Ctrl-C',
    '-n, --lines  how many lines of the past, 0 to 10000 (default 100)',
    '--json       an object for each line, for programs',
  ],
  completes: 'replicas',
  execute: show,
};

async function show([name]: readonly string[], { system, follow, lines, json }: Options): Promise<number> {
  const last = wholeNumber('lines', lines, 0, 10_000) ?? LAST;
  const query = { last, follow: follow === true, ...(name === undefined ? {} : { name }) };
  const operator = await openOperator(system);
  const left = new AbortController();
  process.on('SIGINT', () => left.abort());
  process.on('SIGTERM', () => left.abort());
  const width = await widthOf(operator.processes.list(), name);
  const textOf = (line: LogLine) => (json === true ? asJson(line) : shown(line, width));
  const print = ({ processes }: Operator) => printAll(processes.logs(query), left.signal, textOf);
  if (query.follow) return followAll(operator, left.signal, print);
  try {
    await print(operator);
    return left.signal.aborted ? ExitCode.interrupted : ExitCode.ok;
  } catch (error) {
    if (left.signal.aborted) return ExitCode.interrupted;
    throw error;
  } finally {
    operator.close();
  }
}

function asJson(line: LogLine): string {
  return `${JSON.stringify({ ...line, time: new Date(line.time).toISOString() })}\n`;
}

async function widthOf(
  listed: Promise<readonly { readonly name: string; readonly replica: number }[]>,
  name: string | undefined,
): Promise<number> {
  const labels = (await listed).map((entry) => `${entry.name}.${entry.replica}`);
  return Math.max(
    ...labels.filter((label) => name === undefined || label === name || label.startsWith(`${name}.`)).map(({ length }) => length),
    1,
  );
}

/** A prefix on each of its lines: who, when, and for raw output which stream. */
function shown({ time, name, replica, stream, level, text }: LogLine, width: number): string {
  const at = new Date(time).toISOString().slice(11, 23);
  const kind = stream === 'log' ? (level === 'info' ? '' : `${level}: `) : stream === 'stderr' ? '(stderr) ' : '';
  const prefix = `${`${name}.${replica}`.padEnd(width)} | ${at} `;
  return text
    .split('\n')
    .map((line, index) => `${prefix}${index === 0 ? kind : '  '}${harmless(line)}\n`)
    .join('');
}
