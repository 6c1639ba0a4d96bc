// skerry poison: the calls that have ended every server that ran them.

import { inspect } from 'node:util';
import type { QuarantinedEntry } from '../servers/process/process-api.ts';
import { type Command, ExitCode, type Options, SYSTEM, UsageError } from './command.ts';
import { type Column, clock, harmless, harmlessLines, table } from './format.ts';
import { type Operator, openOperator } from './operator.ts';
import { toJson } from './to-json.ts';

const COLUMNS: readonly Column<QuarantinedEntry>[] = [
  { title: 'ID', right: true, of: ({ id }) => String(id) },
  { title: 'TIME', of: ({ time }) => clock(time) },
  { title: 'CALL', of: ({ server, method }) => harmless(`${server}.${method}`) },
  { title: 'BY', of: ({ client }) => harmless(client) },
  { title: 'FOR', of: ({ principal }) => harmless(principal) },
  { title: 'DEATHS', right: true, of: ({ deaths }) => String(deaths) },
  { title: 'BYTES', right: true, of: ({ bytes }) => String(bytes) },
  { title: 'LAST REASON', of: ({ reason }) => harmless(reason) },
];

type Act = (operator: Operator, ids: readonly number[], options: Options) => Promise<void>;

const ACTS: Readonly<Record<string, Act>> = { list, show, retry, drop };

export const poison: Command = {
  usage: 'skerry poison [-s <system>] [--json] list | show <id> | retry <id> | drop <id>… | drop --all',
  about: 'shows the calls that were rejected with SKERRY_POISON, and tries or drops them',
  options: { ...SYSTEM, json: { type: 'boolean' }, all: { type: 'boolean' } },
  words: [1, 64],
  help: [
    'list         the calls in quarantine: the last 16 of each client, 64 in all; --json: an object for each, one a line',
    'show         one of them, with its arguments',
    'retry        calls it again, when what it met has been mended: it may end the server once more; answered, it is dropped',
    'drop         forgets it; --all: all of them',
  ],
  completes: 'acts',
  async execute([act = '', ...rest], options) {
    const found = Object.hasOwn(ACTS, act) ? ACTS[act] : undefined;
    if (found === undefined) throw new UsageError(`poison takes one of: ${Object.keys(ACTS).join(', ')}; it was given ${act}`);
    const ids = rest.map(idOf);
    const [least, most] = act === 'list' || options.all === true ? [0, 0] : act === 'drop' ? [1, 63] : [1, 1];
    if (ids.length < least || ids.length > most)
      throw new UsageError(
        `poison ${act} takes ${most === 0 ? 'no number' : most === 1 ? 'the number of one call' : 'numbers of calls'}`,
      );
    if (options.all === true && act !== 'drop') throw new UsageError('--all goes with drop');
    const operator = await openOperator(options.system);
    try {
      await found(operator, ids, options);
      return ExitCode.ok;
    } finally {
      operator.close();
    }
  },
};

async function list({ processes }: Operator, _ids: readonly number[], { json }: Options): Promise<void> {
  const all = await processes.quarantine();
  if (json === true) for (const entry of all) process.stdout.write(`${JSON.stringify(entry)}\n`);
  else if (all.length === 0) process.stdout.write('no call is in quarantine\n');
  else
    process.stdout.write(`${table(COLUMNS, all, process.stdout.isTTY ? process.stdout.columns || 80 : undefined).join('\n')}\n`);
}

async function show({ processes }: Operator, [id = 0]: readonly number[], { json }: Options): Promise<void> {
  const args = await processes.quarantinedArguments(id).catch((error: Error) => error);
  const entry = (await processes.quarantine()).find((one) => one.id === id);
  if (entry === undefined) throw args;
  if (json === true) {
    const told = args instanceof Error ? { problem: args.message } : { args };
    return void process.stdout.write(`${toJson({ ...entry, ...told })}\n`);
  }
  const { server, replica, method, client, principal, deaths, reason, time, bytes } = entry;
  const shown = args instanceof Error ? args.message : inspect(args, { depth: 8, maxArrayLength: 100, maxStringLength: 2000 });
  process.stdout.write(
    harmlessLines(
      [
        `${server}.${method}, in quarantine since ${clock(time)}`,
        `  by          ${client}, for ${principal}`,
        `  deaths      ${deaths} of ${server}.${replica}, alone; the last: ${reason}`,
        `  arguments   ${bytes} bytes`,
        ...shown.split('\n').map((line) => `    ${line}`),
        '',
      ].join('\n'),
    ),
  );
}

async function retry({ processes }: Operator, [id = 0]: readonly number[]): Promise<void> {
  process.stdout.write(`${toJson(await processes.retryQuarantined(id))}\n`);
}

async function drop({ processes }: Operator, given: readonly number[], { all }: Options): Promise<void> {
  const ids = all === true ? (await processes.quarantine()).map(({ id }) => id) : given;
  for (const id of ids) await processes.dropQuarantined(id);
  process.stdout.write(`${ids.length === 1 ? `call ${ids[0]} is` : `${ids.length} calls are`} dropped\n`);
}

function idOf(text: string): number {
  const id = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(id) && id > 0) return id;
  throw new UsageError(`a call in quarantine is named by its number; it was given ${JSON.stringify(text)}`);
}
