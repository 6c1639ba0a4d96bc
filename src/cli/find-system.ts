// The systems that run on this machine for this user, by their sockets. One that nobody listens on is removed: its system has ended
// without a word.

import { readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { SkerryError } from '../base/errors.ts';
import { checkPrivateFolder } from '../base/private-folder.ts';
import { isKernel } from '../protocol/kernel-process.ts';
import { operatorFolder, parseSocketFile } from '../protocol/operator.ts';

const BETWEEN_MS = 2_000;

export interface RunningSystem {
  readonly name: string;
  /** The kernel's. */
  readonly pid: number;
  readonly path: string;
}

/**
 * By name, then pid.
 * @throws SkerryError SKERRY_DENIED when somebody else could have put sockets there
 */
export async function runningSystems(folder = operatorFolder(process.env)): Promise<RunningSystem[]> {
  let files: string[];
  try {
    checkPrivateFolder(folder);
    files = readdirSync(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== undefined) return []; // no system was ever started
    throw new SkerryError('SKERRY_DENIED', `the sockets of systems are not looked for: ${message}`);
  }
  const found = files.flatMap((file) => {
    const socket = parseSocketFile(file);
    return socket === undefined ? [] : [{ ...socket, path: join(folder, file) }];
  });
  const answers = await Promise.all(found.map(({ path, pid }) => listens(path, pid)));
  found.forEach(({ path, pid }, index) => {
    // Between two process servers nobody listens, and the next one takes the same name.
    if (answers[index] !== 'nobody' || isKernel(pid)) return;
    try {
      rmSync(path, { force: true });
    } catch {} // something of that name that is no socket
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

/**
 * The same system again, whose process server has ended the connection: the kernel starts another.
 * @returns undefined when the system has ended.
 */
export async function findAgain({ name, pid }: RunningSystem): Promise<RunningSystem | undefined> {
  for (let waitMs = 10; isKernel(pid); waitMs = Math.min(500, waitMs * 2)) {
    const again = (await runningSystems()).find((system) => system.name === name && system.pid === pid);
    if (again !== undefined) return again;
    await new Promise((resolve) => {
      setTimeout(resolve, waitMs);
    });
  }
  return undefined;
}

export function labelOf({ name, pid }: RunningSystem): string {
  return `${name}~${pid}`;
}

/** Between two process servers of a system nobody listens: that is waited for. */
async function listens(path: string, pid: number): Promise<'yes' | 'nobody' | 'unknown'> {
  const until = performance.now() + BETWEEN_MS;
  for (;;) {
    const answer = await tryOnce(path);
    if (answer !== 'nobody' || !isKernel(pid) || performance.now() > until) return answer;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

function tryOnce(path: string): Promise<'yes' | 'nobody' | 'unknown'> {
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
