// Calls as they happen, and those of an instance that has died: read from black boxes, without a message to who serves them.

import { nowMs } from '../../base/clock.ts';
import { type BoxedCall, isLater, readCalls } from '../../memory/black-box.ts';
import type { Region } from '../../memory/region.ts';
import type { RecentCall, TracedCall } from './process-api.ts';
import type { Supervised } from './supervised.ts';

/** How often boxes are looked at: as many calls as they hold may be made meanwhile, 12,000/s. */
const LOOK_MS = 20;
const RECENT = 10;

/** The last calls in a box: what runs (all of it, oldest first), then the last that have ended. */
export function recentCalls(box: Region | undefined): RecentCall[] {
  if (box === undefined) return [];
  const calls = readCalls(box);
  const running = calls.filter(({ state }) => state === 'running');
  const ended = calls.filter(({ state }) => state !== 'running');
  return [...running.slice(-RECENT), ...ended.slice(-RECENT)].sort((a, b) => (a.seq - b.seq) | 0).map(recentOf);
}

/**
 * The calls of these servers that end from now on, in turns.
 * @param wanted by the name of the method. @param pause resolves when it is time to look again, or false when nobody listens any more.
 */
export async function* trace(
  all: readonly Supervised[],
  wanted: (method: string) => boolean,
  pause: (ms: number) => Promise<boolean>,
): AsyncGenerator<TracedCall[], void> {
  const cursors = new Map(all.map((supervised) => [supervised, cursorOf(supervised)]));
  while (await pause(LOOK_MS)) {
    const turn: TracedCall[] = [];
    for (const [supervised, before] of cursors) {
      const isSame = before.generation === supervised.generation && supervised.box !== undefined;
      const cursor = isSame ? before : { ...cursorOf(supervised), seq: 0 };
      cursors.set(supervised, cursor);
      turn.push(...step(supervised, cursor, wanted));
    }
    if (turn.length > 0) yield turn;
  }
}

interface Cursor {
  readonly generation: number;
  /** The last call that was seen. */
  seq: number;
  /** Those of them that had not ended. */
  open: Set<number>;
}

function cursorOf({ box, generation }: Supervised): Cursor {
  const calls = box === undefined ? [] : readCalls(box);
  const open = new Set(calls.filter(({ state }) => state === 'running').map(({ seq }) => seq));
  return { generation, seq: calls.at(-1)?.seq ?? 0, open };
}

function step({ name, replica, box }: Supervised, cursor: Cursor, wanted: (method: string) => boolean): TracedCall[] {
  if (box === undefined) return [];
  const calls = readCalls(box);
  const found: TracedCall[] = [];
  // What was written over before it was read, or while it was.
  const there = new Set(calls.map(({ seq }) => seq));
  const latest = calls.at(-1)?.seq ?? cursor.seq;
  const last = isLater(latest, cursor.seq) ? latest : cursor.seq; // its writer may have lapped this reader
  const fresh = calls.filter(({ seq }) => isLater(seq, cursor.seq)).length;
  const missed = ((last - cursor.seq) | 0) - fresh + [...cursor.open].filter((seq) => !there.has(seq)).length;
  if (missed > 0) found.push({ server: name, replica, missed });
  for (const call of calls) {
    const isNew = isLater(call.seq, cursor.seq) || cursor.open.has(call.seq);
    if (!isNew || call.state === 'running') continue;
    if (wanted(call.method)) found.push({ server: name, replica, ...recentOf(call) });
  }
  cursor.open = new Set(calls.filter(({ state }) => state === 'running').map(({ seq }) => seq));
  cursor.seq = last;
  return found;
}

function recentOf({ method, client, startMs, state, ms }: BoxedCall): RecentCall {
  const startedAt = Math.round(Date.now() - (nowMs() - startMs));
  return { method, client, startedAt, state, ...(ms === undefined ? {} : { ms }) };
}
