// What an end is about to write: frames of one turn are gathered and go out together, since a write is what costs.
//
// `flush` hands over at once; `schedule` after the promises that are settled now have been heard, so that the calls of many callers,
// or the answers to them, share one write.

import { HEADER_BYTES, headWord } from '../../protocol/record.ts';
import { type FrameKind, writeHeader } from './frames.ts';
import type { Wire } from './wire.ts';

const GATHER_BYTES = 64 * 1024;
/** Payloads from here on are not copied. */
const LARGE_BYTES = 16 * 1024;

export class Outbox {
  readonly #wire: Wire;
  readonly #beforeFlush: () => void;
  #bytes = Buffer.allocUnsafeSlow(4096);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  #position: number;
  #scheduled = false;

  /** @param beforeFlush called when a scheduled flush is due: may put more. */
  constructor(wire: Wire, beforeFlush: () => void = () => {}, position = 0) {
    this.#wire = wire;
    this.#beforeFlush = beforeFlush;
    this.#position = position;
  }

  /** Bytes that a kill of this process would lose. */
  get unsent(): number {
    return this.#at + this.#wire.unsent;
  }

  put(kind: number, flags: number, method: number, callId: number, payload: Uint8Array): void {
    const { length } = payload;
    if (length >= LARGE_BYTES) {
      this.#header(length, headWord(kind, flags, method), callId);
      this.#position += length;
      this.flush();
      this.#wire.write(payload);
      return;
    }
    this.#room(HEADER_BYTES + length);
    this.#header(length, headWord(kind, flags, method), callId);
    this.#bytes.set(payload, this.#at);
    this.#at += length;
    this.#position += length;
  }

  /** A control frame with up to three numbers. */
  control(kind: (typeof FrameKind)[keyof typeof FrameKind], callId: number, ...numbers: readonly number[]): void {
    const length = numbers.length * 4;
    this.#room(HEADER_BYTES + length);
    this.#header(length, headWord(kind, 0, 0), callId);
    for (const number of numbers) {
      this.#view.setUint32(this.#at, number, true);
      this.#at += 4;
    }
    this.#position += length;
  }

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#due);
  }

  flush(): void {
    if (this.#at === 0) return;
    const bytes = this.#bytes.subarray(0, this.#at);
    this.#at = 0;
    this.#wire.write(bytes);
    // The wire may go on using what it could not hand over at once.
    if (this.#wire.unsent > 0) this.#allocate(this.#bytes.length);
  }

  readonly #due = (): void => {
    this.#scheduled = false;
    this.#beforeFlush();
    this.flush();
  };

  #header(length: number, head: number, callId: number): void {
    this.#room(HEADER_BYTES);
    writeHeader(this.#view, this.#at, length, head, callId, this.#position);
    this.#at += HEADER_BYTES;
    this.#position += HEADER_BYTES;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    if (this.#at + bytes > GATHER_BYTES) {
      this.flush();
      if (bytes <= this.#bytes.length) return;
    }
    const old = this.#bytes.subarray(0, this.#at);
    this.#allocate(Math.min(GATHER_BYTES, Math.max(this.#bytes.length * 4, this.#at + bytes)));
    this.#bytes.set(old);
  }

  #allocate(sizeBytes: number): void {
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }
}
