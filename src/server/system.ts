// system(): names, wiring and policy of a program of servers. The module that calls it is evaluated by the process server and by each
// instance, which runs its own `load` only; so it should do nothing but declare.

import { invalid, isIntegerWithin, isObject, OptionCheck, show } from '../base/options.ts';
import { SPARES, SPARES_MAX } from '../protocol/limits.ts';
import type { AnyServer, ApiOf, OptionsOf, UsedApi, UsesOf } from './definition.ts';
import { type CheckPrograms, checkPrograms, type ProgramEntries } from './programs.ts';
import type { Remote } from './remote.ts';
import { checkGroups, checkRestart, type DeathPolicy, type GroupEntry, type RestartPolicy } from './supervision.ts';

const systemMark = Symbol.for('skerry.system');

export interface ServerEntry<Options = unknown, Names extends string = string> {
  /** Loads the server's module: `() => import('./geo.server.ts')`. */
  readonly load: () => Promise<{ readonly default: AnyServer }>;
  /** Instances behind the name, 1 to 256, or as many as cores. Default 1. */
  readonly replicas?: number | 'cores';
  /** Handed to the server as `ctx.options`. */
  readonly options?: Options;
  /** Servers that it may use beyond what its manifest declares (for generic servers as the http driver). */
  readonly uses?: readonly Names[];
  /** Environment variables that it gets. Default none. */
  readonly env?: readonly string[];
  /** Environment variables that it gets as `ctx.secrets`, not as environment. Default none. */
  readonly secrets?: readonly string[];
  readonly limits?: Limits;
  /**
   * `background`: its instances, once ready, get what processor time the others leave (nice 19, also as a session where Linux schedules
   * by sessions), for bulk work beside servers that somebody waits for. Default `normal`.
   */
  readonly priority?: 'normal' | 'background';
  readonly restart?: RestartPolicy;
  /** Longest time from the start of an instance until it is ready, ms. Default 30,000. */
  readonly initTimeoutMs?: number;
  /** Time for running calls to end at a stop, and again for `onStop`, ms. Default 5,000. */
  readonly drainMs?: number;
}

/** What an instance may take; beyond, it is ended, with a reason that names the limit, and started again as after any death. */
export interface Limits {
  /** Anonymous memory, megabytes, 64 or more; the reason is `memory limit`. Default none. */
  readonly memoryMb?: number;
  /**
   * How long its event loop may make no turn, ms, 100 or more, or 0 for ever; beyond, it is ended with the reason `hung`, at the latest
   * after twice that time. Default 500; none for a server with `concurrency: 1`, whose handlers may compute for long. What a debugger of
   * `skerry inspect` holds, and what `ctx.longTask()` has announced, is left alone. Needs shared memory: over streams nobody looks.
   */
  readonly heartbeatMs?: number;
  /** Processor time, percent of one core, over 10 s; the reason is `CPU limit`. 1 to 100,000. Default none. Linux. */
  readonly cpuPercent?: number;
  /** Open descriptors, 64 to 1,048,576: the operating system refuses more to it (EMFILE); it is not ended. Default: the program's. Linux. */
  readonly openFiles?: number;
  /**
   * How long calls may wait while none is started, ms, 100 or more; the reason is `queue limit`. Default none. Needs shared memory. Paused
   * as the heartbeat is.
   */
  readonly queueMs?: number;
}

export type Entries = Readonly<Record<string, ServerEntry>>;

type DefinitionOf<E> = E extends { readonly load: () => Promise<{ readonly default: infer D }> } ? D : never;

/** What the entry's options have beyond those of the server is wrong at its place. */
type NoOthers<E, Options> = E extends { readonly options: infer Given extends object }
  ? unknown extends Options
    ? unknown
    : Given extends readonly unknown[]
      ? unknown
      : { readonly [K in Exclude<keyof Given, KeysOf<Options>>]: never }
  : unknown;
type KeysOf<T> = T extends unknown ? keyof T : never;

/** An unknown key, a missing or wrong option, a used server that is not there or has other methods: a type error at that place. */
type CheckEntry<E, S> = {
  readonly [K in Exclude<keyof E, keyof ServerEntry>]: never;
} & (undefined extends OptionsOf<DefinitionOf<E>>
  ? { readonly options?: OptionsOf<DefinitionOf<E>> & NoOthers<E, OptionsOf<DefinitionOf<E>>> }
  : { readonly options: OptionsOf<DefinitionOf<E>> & NoOthers<E, OptionsOf<DefinitionOf<E>>> }) & {
    readonly uses?: readonly (keyof S & string)[];
    readonly load: () => Promise<{
      readonly default: UsesFit<UsesOf<DefinitionOf<E>>, S> extends true ? AnyServer : UsesFit<UsesOf<DefinitionOf<E>>, S>;
    }>;
  };

type UsesFit<U, S> = { [K in keyof U]: UseFits<K, U[K], S> }[keyof U] extends infer Problem
  ? [Exclude<Problem, true>] extends [never]
    ? true
    : Exclude<Problem, true>
  : never;

type UseFits<K, Use, S> = K extends keyof S
  ? Remote<DefinitionOf<S[K]>> extends Remote<UsedApi<Use>>
    ? true
    : { readonly error: `the server "${K & string}" of this system does not have the methods that are used` }
  : { readonly error: `the system has no server "${K & string}"` };

export interface System<S extends Entries = Entries, P extends ProgramEntries = ProgramEntries> {
  readonly [systemMark]: true;
  readonly url: string;
  readonly servers: S;
  readonly programs: P;
  readonly supervision: readonly GroupEntry[];
  readonly onDeath: DeathPolicy | undefined;
  readonly spares: number;
}

/** What a system has beside its servers. */
export interface SystemOptions<Names extends string, P> {
  /** Programs that `createProcess()` may run, by name. Default none. */
  readonly programs?: P;
  /** Servers that are restarted together. Default: each alone. */
  readonly supervision?: readonly GroupEntry<Names>[];
  /** A say in what each death leads to. Default: the policies of servers and groups. */
  readonly onDeath?: DeathPolicy;
  /**
   * Warm spares, 0 to 16: processes without a server, that take the place of one that dies. Kept for each kind of process that the servers
   * need (those with the same `env`, `limits.memoryMb` and `priority` share theirs). Default 1; none under `skerry dev`.
   */
  readonly spares?: number;
}

export type ServersOf<S extends Entries> = { readonly [K in keyof S]: Remote<ApiOf<DefinitionOf<S[K]>>> };

/**
 * Declares a system.
 * @param url `import.meta.url` of the module, which exports the result by default.
 * @param servers an entry for each server, by name (letters, digits, `-`, `_`; not `kernel`, `process`, `caller` or `spare`).
 * @param options `programs`, `supervision`, `onDeath`, `spares`: see SystemOptions.
 * @throws SkerryError SKERRY_INVALID naming the server, the option and what would be valid.
 */
export function system<const S extends Entries, const P extends ProgramEntries = Record<never, never>>(
  url: string,
  servers: S & { readonly [K in keyof S]: CheckEntry<S[K], S> },
  options: SystemOptions<keyof S & string, P & CheckPrograms<P>> = {},
): System<S, P> {
  if (typeof url !== 'string' || !/^(file|data|node|https?):/.test(url))
    throw invalid(`system: its url must be import.meta.url of its module; it is ${show(url)}`);
  if (!isObject(servers)) throw invalid(`system: its servers must be an object with an entry for each; it is ${show(servers)}`);
  for (const [name, entry] of Object.entries(servers as Entries)) checkEntry(name, entry, Object.keys(servers));
  const check = new OptionCheck(
    'system',
    options,
    ['programs', 'supervision', 'onDeath', 'spares'],
    'an url, servers and options',
  );
  check.optional('onDeath', 'a function', (given) => typeof given === 'function');
  check.integer('spares', 0, SPARES_MAX);
  const { programs = {} as P, supervision = [], onDeath, spares = SPARES } = options as SystemOptions<string, P>;
  checkPrograms(programs);
  checkGroups(supervision, Object.keys(servers));
  const made: System<S, P> = Object.freeze({ [systemMark]: true as const, url, servers, programs, supervision, onDeath, spares });
  systems().set(url, made as System);
  announce?.(url);
  return made;
}

/** Systems declared in this process, by the URL of their module: found also when the module's evaluation has not ended (a bundle). */
export function systems(): Map<string, System> {
  const holder = globalThis as { [key: symbol]: Map<string, System> | undefined };
  const key = Symbol.for('skerry.systems');
  holder[key] ??= new Map();
  return holder[key];
}

/** In an instance: the system that it is part of. */
export function ownSystem(): { url?: string } {
  const holder = globalThis as { [key: symbol]: { url?: string } | undefined };
  const key = Symbol.for('skerry.own-system');
  holder[key] ??= {};
  return holder[key];
}

let announce: ((url: string) => void) | undefined;

/** Called at each declaration from now on. */
export function onDeclared(hear: (url: string) => void): void {
  announce = hear;
}

const REPLICAS_MAX = 256;
const RESERVED = ['kernel', 'process', 'caller', 'spare'];
const KNOWN = [
  'load',
  'replicas',
  'options',
  'uses',
  'env',
  'secrets',
  'limits',
  'priority',
  'restart',
  'initTimeoutMs',
  'drainMs',
];

function checkEntry(name: string, entry: ServerEntry, servers: readonly string[]): void {
  if (!/^[a-z][\w-]{0,63}$/i.test(name) || RESERVED.includes(name))
    throw invalid(`system: "${name}" is no name for a server: letters, digits, - and _, not ${RESERVED.join(', ')}`);
  const where = `system: server "${name}"`;
  if (!isObject(entry)) throw invalid(`${where}: its entry must be an object with ${KNOWN.join(', ')}; it is ${show(entry)}`);
  const check = new OptionCheck(where, entry, KNOWN);
  check.required('load', "a function: () => import('./module.ts')", (given) => typeof given === 'function');
  check.optional(
    'replicas',
    `an integer from 1 to ${REPLICAS_MAX}, or 'cores'`,
    (given) => given === 'cores' || isIntegerWithin(given, 1, REPLICAS_MAX),
  );
  check.strings('uses', 'names of servers');
  check.strings('env', 'names of environment variables');
  check.strings('secrets', 'names of environment variables');
  const limits = check.group('limits', ['memoryMb', 'heartbeatMs', 'cpuPercent', 'openFiles', 'queueMs']);
  limits?.integer('memoryMb', 64, 1 << 20);
  limits?.optional(
    'heartbeatMs',
    'an integer from 100 to 3600000, or 0',
    (given) => given === 0 || isIntegerWithin(given, 100, 3_600_000),
  );
  limits?.integer('cpuPercent', 1, 100_000);
  limits?.integer('openFiles', 64, 1 << 20);
  limits?.integer('queueMs', 100, 3_600_000);
  checkRestart(check, ['type', 'stableMs', 'unstableMax']);
  check.optional('priority', "'normal' or 'background'", (given) => given === 'normal' || given === 'background');
  check.integer('initTimeoutMs', 1, 3_600_000);
  check.integer('drainMs', 0, 3_600_000);
  for (const used of entry.uses ?? [])
    if (!servers.includes(used)) throw check.wrong('uses', `names of servers of this system (${servers.join(', ')})`, used);
}
