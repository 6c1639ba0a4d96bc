// What a process server leaves to its successor of a slot: the kernel keeps it as text, and gives it back with the slot's state.

import type { Death } from './process-api.ts';
import type { Supervised, Wish } from './supervised.ts';

interface Note {
  readonly since: number;
  readonly generation: number;
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

/** What the kernel keeps. In JSON a control character takes six. */
const NOTE_MAX = 16_384;
const REASON_MAX = 300;

export function noteOf(supervised: Supervised): string {
  const { since, generation, spawned, wish, readyAt, unstable, restarts, lastReason, lastDeath, lastUses } = supervised;
  const note: Note = {
    since,
    generation,
    spawned,
    ...(wish === undefined ? {} : { wish }),
    ...(readyAt === undefined ? {} : { readySince: Date.now() - (performance.now() - readyAt) }),
    unstable,
    restarts,
    ...(lastReason === undefined ? {} : { lastReason: lastReason.slice(0, REASON_MAX) }),
  };
  const death = lastDeath === undefined ? {} : { lastDeath: { ...lastDeath, reason: lastDeath.reason.slice(0, REASON_MAX) } };
  const uses = lastUses === undefined ? {} : { lastUses };
  // The stack goes first, then the rest of what is only told.
  const { stack: _, calls: _calls, said: _said, ...bare } = death.lastDeath ?? {};
  const notes = [{ ...note, ...death, ...uses }, { ...note, ...(lastDeath && { lastDeath: bare }), ...uses }, note];
  const texts = notes.map((one) => JSON.stringify(one));
  return texts.find(({ length }) => length <= NOTE_MAX) as string;
}

/** @param generation of the slot's last instance; a note of an earlier one says nothing of its readiness. */
export function recall(supervised: Supervised, text: string, generation: number): void {
  const {
    since,
    generation: noted,
    spawned,
    wish,
    readySince,
    unstable,
    restarts,
    lastReason,
    lastDeath,
    lastUses,
  } = JSON.parse(text) as Note;
  supervised.since = since;
  supervised.spawned = spawned;
  supervised.wish = wish === 'together' ? 'restart' : wish;
  supervised.unstable = unstable;
  supervised.restarts = restarts;
  supervised.lastReason = lastReason;
  supervised.lastDeath = lastDeath;
  supervised.lastUses = lastUses;
  if (!spawned || readySince === undefined || noted !== generation) return;
  supervised.begun = true;
  supervised.readyAt = performance.now() - (Date.now() - readySince);
}
