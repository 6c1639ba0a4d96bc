#!/usr/bin/env node
// The command `skerry`: which subcommand, its options, and what a mistake is told. Each command is a file of its own.

import { readFileSync } from 'node:fs';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { doctor } from './doctor.ts';
import { run } from './run.ts';

/** As shells have it: 0 well, 1 failed, 2 used wrongly. */
const USED_WRONGLY = 2;

interface Command {
  readonly usage: string;
  readonly about: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** How many words it takes. */
  readonly words: number;
  readonly help: readonly string[];
  execute(words: readonly string[], options: Readonly<Record<string, unknown>>): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  run: {
    usage: 'skerry run <system> [--transport ring|stream]',
    about: 'boots a system, and keeps it up until Ctrl-C or SIGTERM',
    options: { transport: { type: 'string' } },
    words: 1,
    help: [
      '<system>     the module whose default export is what system() returned: system.ts, or system.js',
      '--transport  ring: shared memory (default where it works); stream: Unix sockets',
    ],
    execute: ([system = ''], { transport }) => run(system, transport),
  },
  doctor: {
    usage: 'skerry doctor [--json]',
    about: 'says what this machine offers, and why something is not there',
    options: { json: { type: 'boolean' } },
    words: 0,
    help: ['--json       one object, for programs'],
    execute: async (_words, { json }) => doctor(json === true),
  },
};

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const command = rest[0] === undefined ? undefined : commandOf(rest[0]);
    process.stdout.write(command === undefined ? overview() : helpOf(command));
    return name === undefined ? USED_WRONGLY : 0;
  }
  if (name === '--version' || name === '-v') {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    process.stdout.write(`${version}\n`);
    return 0;
  }
  const command = commandOf(name);
  if (command === undefined) return wrong(`there is no command "${name}"; there are: ${Object.keys(COMMANDS).join(', ')}`);
  let parsed: ReturnType<typeof parseArgs>;
  try {
    const options = { ...command.options, help: { type: 'boolean' as const, short: 'h' } };
    parsed = parseArgs({ args: rest, options, allowPositionals: true });
  } catch (error) {
    return wrong((error as Error).message.split('. ')[0] ?? '', command);
  }
  if (parsed.values.help === true) {
    process.stdout.write(helpOf(command));
    return 0;
  }
  if (parsed.positionals.length !== command.words) {
    const expected = command.words === 0 ? 'no arguments' : `${command.words} argument`;
    return wrong(`${name} takes ${expected}; it was given ${parsed.positionals.length}`, command);
  }
  return command.execute(parsed.positionals, parsed.values);
}

function commandOf(name: string): Command | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}

function overview(): string {
  const lines = Object.values(COMMANDS).map(({ usage, about }) => `  ${usage}\n      ${about}\n`);
  return `skerry: servers in processes of their own\n\n${lines.join('')}\n  skerry help <command>, skerry --version\n`;
}

function helpOf({ usage, about, help }: Command): string {
  return `${usage}\n  ${about}\n\n${help.map((line) => `  ${line}\n`).join('')}`;
}

function wrong(message: string, command?: Command): number {
  process.stderr.write(`skerry: ${message}\n${command === undefined ? 'See: skerry help' : `Usage: ${command.usage}`}\n`);
  return USED_WRONGLY;
}
