// Why a process ended, in words that an operator reads; from its exit, from what it said of itself, and from its status region, which
// is constant after its death.

import type { Region } from '../memory/region.ts';
import { StatusWord } from '../memory/status.ts';
import type { ErrorInfo } from '../protocol/control.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface DeathFacts {
  readonly exit: Exit;
  /** Why the kernel killed it, if it did. */
  readonly killedFor: string | undefined;
  /** The error that ended it, as it said itself. */
  readonly lastWords: ErrorInfo | undefined;
  readonly memoryMb: number;
  /** Anonymous memory when the watch looked last, bytes. */
  readonly lastRssAnon: number;
  readonly status: Region | undefined;
}

/** An allocator that is refused memory ends its process by one of these, near the limit; V8 says that it was out of memory. */
const OF_ALLOCATORS = ['SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGSEGV'];
const NEAR_LIMIT = 0.6;

/** @param anonymous bytes */
export function isNearLimit(anonymous: number, memoryMb: number): boolean {
  return anonymous >= memoryMb * 1024 * 1024 * NEAR_LIMIT;
}

export function deathReason(facts: DeathFacts): string {
  const { exit, killedFor, lastWords, memoryMb, lastRssAnon, status } = facts;
  if (killedFor !== undefined) return killedFor;
  const fatal = exit.signal ?? (exit.code === 134 ? 'SIGABRT' : undefined);
  if (memoryMb > 0 && fatal !== undefined && OF_ALLOCATORS.includes(fatal)) {
    const anonymous = Math.max(lastRssAnon, (status?.i32[StatusWord.anonymousKb] ?? 0) * 1024);
    const saidSo = status?.i32[StatusWord.outOfMemory] === 1;
    if (saidSo || isNearLimit(anonymous, memoryMb)) return 'memory limit';
  }
  if (fatal !== undefined) return fatal;
  if (exit.code === 1 && lastWords !== undefined) return oneLine(`${lastWords.name}: ${lastWords.message}`);
  return `exit code ${exit.code}`;
}

function oneLine(text: string): string {
  const [first = ''] = text.split('\n', 1);
  return first.length <= 300 ? first : `${first.slice(0, 300)} …`;
}
