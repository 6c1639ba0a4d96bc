// By what a fault was found out: pure, from what its victim's hostage and its order came to.

import { isSkerryError } from '../src/index.ts';
import type { Detection } from './kinds/kind.ts';
import type { Ordered } from './system/fault-port.ts';

/** How a call of the campaign's own ended, and when, CLOCK_MONOTONIC ms. */
export interface Ended<T = unknown> {
  readonly atMs: number;
  readonly value?: T;
  readonly error?: unknown;
  /** Neither: not until long after its deadline. */
  readonly hung?: true;
}

/** By the reason of a death. */
export function detectionOfDeath(reason: string): Detection {
  if (reason.startsWith('hung')) return 'heartbeat';
  if (/^(memory|CPU|queue) limit/.test(reason)) return 'limit';
  if (reason.startsWith('broke the control protocol')) return 'validation';
  return /^SIG|^exit code/.test(reason) ? 'exit' : 'exception';
}

/** By how an order, or any call, was answered, when its victim lives. */
export function detectionOfOrder(order: { readonly error?: unknown; readonly value?: Ordered }): Detection | undefined {
  const { error, value } = order;
  if (error !== undefined) {
    if (!isSkerryError(error)) return 'exception';
    if (error.code === 'SKERRY_TIMEOUT') return 'deadline';
    if (error.code === 'SKERRY_SERVER_DIED') return detectionOfDeath(reasonOf(error) ?? '');
    return error.code === 'SKERRY_ABORTED' ? undefined : 'validation';
  }
  const note = noteOf(value);
  if (/refused: |"SKERRY_BUSY"/.test(note)) return 'validation';
  return note.includes('EMFILE') ? 'exception' : undefined;
}

export function noteOf(value: Ordered | undefined): string {
  const note = value?.note;
  return note === undefined ? '' : typeof note === 'string' ? note : JSON.stringify(note);
}

export function reasonOf(error: unknown): string | undefined {
  return isSkerryError(error, 'SKERRY_SERVER_DIED') ? String(error.data?.reason ?? 'unknown') : undefined;
}
