// boot(): starts a system and returns what its caller works with.
//
// The kernel is a process of its own; the caller is a client with an operator's rights. If the caller goes, the system goes.

import { SkerryError } from '../base/errors.ts';
import { OptionCheck } from '../base/options.ts';
import { KERNEL_TITLE } from '../protocol/kernel-process.ts';
import { isSystemName } from '../protocol/operator.ts';
import type { ProgramEntries } from '../server/programs.ts';
import { type Entries, ownSystem, type System, systems } from '../server/system.ts';
import type { ProcessEntry } from '../servers/process/process-api.ts';
import type { OperatingSystem } from './operating-system.ts';

export interface BootOptions {
  /**
   * `ring`: shared memory (default where the addon works; SKERRY_UNSUPPORTED where it is asked for and does not). `stream`: Unix sockets;
   * slower, needs no addon.
   */
  readonly transport?: 'ring' | 'stream';
  /** What all shared regions may take together, megabytes. Default: half of what machine and cgroup have free. */
  readonly budgetMb?: number;
  /** Environment from which servers get what their entries name. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What the command `skerry` calls this system: letters, digits, - and _. Default: the name of its module, or of the folder. */
  readonly name?: string;
  /** Whether the command `skerry` can reach it, over a socket that only this user may open. Default true. */
  readonly operator?: boolean;
  /** Told of each process while the system starts: as it is when it is first seen, then each change of its state, until all are up. */
  readonly onChange?: (entry: ProcessEntry) => void;
}

/**
 * Boots a system: resolves when all its servers are ready.
 * @returns the system's facade; it keeps this process alive only while calls are pending.
 * @throws SkerryError SKERRY_INIT when a server cannot be started (with the server's own stack as `cause`); then nothing is left running.
 */
export async function boot<S extends Entries, P extends ProgramEntries = Record<never, never>>(
  system: System<S, P>,
  options: BootOptions = {},
): Promise<OperatingSystem<S, P>> {
  if (systems().get((system as System | undefined | null)?.url ?? '') === undefined) {
    throw new SkerryError('SKERRY_INVALID', 'boot() takes what system() returns: the default export of a system module');
  }
  checkOptions(options);
  if (isInstance()) {
    // A bundle: the module of this server's system boots it at its end. The server has been found in it, and goes on.
    if (system.url === ownSystem().url) return new Promise(() => {});
    throw new SkerryError(
      'SKERRY_UNSUPPORTED',
      'boot() was called in a server: a system is booted by its caller, not from within',
    );
  }
  const { startSystem } = await import('./start-system.ts');
  return startSystem(system, options);
}

const KNOWN = ['transport', 'budgetMb', 'env', 'name', 'operator', 'onChange'];

function checkOptions(options: BootOptions): void {
  const check = new OptionCheck('boot()', options, KNOWN, 'a system and options');
  check.optional('transport', "'ring' or 'stream'", (given) => given === 'ring' || given === 'stream');
  check.optional('budgetMb', 'a number of megabytes, 1 or more', (given) => typeof given === 'number' && given >= 1);
  check.optional('name', '1 to 64 letters, digits, - and _', isSystemName);
  check.boolean('operator');
  check.optional('onChange', 'a function', (given) => typeof given === 'function');
}

function isInstance(): boolean {
  return process.title.startsWith('skerry ') && process.title !== KERNEL_TITLE && process.argv.length === 1;
}
