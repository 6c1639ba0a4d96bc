// skerry run <system>: boots a system and keeps it up until it is told to stop, a second time at once.

import { type BootOptions, boot } from '../system/boot.ts';
import type { OperatingSystem } from '../system/operating-system.ts';
import type { Command, Options } from './command.ts';
import { loadSystemModule } from './load-system-module.ts';

/** Exit codes of a program that a signal has ended. */
const CODE = { SIGINT: 130, SIGTERM: 143 } as const;

export const run: Command = {
  usage: 'skerry run <system> [--name <name>] [--transport ring|stream]',
  about: 'boots a system, and keeps it up until Ctrl-C or SIGTERM',
  options: { transport: { type: 'string' }, name: { type: 'string' } },
  words: [1, 1],
  help: [
    '<system>     the module whose default export is what system() returned: system.ts, or system.js',
    '--name       what the other commands call it (default: the name of the module, or of its folder)',
    '--transport  ring: shared memory (default where it works); stream: Unix sockets',
  ],
  completes: 'files',
  execute: ([system = ''], { transport, name }) => serve(system, { transport, name }),
};

/** @returns the exit code. */
async function serve(path: string, given: Options): Promise<number> {
  const loading = loadSystemModule(path);
  let booting: Promise<OperatingSystem> | undefined;
  let isStopping = false;
  const stop = async (signal: keyof typeof CODE): Promise<void> => {
    if (isStopping) process.exit(CODE[signal]);
    isStopping = true;
    process.stderr.write(`${signal}: stopping\n`);
    if (booting === undefined) process.exit(CODE[signal]); // its module is being loaded: nothing runs yet
    const sys = await booting.catch(() => undefined); // that it did not start is said below
    await sys?.stop();
  };
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('SIGTERM', () => void stop('SIGTERM'));
  const system = await loading;
  booting = boot(system, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as BootOptions);
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
}
