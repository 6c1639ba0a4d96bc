#!/usr/bin/env node
// The command `skerry`: which subcommand, its options, and what a mistake is told. commands.ts lists them, each is a file of its own.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SkerryError } from '../base/errors.ts';
import { type Command, ExitCode, type Options, UsageError } from './command.ts';
import { commandNames, loadCommand } from './commands.ts';
import { harmlessLines } from './format.ts';

/** -74 is a number and no option, which parseArgs does not know: such words are marked for it. */
const NUMBER_MARK = '\0';

// Who reads the output may leave at any time: `skerry logs | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? ExitCode.ok : ExitCode.failed),
);
process.exitCode = await main(process.argv.slice(2));

async function main([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const command = rest[0] === undefined ? undefined : await loadCommand(rest[0]);
    if (rest[0] !== undefined && command === undefined) return wrong(noCommand(rest[0]));
    process.stdout.write(command === undefined ? await overview() : helpOf(command));
    return name === undefined ? ExitCode.usedWrongly : ExitCode.ok;
  }
  if (name === '--version' || name === '-v') {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    process.stdout.write(`${version}\n`);
    return ExitCode.ok;
  }
  const command = await loadCommand(name);
  if (command === undefined) return wrong(noCommand(name));
  let parsed: { values: Options; positionals: string[] };
  try {
    const options = { ...command.options, help: { type: 'boolean' as const, short: 'h' } };
    parsed = parseArgs({ args: rest.map(hideNumber), options, allowPositionals: true }) as typeof parsed;
    parsed.positionals = parsed.positionals.map(showNumber);
  } catch (error) {
    return wrong(showNumber((error as Error).message.split('. ')[0] ?? ''), command);
  }
  if (parsed.values.help === true) {
    process.stdout.write(helpOf(command));
    return ExitCode.ok;
  }
  const [min, max] = command.words;
  const { length } = parsed.positionals;
  if (length < min || length > max) {
    const expected =
      max === 0 ? 'no arguments' : min === max ? `${min} argument${min === 1 ? '' : 's'}` : `${min} to ${max} arguments`;
    return wrong(`${name} takes ${expected}; it was given ${length}`, command);
  }
  try {
    return await command.execute(parsed.positionals, parsed.values);
  } catch (error) {
    if (error instanceof UsageError) return wrong(error.message, command);
    process.stderr.write(`skerry: ${describe(error)}\n`);
    return ExitCode.failed;
  }
}

function hideNumber(word: string): string {
  return /^-\.?\d/.test(word) ? NUMBER_MARK + word : word;
}

function showNumber(word: string): string {
  return word.replace(NUMBER_MARK, '');
}

function noCommand(name: string): string {
  return `there is no command "${name}"; there are: ${commandNames().join(', ')}`;
}

async function overview(): Promise<string> {
  const commands = await Promise.all(commandNames().map(loadCommand));
  const lines = commands.map((command) => `  ${command?.usage}\n      ${command?.about}\n`);
  const system = 'Where several systems run, -s <system> says which (`skerry ps` lists them), or the variable SKERRY_SYSTEM.';
  return `skerry: servers in processes of their own\n\n${lines.join('')}\n  ${system}\n  skerry help <command>, skerry --version\n`;
}

function helpOf({ usage, about, help, options }: Command): string {
  const system = 'system' in options ? ['-s, --system which system, where several run: its name, or name~pid'] : [];
  return `${usage}\n  ${about}\n\n${[...help, ...system].map((line) => `  ${line}\n`).join('')}`;
}

function wrong(message: string, command?: Command): number {
  process.stderr.write(`skerry: ${message}\n${command === undefined ? 'See: skerry help' : `Usage: ${command.usage}`}\n`);
  return ExitCode.usedWrongly;
}

/** What went wrong, and what a server said of it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return harmlessLines(String(error));
  if (!(error instanceof SkerryError)) return ownFrames(error.stack ?? error.message);
  const isNew = error.cause instanceof Error && error.cause.message !== error.message;
  const cause =
    isNew && error.cause instanceof Error && error.cause.stack !== undefined ? `\n${ownFrames(error.cause.stack)}` : '';
  return harmlessLines(`${error.message} (${error.code})${cause}`);
}

/** A stack without the frames of Skerry itself: what is looked for is in the user's code. */
function ownFrames(stack: string): string {
  const own = new URL('../', import.meta.url).href;
  return stack
    .split('\n')
    .filter(
      (line) => !(line.startsWith('    at ') && (line.includes(own) || line.includes('(node:') || line.includes('<anonymous>'))),
    )
    .join('\n');
}
