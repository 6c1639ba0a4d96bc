// What a process server leaves to its successor of a slot: the kernel keeps it as text, and gives it back with the slot's state.

import type { Death } from './process-api.ts';
import type { Supervised, Wish } from './supervised.ts';

interface Note {
  readonly since: number;
  /** An instance had been asked for, and its death was not known. */
  readonly spawned: boolean;
  readonly wish?: Wish;
  /** When its instance was ready, ms since 1970. */
  readonly readySince?: number;
  readonly unstable: number;
  readonly restarts: number;
  readonly lastReason?: string;
  readonly lastDeath?: Death;
  readonly lastUses?: readonly string[];
}

/** The kernel takes 16,384 characters. */
const STACK_MAX = 4_096;
const REASON_MAX = 2_048;

export function noteOf(supervised: Supervised): string {
  const { since, spawned, wish, readyAt, unstable, restarts, lastReason, lastDeath, lastUses } = supervised;
  const note: Note = {
    since,
    spawned,
    ...(wish === undefined ? {} : { wish }),
    ...(readyAt === undefined ? {} : { readySince: Date.now() - (performance.now() - readyAt) }),
    unstable,
    restarts,
    ...(lastReason === undefined ? {} : { lastReason: lastReason.slice(0, REASON_MAX) }),
    ...(lastDeath === undefined ? {} : { lastDeath: shortened(lastDeath) }),
    ...(lastUses === undefined ? {} : { lastUses }),
  };
  return JSON.stringify(note);
}

export function recall(supervised: Supervised, text: string): void {
  const { since, spawned, wish, readySince, unstable, restarts, lastReason, lastDeath, lastUses } = JSON.parse(text) as Note;
  supervised.since = since;
  supervised.spawned = spawned;
  supervised.wish = wish === 'together' ? 'restart' : wish;
  supervised.unstable = unstable;
  supervised.restarts = restarts;
  supervised.lastReason = lastReason;
  supervised.lastDeath = lastDeath;
  supervised.lastUses = lastUses;
  if (!spawned || readySince === undefined) return;
  supervised.begun = true;
  supervised.readyAt = performance.now() - (Date.now() - readySince);
}

function shortened({ reason, stack, ...death }: Death): Death {
  return { ...death, reason: reason.slice(0, REASON_MAX), ...(stack === undefined ? {} : { stack: stack.slice(0, STACK_MAX) }) };
}
