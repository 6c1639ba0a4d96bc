// skerry status <server>: one screen of all that is known of a server.

import type { InstanceStatus, LogLine, RecentCall } from '../servers/process/process-api.ts';
import { type Command, ExitCode, type Options, SYSTEM } from './command.ts';
import { clock, duration, harmless, megabytes, milliseconds } from './format.ts';
import { openOperator } from './operator.ts';

export const status: Command = {
  usage: 'skerry status [-s <system>] <server> [--json]',
  about: 'shows what is known of a server: state, last crash, memory, last calls, last log lines',
  options: { ...SYSTEM, json: { type: 'boolean' } },
  words: [1, 1],
  help: ['<server>     geo for all its replicas, geo.1 for one', '--json       an object for each replica, one a line'],
  completes: 'replicas',
  execute: show,
};

async function show([name = '']: readonly string[], { system, json }: Options): Promise<number> {
  const operator = await openOperator(system);
  const [all, { transport }] = await Promise.all([operator.processes.status(name), operator.processes.info()]);
  operator.close();
  const silence = transport === 'ring' ? 'it has said nothing' : 'what it says is not kept over streams';
  if (json === true) for (const one of all) process.stdout.write(`${JSON.stringify(one)}\n`);
  else process.stdout.write(all.map((one) => screenOf(one, silence)).join('\n'));
  return ExitCode.ok;
}

/** What `since` is the time of: whether an instance that is ready sleeps is a matter of the moment. */
const SINCE: Record<InstanceStatus['state'], string> = {
  new: 'started',
  running: 'ready since',
  sleeping: 'ready since',
  restart: 'since',
  zombie: 'since',
};

/** @param silence said where no line is known. */
function screenOf(one: InstanceStatus, silence: string): string {
  const { name, replica, state, since, pid, endpoint, principal, uptimeMs, restarts, lastDeath, lastReason, uses, limits, log } =
    one;
  const facts: [string, string][] = [
    [
      'state',
      `${state}, ${SINCE[state]} ${clock(since)}${lastReason !== undefined && state === 'zombie' ? ` (${harmless(lastReason)})` : ''}`,
    ],
    ['process', pid === 0 ? 'none' : `${pid}, endpoint ${endpoint}, up ${uptimeMs === undefined ? '-' : duration(uptimeMs)}`],
    ['calls as', `${principal}; uses ${uses.length === 0 ? 'nothing' : uses.join(', ')}`],
    ['restarts', String(restarts)],
  ];
  if (one.started !== undefined) {
    const p99 = one.p99Ms === undefined ? '' : `, p99 ${milliseconds(one.p99Ms)}`;
    facts.push([
      'calls',
      `${one.started} (${one.failed} failed), ${one.callsPerSecond}/s${p99}; ${one.running} run, ${one.queued} wait`,
    ]);
  }
  if (one.memoryBytes !== undefined) {
    const limit = limits.memoryMb === undefined ? 'no limit' : `limit ${limits.memoryMb} MB`;
    facts.push(['memory', `${megabytes(one.memoryBytes)} (${limit}); ${one.cpuPercent ?? '-'} % of a core`]);
  }
  if (one.debugged === true) facts.push(['debugger', 'is open: deadlines and the watch for hangs pause']);
  if (lastDeath === undefined) facts.push(['last end', 'none']);
  else {
    const when = lastDeath.wasReady ? `after ${duration(lastDeath.upMs)}` : 'before it was ready';
    facts.push(['last end', `${clock(lastDeath.time)}, ${when}: ${harmless(lastDeath.reason)}`]);
  }
  const lines = facts.map(([what, text]) => `  ${what.padEnd(12)}${text}`);
  const stack = lastDeath?.stack === undefined ? [] : lastDeath.stack.split('\n').map((line) => `    ${harmless(line)}`);
  const calls = callLines('last calls', one.calls);
  const atEnd = callLines('calls of the last end', lastDeath?.calls ?? []);
  const words = (lastDeath?.said ?? []).map(
    ({ time, kind, text }) => `    ${clock(time)} ${kind}: ${harmless(text.split('\n', 1)[0] as string)}`,
  );
  const wordsAtEnd = words.length === 0 ? [] : ['  last words of the last end', ...words];
  const said = log.length === 0 ? [`  ${silence}`] : ['  last lines', ...log.map((line) => `    ${lineOf(line)}`)];
  return `${name}.${replica}\n${[...lines, ...stack, ...atEnd, ...wordsAtEnd, ...calls, ...said].join('\n')}\n`;
}

function callLines(title: string, calls: readonly RecentCall[]): string[] {
  const lines = calls.map(({ method, client, startedAt, state, ms }) => {
    const took = ms === undefined ? '' : ` in ${milliseconds(ms)}`;
    return `    ${clock(startedAt)} ${harmless(method)} by ${harmless(client)}: ${state}${took}`;
  });
  return lines.length === 0 ? [] : [`  ${title}`, ...lines];
}

function lineOf({ time, level, text }: LogLine): string {
  return `${clock(time)} ${level === undefined || level === 'info' ? '' : `${level}: `}${harmless(text.split('\n', 1)[0] as string)}`;
}
