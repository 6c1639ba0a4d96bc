// The requests that a client has and its server has not started: their bytes are kept until the server says that it started them.
//
//   add ──▶ queued ──window──▶ sent ──"started n"──▶ started
//             ▲                 │
//             └─── giveBack ────┘     the instance is dead: back in order, ahead of what waited
//
// Invariant: `sent` holds, in order, exactly what went out on the current connection and was not said to be started.

import { SkerryError } from '../../base/errors.ts';
import { CALLS_MAX } from '../../protocol/limits.ts';
import { HEADER_BYTES } from '../../protocol/record.ts';
import { NO_CALL } from '../transport.ts';
import { Fifo } from './fifo.ts';
import { WINDOW_BYTES } from './limits.ts';

export interface Kept {
  readonly kind: number;
  readonly flags: number;
  readonly method: number;
  readonly callId: number;
  readonly payload: Uint8Array;
  onPublished: ((error?: SkerryError) => void) | undefined;
}

export type Phase = 'none' | 'queued' | 'sent' | 'started';

export class Mailbox {
  readonly #queue = new Fifo<Kept>();
  readonly #sent = new Fifo<Kept>();
  #sentBytes = 0;
  #heldBytes = 0;
  /** By slot: the call that stood there last, and where it is. */
  readonly #callIds = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  readonly #phases: Phase[] = new Array(CALLS_MAX).fill('none');

  get unstarted(): number {
    return this.#queue.length + this.#sent.length;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Bytes of all that is unstarted. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What is queued, in order. */
  get waiting(): Iterable<Kept> {
    return this.#queue;
  }

  /** @returns whether the request goes out now; else it is queued. */
  add(kept: Kept, connected: boolean): boolean {
    if (kept.callId !== NO_CALL) this.#callIds[kept.callId % CALLS_MAX] = kept.callId;
    this.#heldBytes += sizeOf(kept);
    if (connected && this.#queue.length === 0 && this.#fits(kept)) {
      this.#send(kept);
      return true;
    }
    this.#queue.push(kept);
    this.#set(kept, 'queued');
    return false;
  }

  /** The next queued request that the window admits: it is `sent` now. */
  next(): Kept | undefined {
    const kept = this.#queue.peek();
    if (kept === undefined || !this.#fits(kept)) return undefined;
    this.#queue.shift();
    this.#send(kept);
    return kept;
  }

  /** The server started the first `count` of what was sent. @returns false when there are not so many. */
  started(count: number): boolean {
    if (count > this.#sent.length) return false;
    for (let i = 0; i < count; i++) {
      const kept = this.#sent.shift() as Kept;
      this.#sentBytes -= sizeOf(kept);
      this.#heldBytes -= sizeOf(kept);
      this.#set(kept, 'started');
    }
    return true;
  }

  /** Takes a queued call out. @returns false when it is not queued. */
  takeBack(callId: number): boolean {
    if (this.phaseOf(callId) !== 'queued') return false;
    const kept = this.#queue.take((entry) => entry.callId === callId);
    if (kept === undefined) return false;
    this.#heldBytes -= sizeOf(kept);
    this.#set(kept, 'none');
    return true;
  }

  giveBack(): void {
    const waited = this.#queue.drain();
    for (const kept of [...this.#sent.drain(), ...waited]) {
      this.#queue.push(kept);
      this.#set(kept, 'queued');
    }
    this.#sentBytes = 0;
  }

  phaseOf(callId: number): Phase {
    const slot = callId % CALLS_MAX;
    return this.#callIds[slot] === callId ? (this.#phases[slot] as Phase) : 'none';
  }

  clear(): void {
    const error = new SkerryError('SKERRY_SERVER_DOWN', 'the channel was closed before this was sent', { maybeExecuted: false });
    for (const kept of this.#queue.drain()) kept.onPublished?.(error);
    this.#sent.drain();
    this.#sentBytes = 0;
    this.#heldBytes = 0;
  }

  #fits(kept: Kept): boolean {
    return this.#sentBytes === 0 || this.#sentBytes + sizeOf(kept) <= WINDOW_BYTES;
  }

  #send(kept: Kept): void {
    this.#sent.push(kept);
    this.#sentBytes += sizeOf(kept);
    this.#set(kept, 'sent');
  }

  #set(kept: Kept, phase: Phase): void {
    const slot = kept.callId % CALLS_MAX;
    if (kept.callId !== NO_CALL && this.#callIds[slot] === kept.callId) this.#phases[slot] = phase;
  }
}

function sizeOf(kept: Kept): number {
  return HEADER_BYTES + kept.payload.length;
}
