// Frames: what travels on a wire. The header of a record (protocol/record.ts) and its payload, without padding; the check is mixed
// with the position in the stream of bytes. Beside the kinds of records there are those that a ring has words for:
//
//   client → server   cancel                 the call is given up
//                     credit {total}         items that a stream may send in all
//   server → client   started {count, load}  so many requests of this client have been started on this connection: the boundary
//                     suspects {count, load} so many suspects have been started
//                     load {load}            load: handlers running, requests unstarted, all clients together
//
// What a peer sent is input: a reader checks each header before it waits for the payload, and holds at most one unfinished frame.

import { SkerryError } from '../../base/errors.ts';
import { RECORD_MAX_BYTES } from '../../protocol/limits.ts';
import { checkWord, HEADER_BYTES } from '../../protocol/record.ts';

export const FrameKind = { cancel: 16, credit: 17, started: 18, suspects: 19, load: 20 } as const;

const NOTHING = new Uint8Array(0);

export function writeHeader(view: DataView, at: number, length: number, head: number, callId: number, position: number): void {
  view.setInt32(at, length, true);
  view.setInt32(at + 4, head, true);
  view.setInt32(at + 8, callId, true);
  view.setInt32(at + 12, checkWord(length, head, callId | 0, position), true);
}

/** Cuts what comes from a wire into frames. After `next` the fields hold one; its payload is `bytes` from `start` to `end`. */
export class FrameReader {
  kind = 0;
  flags = 0;
  method = 0;
  callId = 0;
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;

  #position: number;
  #chunk: Uint8Array = NOTHING;
  #view: DataView = new DataView(NOTHING.buffer);
  #at = 0;
  /** Of an unfinished frame: the pieces so far, their bytes, and how many it takes to go on. */
  #pieces: Uint8Array[] = [];
  #have = 0;
  #need = 0;

  /** @param position of the first byte; tests start near 2^32. */
  constructor(position = 0) {
    this.#position = position;
  }

  push(chunk: Uint8Array): void {
    if (this.#need === 0) return this.#open(chunk);
    this.#pieces.push(chunk);
    this.#have += chunk.length;
    if (this.#have < this.#need) return;
    const whole = Buffer.concat(this.#pieces, this.#have);
    this.#pieces = [];
    this.#need = 0;
    this.#open(whole);
  }

  /** @returns false when no whole frame is there. @throws SKERRY_CORRUPT */
  next(): boolean {
    if (this.#need > 0) return false;
    const left = this.#chunk.length - this.#at;
    if (left < HEADER_BYTES) return this.#wait(HEADER_BYTES);
    const view = this.#view;
    const at = this.#at;
    const length = view.getInt32(at, true);
    const head = view.getInt32(at + 4, true);
    const callId = view.getInt32(at + 8, true);
    if (view.getInt32(at + 12, true) !== checkWord(length, head, callId, this.#position)) {
      throw corruptFrame(`the header at ${this.#position} fails its check`);
    }
    if (length < 0 || length > RECORD_MAX_BYTES) {
      throw corruptFrame(`the frame at ${this.#position} has ${length} bytes; valid are 0 to ${RECORD_MAX_BYTES}`);
    }
    if (left < HEADER_BYTES + length) return this.#wait(HEADER_BYTES + length);
    this.kind = head & 0xff;
    this.flags = (head >>> 8) & 0xff;
    this.method = head >>> 16;
    this.callId = callId >>> 0;
    this.bytes = this.#chunk;
    this.start = at + HEADER_BYTES;
    this.end = this.start + length;
    this.#at = this.end;
    this.#position += HEADER_BYTES + length;
    return true;
  }

  /** A 32-bit number of a control frame's payload. @throws SKERRY_CORRUPT */
  u32(index: number): number {
    const at = this.start + index * 4;
    if (at + 4 > this.end) throw corruptFrame(`a control frame of kind ${this.kind} has ${this.end - this.start} bytes`);
    return this.#view.getUint32(at, true);
  }

  #open(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#at = 0;
  }

  #wait(need: number): false {
    const rest = this.#chunk.subarray(this.#at);
    this.#chunk = NOTHING;
    this.#at = 0;
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#have = rest.length;
    this.#need = need;
    return false;
  }
}

export function corruptFrame(what: string): SkerryError {
  return new SkerryError('SKERRY_CORRUPT', `stream of a peer: ${what}`);
}
