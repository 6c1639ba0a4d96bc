// skerry trace: the calls of a server, as they end.

import type { TracedCall } from '../servers/process/process-api.ts';
import { type Command, ExitCode, type Options, SYSTEM } from './command.ts';
import { follow, printAll } from './follow.ts';
import { clock, harmless, milliseconds } from './format.ts';
import { openOperator } from './operator.ts';

export const trace: Command = {
  usage: 'skerry trace [-s <system>] [--method <name>] [--json] [<server>]',
  about: 'shows calls live, as they end; costs nothing while it does not run',
  options: { ...SYSTEM, method: { type: 'string' }, json: { type: 'boolean' } },
  words: [0, 1],
  help: [
    '<server>     geo for all its replicas, geo.1 for one; default: all servers',
    '--method     calls of that method only',
    '--json       an object for each call, one a line',
    'Some 10,000 calls/s of an instance can be shown; of more, how many were not. Ctrl-C ends it.',
  ],
  completes: 'replicas',
  execute: show,
};

async function show([name]: readonly string[], { system, method, json }: Options): Promise<number> {
  const operator = await openOperator(system);
  const left = new AbortController();
  const leave = () => left.abort();
  process.once('SIGINT', leave).once('SIGTERM', leave);
  process.stdout.on('error', leave); // whoever read it has left
  const textOf = (batch: readonly TracedCall[]) =>
    batch.map((call) => `${json === true ? JSON.stringify(call) : lineOf(call)}\n`).join('');
  const code = await follow(operator, left.signal, ({ processes }) =>
    printAll(processes.trace(name, typeof method === 'string' ? { method } : {}), left.signal, textOf),
  );
  return code === ExitCode.interrupted ? ExitCode.ok : code;
}

function lineOf(call: TracedCall): string {
  const where = `${call.server}.${call.replica}`;
  if ('missed' in call) return `             ${where}  … ${call.missed} calls more`;
  const { method, client, startedAt, state, ms } = call;
  const at = `${clock(startedAt)}.${String(startedAt % 1000).padStart(3, '0')}`;
  return `${at} ${where}  ${harmless(method)}  ${ms === undefined ? '-' : milliseconds(ms)}  ${state}  by ${harmless(client)}`;
}
