// skerry run <system>: boots a system and keeps it up until it is told to stop, a second time at once.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SkerryError } from '../base/errors.ts';
import type { System } from '../server/system.ts';
import { isTypeScript, supportTypeScript } from '../server/typescript.ts';
import { type BootOptions, boot } from '../system/boot.ts';
import type { OperatingSystem } from '../system/operating-system.ts';

/** Exit codes of a program that a signal has ended. */
const CODE = { SIGINT: 130, SIGTERM: 143 } as const;

/** @returns the exit code. */
export async function run(path: string, transport: unknown): Promise<number> {
  let booting: Promise<OperatingSystem> | undefined;
  let isStopping = false;
  const stop = async (signal: keyof typeof CODE): Promise<void> => {
    if (isStopping) process.exit(CODE[signal]);
    isStopping = true;
    process.stderr.write(`${signal}: stopping\n`);
    const sys = await booting?.catch(() => undefined); // that it did not start is said below
    await sys?.stop();
  };
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('SIGTERM', () => void stop('SIGTERM'));
  try {
    const system = await load(path);
    booting = boot(system, transport === undefined ? {} : { transport: transport as NonNullable<BootOptions['transport']> });
    const sys = await booting;
    if (!isStopping) {
      const entries = await sys.processes.list();
      const width = Math.max(...entries.map(({ name }) => name.length)) + 2;
      for (const { name, replica, pid, state } of entries)
        process.stdout.write(`${`${name}.${replica}`.padEnd(width + 2)}${String(pid).padStart(8)}  ${state}\n`);
      process.stdout.write('up; Ctrl-C stops it\n');
    }
    await sys.ended();
    return 0;
  } catch (error) {
    process.stderr.write(`skerry: ${describe(error)}\n`);
    return 1;
  }
}

/** @throws SkerryError SKERRY_NOT_FOUND, SKERRY_INVALID; whatever the module throws */
async function load(path: string): Promise<System> {
  const file = resolve(path);
  if (!existsSync(file)) throw new SkerryError('SKERRY_NOT_FOUND', `there is no file ${file}`);
  const url = pathToFileURL(file).href;
  if (isTypeScript(url)) supportTypeScript();
  const module = (await import(url)) as { default?: System };
  if (module.default === undefined)
    throw new SkerryError(
      'SKERRY_INVALID',
      `${file} has no default export; it should contain \`export default system(import.meta.url, { … })\``,
    );
  return module.default;
}

/** What went wrong, and what the server said of it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `\n${error.cause.stack ?? error.cause.message}` : '';
  return error instanceof SkerryError ? `${error.message}${cause}` : (error.stack ?? error.message);
}
