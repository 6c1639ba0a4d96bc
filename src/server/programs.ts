// The programs that a system allows: `system(import.meta.url, servers, { programs: { sort: { path: '/usr/bin/sort', users: ['foo'] } } })`.
//
// A program is run by its name here, never by a path of the caller's. Nobody but an operator may run one, unless it says so.

import { SkerryError } from '../base/errors.ts';

export interface ProgramLimits {
  /** From its start to SIGTERM, ms; a second later it is killed. 1 to 2^31 - 1, default 60,000. */
  readonly timeMs?: number;
  /** Of the processor, of all its processes together. Default none. */
  readonly cpuSeconds?: number;
  /** In RAM and of no file, of all its processes together, megabytes; one alone cannot map more than 64 beyond. Default 512. */
  readonly memoryMb?: number;
  /** That are read of stdout and stderr together. Default 67,108,864. */
  readonly outputBytes?: number;
  /** At once: the program, and those that it starts. Default 64. */
  readonly processes?: number;
  /** Of one file that it writes, megabytes. Default 1,024. */
  readonly fileMb?: number;
  /** Of one process. Default 256. */
  readonly openFiles?: number;
}

export interface ProgramEntry {
  /** Absolute. */
  readonly path: string;
  /** Arguments before those of the caller. */
  readonly args?: readonly string[];
  /**
   * What an argument of the caller's has to be, as a whole; `false`: there are none. Default: anything. Many a program runs another when
   * its arguments say so (`sort --compress-program`, `tar --to-command`): allow what is meant.
   */
  readonly accepts?: RegExp | false;
  /** Its whole environment. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder it runs in. Default `/`. */
  readonly cwd?: string;
  /** Who may run it, beside operators; `true`: every user. Default: nobody. */
  readonly users?: readonly string[] | true;
  /** How many of it may run at once, 1 to 256. Default 16. */
  readonly runningMax?: number;
  readonly limits?: ProgramLimits;
}

export type ProgramEntries = Readonly<Record<string, ProgramEntry>>;

/** An option that an entry does not have is wrong at its place. */
export type CheckPrograms<P> = {
  readonly [K in keyof P]: { readonly [O in Exclude<keyof P[K], keyof ProgramEntry>]: never };
};

/** Least and most of each limit. */
const LIMITS: Readonly<Record<keyof ProgramLimits, readonly [min: number, max: number, normal: number]>> = {
  timeMs: [1, 2 ** 31 - 1, 60_000],
  cpuSeconds: [1, 2 ** 31 - 1, 0],
  memoryMb: [1, 2 ** 24, 512],
  outputBytes: [0, Number.MAX_SAFE_INTEGER, 64 * 1024 * 1024],
  processes: [1, 4_000, 64],
  fileMb: [1, 2 ** 24, 1_024],
  openFiles: [4, 2 ** 20, 256],
};
export const RUNNING_MAX = 16;
const KNOWN = ['path', 'args', 'accepts', 'env', 'cwd', 'users', 'runningMax', 'limits'];
/** They travel with each request to the kernel. */
const ENV_BYTES_MAX = 4_096;

/** @throws SkerryError SKERRY_INVALID naming program, option, what was found and what would be valid. */
export function checkPrograms(programs: ProgramEntries): void {
  if (typeof programs !== 'object' || programs === null || Array.isArray(programs))
    throw new SkerryError('SKERRY_INVALID', `system: programs must be an object with an entry for each; it is ${show(programs)}`);
  for (const [name, entry] of Object.entries(programs)) checkEntry(name, entry);
}

/**
 * The limits of one run.
 * @param narrower the caller's.
 * @throws SkerryError SKERRY_INVALID for one that is unknown, no number, or wider than the system's.
 */
export function limitsOf(program: string, { limits = {} }: ProgramEntry, narrower: ProgramLimits = {}): Required<ProgramLimits> {
  checkLimits(`createProcess("${program}")`, narrower);
  const all = Object.entries(LIMITS).map(([name, [, , normal]]) => {
    const most = limits[name as keyof ProgramLimits] ?? normal;
    const asked = narrower[name as keyof ProgramLimits] ?? most;
    if (most === 0 && name === 'cpuSeconds') return [name, asked];
    if (asked <= most) return [name, asked];
    throw new SkerryError('SKERRY_INVALID', `createProcess("${program}"): limits.${name} may be at most ${most}; it is ${asked}`);
  });
  return Object.fromEntries(all);
}

function checkEntry(name: string, entry: ProgramEntry): void {
  const fail = (option: string, expected: string, found: unknown): never => {
    throw new SkerryError('SKERRY_INVALID', `system: program "${name}": ${option} must be ${expected}; it is ${show(found)}`);
  };
  if (!/^[a-z][\w.+-]{0,63}$/i.test(name))
    throw new SkerryError('SKERRY_INVALID', `system: "${name}" is no name for a program: letters, digits and _ . + -`);
  if (typeof entry !== 'object' || entry === null) fail('its entry', 'an object with `path`', entry);
  const unknown = Object.keys(entry).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined)
    throw new SkerryError('SKERRY_INVALID', `system: program "${name}" has no option "${unknown}"; it has: ${KNOWN.join(', ')}`);
  const { path, args, accepts, env, cwd, users, runningMax } = entry;
  if (!isPath(path)) fail('path', 'an absolute path', path);
  if (cwd !== undefined && !isPath(cwd)) fail('cwd', 'an absolute path', cwd);
  if (args !== undefined && !(Array.isArray(args) && args.every(isText))) fail('args', 'an array of strings without NUL', args);
  if (accepts !== undefined && accepts !== false && !(accepts instanceof RegExp))
    fail('accepts', 'a regular expression, or false', accepts);
  if (env !== undefined && !isEnvironment(env))
    fail('env', `an object of strings without NUL, ${ENV_BYTES_MAX} bytes in all`, env);
  if (users !== undefined && users !== true && !(Array.isArray(users) && users.every((user) => typeof user === 'string')))
    fail('users', 'an array of names, or true', users);
  if (runningMax !== undefined && !(Number.isInteger(runningMax) && runningMax >= 1 && runningMax <= 256))
    fail('runningMax', 'an integer from 1 to 256', runningMax);
  checkLimits(`system: program "${name}"`, entry.limits);
}

function checkLimits(where: string, limits: ProgramLimits = {}): void {
  if (typeof limits !== 'object' || limits === null)
    throw new SkerryError('SKERRY_INVALID', `${where}: limits must be an object; it is ${show(limits)}`);
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(LIMITS, name))
      throw new SkerryError('SKERRY_INVALID', `${where} has no limit "${name}"; there are: ${Object.keys(LIMITS).join(', ')}`);
    const [min, max] = LIMITS[name as keyof ProgramLimits];
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) continue;
    const found = show(value);
    throw new SkerryError('SKERRY_INVALID', `${where}: limits.${name} must be an integer from ${min} to ${max}; it is ${found}`);
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isPath(value: unknown): boolean {
  return isText(value) && value.startsWith('/') && value.length <= 4_000;
}

function isEnvironment(env: unknown): boolean {
  if (typeof env !== 'object' || env === null) return false;
  const entries = Object.entries(env);
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}${String(value)}`), 0);
  return bytes <= ENV_BYTES_MAX && entries.every(([name, value]) => /^[^=\0]+$/.test(name) && isText(value));
}

function show(value: unknown): string {
  if (value instanceof RegExp) return String(value);
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
}
