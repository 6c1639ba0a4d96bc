// The programs that a system allows: `system(import.meta.url, servers, { programs: { sort: { path: '/usr/bin/sort', users: ['foo'] } } })`.
//
// A program is run by its name here, never by a path of the caller's. Nobody but an operator may run one, unless it says so.

import { invalid, isObject, isStrings, OptionCheck, show } from '../base/options.ts';

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

/** A limit that does not hold. */
const NONE = 0;
/** Least and most of each limit, and what holds when nobody says. */
const LIMITS: Readonly<Record<keyof ProgramLimits, readonly [min: number, max: number, normal: number]>> = {
  timeMs: [1, 2 ** 31 - 1, 60_000],
  cpuSeconds: [1, 2 ** 31 - 1, NONE],
  memoryMb: [1, 2 ** 24, 512],
  outputBytes: [0, Number.MAX_SAFE_INTEGER, 64 * 1024 * 1024],
  processes: [1, 4_000, 64],
  fileMb: [1, 2 ** 24, 1_024],
  openFiles: [4, 2 ** 20, 256],
};
export const RUNNING_MAX = 16;
const KNOWN = ['path', 'args', 'accepts', 'env', 'cwd', 'users', 'runningMax', 'limits'];
/** They travel with each request to the kernel, in a message of at most 128 KiB where a character may take six bytes. */
const ENV_BYTES_MAX = 4_096;
const PATH_MAX = 2_000;

/** @throws SkerryError SKERRY_INVALID naming program, option, what was found and what would be valid. */
export function checkPrograms(programs: ProgramEntries): void {
  if (!isObject(programs)) throw invalid(`system: programs must be an object with an entry for each; it is ${show(programs)}`);
  for (const [name, entry] of Object.entries(programs)) checkEntry(name, entry);
}

/**
 * The limits of one run.
 * @param narrower the caller's; they have been checked.
 * @throws SkerryError SKERRY_INVALID for one that is wider than the system's.
 */
export function limitsOf(program: string, { limits = {} }: ProgramEntry, narrower: ProgramLimits = {}): Required<ProgramLimits> {
  const names = Object.keys(LIMITS) as (keyof ProgramLimits)[];
  const all = names.map((name) => {
    const most = limits[name] ?? LIMITS[name][2];
    const asked = narrower[name] ?? most;
    const isNarrower = asked <= most || most === NONE;
    if (isNarrower) return [name, asked];
    throw invalid(`createProcess("${program}"): limits.${name} may be at most ${most}, as the system says; it is ${asked}`);
  });
  return Object.fromEntries(all) as Required<ProgramLimits>;
}

function checkEntry(name: string, entry: ProgramEntry): void {
  if (!/^[a-z][\w.+-]{0,63}$/i.test(name))
    throw invalid(`system: "${name}" is no name for a program: letters, digits and _ . + -`);
  const check = new OptionCheck(`system: program "${name}"`, entry, KNOWN, 'options, with a path');
  check.required('path', 'an absolute path', isPath);
  check.optional('cwd', 'an absolute path', isPath);
  check.optional('args', 'an array of strings without NUL', (args) => isStrings(args) && args.every(isText));
  check.optional('accepts', 'a regular expression, or false', (accepts) => accepts === false || accepts instanceof RegExp);
  check.optional('env', `an object of strings without NUL, ${ENV_BYTES_MAX} bytes in all`, isEnvironment);
  check.optional('users', 'an array of names, or true', (users) => users === true || isStrings(users));
  check.integer('runningMax', 1, 256);
  checkLimits(check);
}

/** @throws SkerryError SKERRY_INVALID when the option `limits` has one that is unknown, or out of its range. */
export function checkLimits(options: OptionCheck): void {
  const check = options.group('limits', Object.keys(LIMITS));
  for (const [name, [min, max]] of Object.entries(LIMITS)) check?.integer(name, min, max);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isPath(value: unknown): boolean {
  return isText(value) && value.startsWith('/') && value.length <= PATH_MAX;
}

function isEnvironment(env: unknown): boolean {
  if (!isObject(env)) return false;
  const entries = Object.entries(env);
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}${String(value)}`), 0);
  return bytes <= ENV_BYTES_MAX && entries.every(([name, value]) => /^[^=\0]+$/.test(name) && isText(value));
}
