// The requests that a server end has read and not started: ordinary ones within the client's window, and suspects, which were introduced
// with their number and come first.

import { Flag, HEADER_BYTES, Kind } from '../../protocol/record.ts';
import { Fifo } from './fifo.ts';
import { corruptFrame, type FrameReader } from './frames.ts';
import { WINDOW_BYTES } from './limits.ts';

export interface Waiting {
  readonly kind: number;
  readonly flags: number;
  readonly method: number;
  readonly callId: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export class Intake {
  /** Ordinary requests started, in all (u32). */
  started = 0;
  /** Suspects started, in all. */
  suspectsStarted = 0;
  /** Suspects introduced and not asked for yet. */
  suspectsLeft: number;
  /** Suspects asked for and not started yet: they may still be on their way. */
  suspectsDue = 0;
  readonly #requests = new Fifo<Waiting>();
  readonly #suspects = new Fifo<Waiting>();
  #bytes = 0;

  constructor(suspects: number) {
    this.suspectsLeft = suspects;
  }

  get length(): number {
    return this.#requests.length;
  }

  /** Takes in the request that `reader` holds. @throws SKERRY_CORRUPT */
  add({ kind, flags, method, callId, bytes, start, end }: FrameReader): void {
    const waiting: Waiting = { kind, flags, method, callId, bytes, start, end };
    if ((flags & Flag.suspect) !== 0) return this.#addSuspect(waiting);
    const size = sizeOf(waiting);
    if (this.#bytes > 0 && this.#bytes + size > WINDOW_BYTES) {
      throw corruptFrame(`${this.#bytes + size} bytes of unstarted requests; valid are ${WINDOW_BYTES}`);
    }
    this.#requests.push(waiting);
    this.#bytes += size;
  }

  /** The next request: it counts as started. */
  next(): Waiting | undefined {
    const waiting = this.#requests.shift();
    if (waiting === undefined) return undefined;
    this.#bytes -= sizeOf(waiting);
    this.started = (this.started + 1) >>> 0;
    return waiting;
  }

  /** The suspect that was asked for, if it is there: it counts as started. */
  nextSuspect(): Waiting | undefined {
    if (this.suspectsDue === 0) return undefined;
    const waiting = this.#suspects.shift();
    if (waiting === undefined) return undefined;
    this.suspectsDue -= 1;
    this.suspectsStarted += 1;
    return waiting;
  }

  clear(): void {
    this.#requests.drain();
    this.#suspects.drain();
    this.#bytes = 0;
  }

  #addSuspect(waiting: Waiting): void {
    const expected = this.suspectsLeft + this.suspectsDue;
    if (waiting.kind !== Kind.call || this.#suspects.length >= expected || this.#requests.length + this.started > 0) {
      throw corruptFrame(`a suspect that was not introduced; ${expected} are expected`);
    }
    this.#suspects.push(waiting);
  }
}

function sizeOf(waiting: Waiting): number {
  return HEADER_BYTES + waiting.end - waiting.start;
}
