// skerry ps: a line for each process of the systems that run.

import type { ProcessUsage } from '../servers/process/process-api.ts';
import { type Command, ExitCode, type Options, SYSTEM } from './command.ts';
import { labelOf, type RunningSystem, runningSystems } from './find-system.ts';
import { type Column, duration, megabytes, milliseconds, table } from './format.ts';
import { type Operator, openOperator, operatorOf } from './operator.ts';

export const ps: Command = {
  usage: 'skerry ps [-s <system>] [--json]',
  about: 'lists the processes of the systems that run',
  options: { ...SYSTEM, json: { type: 'boolean' } },
  words: [0, 0],
  help: [
    '--json       an object for each process, one a line',
    'A dash stands for what cannot be known (over streams, or without a process).',
  ],
  execute: list,
};

const UNKNOWN = '-';

export const COLUMNS: readonly Column<ProcessUsage>[] = [
  { title: 'NAME', of: ({ name, replica }) => (name === 'kernel' || name === 'process' ? name : `${name}.${replica}`) },
  { title: 'ENDPOINT', spare: 4, of: ({ endpoint }) => endpoint },
  { title: 'TIER', spare: 6, of: ({ tier }) => tier },
  { title: 'PRINCIPAL', spare: 5, of: ({ principal }) => principal },
  { title: 'PID', right: true, of: ({ pid }) => (pid === 0 ? UNKNOWN : String(pid)) },
  { title: 'STATE', of: ({ state, debugged }) => (debugged === true ? `${state} (debugger)` : state) },
  { title: 'UPTIME', right: true, spare: 1, of: ({ uptimeMs }) => show(uptimeMs, duration) },
  { title: 'RESTARTS', right: true, spare: 2, of: ({ restarts }) => String(restarts) },
  {
    title: 'CALLS/S',
    right: true,
    of: ({ callsPerSecond }) => show(callsPerSecond, (rate) => (rate < 10 ? rate.toFixed(1) : rate.toFixed(0))),
  },
  { title: 'QUEUE', right: true, of: ({ queued }) => show(queued, String) },
  { title: 'P99', right: true, of: ({ p99Ms }) => show(p99Ms, milliseconds) },
  { title: 'CPU %', right: true, of: ({ cpuPercent }) => show(cpuPercent, (percent) => percent.toFixed(1)) },
  { title: 'MEMORY', right: true, of: ({ memoryBytes }) => show(memoryBytes, megabytes) },
];

async function list(_words: readonly string[], { json, system }: Options): Promise<number> {
  const operators =
    typeof system === 'string' ? [await openOperator(system)] : await Promise.all((await runningSystems()).map(reach));
  if (operators.length === 0) {
    process.stderr.write('no system runs here for this user; start one with: skerry run <system>\n');
    return ExitCode.ok;
  }
  let failed = false;
  for (const operator of operators) {
    if ('error' in operator) {
      failed = true;
      process.stderr.write(`skerry: ${operator.error.message}\n`);
      continue;
    }
    const label = labelOf(operator.system);
    const usage = await operator.processes.usage().catch((error: Error) => {
      process.stderr.write(`skerry: ${label}: ${error.message}\n`);
    });
    operator.close();
    if (usage === undefined) {
      failed = true;
      continue;
    }
    if (json === true) for (const entry of usage) process.stdout.write(`${JSON.stringify({ system: label, ...entry })}\n`);
    else {
      if (operators.length > 1) process.stdout.write(`${label}\n`);
      process.stdout.write(`${table(COLUMNS, usage, process.stdout.isTTY ? process.stdout.columns : undefined).join('\n')}\n`);
    }
  }
  return failed ? ExitCode.failed : ExitCode.ok;
}

/** One system that hangs does not hide the others. */
async function reach(system: RunningSystem): Promise<Operator | { readonly error: Error }> {
  return operatorOf(system).catch((error: Error) => ({ error }));
}

function show(value: number | undefined, as: (value: number) => string): string {
  return value === undefined ? UNKNOWN : as(value);
}
