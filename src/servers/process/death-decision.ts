// What the end of an instance leads to, when nobody has ordered it: the kind of its restart, the back-off, and what the system's own policy
// says. Pure, but for that policy.

import type { DeathDecision, DeathPolicy, RestartPolicy, ServerDeath } from '../../server/supervision.ts';
import { type BackoffPolicy, nextRestart } from './backoff.ts';

export interface Ended {
  readonly server: string;
  readonly replica: number;
  readonly reason: string;
  /** ms; undefined: it never was ready. */
  readonly readyForMs: number | undefined;
  readonly unstableBefore: number;
}

export interface Decided {
  readonly unstable: number;
  /** Start it again after so long; else it stays down. */
  readonly afterMs?: number;
  /** Too many deaths: its group, if it is in one, has failed. */
  readonly escalates: boolean;
  readonly why: string;
}

const FREE_WILL = 'exit code 0';

export function decide(
  ended: Ended,
  policy: BackoffPolicy & Pick<RestartPolicy, 'type'>,
  onDeath: DeathPolicy | undefined,
  warn: (line: string) => void,
): Decided {
  const { server, replica, reason, readyForMs, unstableBefore } = ended;
  const { type = 'permanent' } = policy;
  const { unstable, afterMs } = nextRestart(policy, unstableBefore, readyForMs);
  const asked = askPolicy(onDeath, { server, replica, reason, readyForMs: readyForMs ?? 0, unstable }, warn);
  if (asked === 'restart') return { unstable, afterMs: 0, escalates: false, why: reason };
  if (asked === 'zombie' || asked === 'escalate')
    return { unstable, escalates: asked === 'escalate', why: `the system's policy says so after its end by ${reason}` };
  if (asked !== undefined) return { unstable, afterMs: asked.afterMs, escalates: false, why: reason };
  if (type === 'temporary' || (type === 'transient' && reason === FREE_WILL))
    return { unstable, escalates: false, why: `it is ${type}, and ended by ${reason}` };
  if (afterMs === undefined) return { unstable, escalates: true, why: `${unstable} deaths in a row, the last by ${reason}` };
  return { unstable, afterMs, escalates: false, why: reason };
}

/** A policy that throws, or says what cannot be, has said nothing. */
function askPolicy(onDeath: DeathPolicy | undefined, death: ServerDeath, warn: (line: string) => void): DeathDecision {
  if (onDeath === undefined) return undefined;
  const where = `skerry: onDeath of the system module, for ${death.server}.${death.replica}:`;
  try {
    const decision: unknown = onDeath(death);
    if (decision === undefined || decision === 'restart' || decision === 'zombie' || decision === 'escalate') return decision;
    const { afterMs } = Object(decision) as { afterMs?: unknown };
    if (typeof afterMs === 'number' && afterMs >= 0 && afterMs <= 2 ** 31 - 1) return { afterMs };
    warn(`${where} it must return 'restart', { afterMs }, 'zombie', 'escalate' or undefined, and does not`);
  } catch (error) {
    warn(`${where} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  return undefined;
}
