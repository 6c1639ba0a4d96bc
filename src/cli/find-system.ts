// The systems that run on this machine for this user, by their sockets. One that nobody listens on is removed: its system has ended
// without a word.

import { readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { SkerryError } from '../base/errors.ts';
import { operatorFolder, parseSocketFile } from '../protocol/operator.ts';

export interface RunningSystem {
  readonly name: string;
  /** The kernel's. */
  readonly pid: number;
  readonly path: string;
}

/** By name, then pid. */
export async function runningSystems(folder = operatorFolder(process.env)): Promise<RunningSystem[]> {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch {
    return []; // no system was ever started
  }
  const found = files.flatMap((file) => {
    const socket = parseSocketFile(file);
    return socket === undefined ? [] : [{ ...socket, path: join(folder, file) }];
  });
  const answers = await Promise.all(found.map(({ path }) => listens(path)));
  found.forEach(({ path }, index) => {
    if (answers[index] === 'nobody') rmSync(path, { force: true });
  });
  return found.filter((_, index) => answers[index] === 'yes').sort((a, b) => a.name.localeCompare(b.name) || a.pid - b.pid);
}

/**
 * The one that is meant.
 * @param wanted `atlas`, or `atlas~1234` where there are several of that name; undefined: the only one.
 * @throws SkerryError SKERRY_NOT_FOUND, SKERRY_INVALID
 */
export async function findSystem(wanted: string | undefined): Promise<RunningSystem> {
  const all = await runningSystems();
  if (all.length === 0) {
    throw new SkerryError('SKERRY_NOT_FOUND', 'no system runs here for this user; start one with: skerry run <system>');
  }
  const shown = all.map(labelOf).join(', ');
  const found = wanted === undefined ? all : all.filter((system) => wanted === system.name || wanted === labelOf(system));
  if (found.length === 1) return found[0] as RunningSystem;
  if (found.length === 0) throw new SkerryError('SKERRY_NOT_FOUND', `no system "${wanted}" runs here; there are: ${shown}`);
  throw new SkerryError('SKERRY_INVALID', `which system? ${found.map(labelOf).join(', ')}; say it with --system`);
}

export function labelOf({ name, pid }: RunningSystem): string {
  return `${name}~${pid}`;
}

function listens(path: string): Promise<'yes' | 'nobody' | 'unknown'> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('yes');
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'nobody' : 'unknown'),
    );
  });
}
