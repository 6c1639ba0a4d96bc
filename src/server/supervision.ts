// How a system wants its servers restarted: kinds of restart, groups, and a say in each death. Declarations and their check.

import { invalid, isObject, OptionCheck, show } from '../base/options.ts';

export interface RestartPolicy {
  /**
   * `permanent` (default): its end restarts it, whatever it was. `transient`: only an end that is none of its own free will (an exit with
   * code 0 is). `temporary`: never.
   */
  readonly type?: 'permanent' | 'transient' | 'temporary';
  /** An instance that has been ready for so long is stable: its death restarts it at once. Milliseconds, default 500. */
  readonly stableMs?: number;
  /** Unstable deaths in a row after which the server is a zombie, or its group has failed. Default 5. */
  readonly unstableMax?: number;
}

/**
 * What a death in a group restarts: the one that died (`oneForOne`), all of the group (`oneForAll`), or it and those after it in the list
 * (`restForOne`).
 */
export type Strategy = 'oneForOne' | 'oneForAll' | 'restForOne';

/**
 * Servers that are restarted together. The others of the group are stopped politely, the last of the list first, then all are started in
 * the order of the list. When a member has died too often in a row, the group has failed: it is restarted as a whole, and when that happens
 * too often in a row, the group around it has failed, or all of its servers are zombies.
 */
export interface GroupEntry<Names extends string = string> {
  readonly strategy: Strategy;
  /** Names of servers, or groups, in the order of their start. A server is in one group at most. */
  readonly of: readonly (Names | GroupEntry<Names>)[];
  /** Of the group as a whole. */
  readonly restart?: Omit<RestartPolicy, 'type'>;
}

/** The end of an instance that nobody had ordered. */
export interface ServerDeath {
  readonly server: string;
  readonly replica: number;
  /** A signal's name, `exit code 1`, `memory limit`, `hung: …`, an error's name and message … */
  readonly reason: string;
  /** How long it had been ready, ms; 0 when it never was. */
  readonly readyForMs: number;
  /** Unstable deaths in a row, this one included; 0 after a stable one. */
  readonly unstable: number;
}

/**
 * What a death leads to: `restart` at once or `afterMs` later, `zombie` (this server alone stays down), `escalate` (its group has failed).
 * undefined: what the policies say.
 */
export type DeathDecision = 'restart' | { readonly afterMs: number } | 'zombie' | 'escalate' | undefined;

/** Runs in the process server, at each death; it must be quick, and decides nothing when it throws. */
export type DeathPolicy = (death: ServerDeath) => DeathDecision;

const STRATEGIES = ['oneForOne', 'oneForAll', 'restForOne'];
const KINDS = ['permanent', 'transient', 'temporary'];

/** @throws SkerryError SKERRY_INVALID */
export function checkRestart(check: OptionCheck, known: readonly string[]): void {
  const restart = check.group('restart', known);
  restart?.integer('stableMs', 0, 3_600_000);
  restart?.integer('unstableMax', 1, 1000);
  if (known.includes('type'))
    restart?.optional('type', KINDS.map((kind) => `'${kind}'`).join(', '), (given) => KINDS.includes(given as string));
}

/** @throws SkerryError SKERRY_INVALID naming the group and what is wrong */
export function checkGroups(groups: unknown, servers: readonly string[]): void {
  if (!Array.isArray(groups)) throw invalid(`system: supervision must be an array of groups; it is ${show(groups)}`);
  const seen = new Set<string>();
  for (const [i, group] of groups.entries()) checkGroup(group, `supervision[${i}]`, servers, seen);
}

function checkGroup(group: unknown, at: string, servers: readonly string[], seen: Set<string>): void {
  const check = new OptionCheck(
    `system: ${at}`,
    group,
    ['strategy', 'of', 'restart'],
    'a strategy and the servers that it is of',
  );
  check.required('strategy', STRATEGIES.map((one) => `'${one}'`).join(', '), (given) => STRATEGIES.includes(given as string));
  check.required('of', 'an array of servers and groups, at least one', (given) => Array.isArray(given) && given.length > 0);
  checkRestart(check, ['stableMs', 'unstableMax']);
  for (const [i, member] of (group as GroupEntry).of.entries()) {
    const place = `${at}.of[${i}]`;
    if (isObject(member)) checkGroup(member, place, servers, seen);
    else checkMember(member, place, servers, seen);
  }
}

function checkMember(member: unknown, at: string, servers: readonly string[], seen: Set<string>): void {
  if (typeof member !== 'string' || !servers.includes(member))
    throw invalid(`system: ${at} must be a server of this system (${servers.join(', ')}) or a group; it is ${show(member)}`);
  if (seen.has(member)) throw invalid(`system: ${at}: server "${member}" is in a group already`);
  seen.add(member);
}
