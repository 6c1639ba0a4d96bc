// The two base regions of a channel, one for each direction; each has one writer and lives as long as the channel (client's) or the
// instance (server's). Larger rings come as regions of their own (kind `ring`), which hold nothing but records.
//
//   client region                                      server region
//   0     header                                       0     header
//   128   requestTail  publishedCalls                  128   started  startedCalls  suspectsStarted  startedCopy
//   256   repliesTaken clientParked  wantsRoom         256   replyTail
//   384   controlTurn                                  384   serverParked  wantsReplyRoom
//   512   cancelled[CALLS_MAX]                         4096  reply ring, RING_FIRST_BYTES
//   4608  credit[CALLS_MAX]
//   12288 request ring, RING_FIRST_BYTES
//
// Words lie 128 bytes apart where different moments touch them: adjacent-line prefetch makes 64 too few. All are 32-bit; positions run
// freely and a reader extends them to 53 bits. `cancelled[slot]` holds the id of a cancelled call, `credit[slot]` the items allowed so
// far: levels, so nothing can overflow or be lost, and a successor finds them in place.
//
// word             writer  reader  ordered by
// requestTail      client  server  // sync: request-published
// started          server  client  // sync: request-started     both the boundary of fate and the credit: the copy came first
// replyTail        server  client  // sync: reply-published
// repliesTaken     client  server  // sync: replies-taken
// *Parked          sleeper producer // sync: parked             epoch: odd = parked; rung for once in each epoch
// suspectsStarted  server  client  // sync: suspects-started
// controlTurn      client  server  // sync: control-published
//
// `startedCopy` is the complement of `started`, stored right behind it. Nobody reads it while the server lives; of a dead one it tells
// whether the boundary of fate is what it should be (writer.ts, `settle`).

import { pageAlign } from '../../memory/region.ts';
import { CALLS_MAX, RING_FIRST_BYTES } from '../../protocol/limits.ts';

/** Indexes of 32-bit words in the client's region. */
export const ClientWord = {
  requestTail: 32,
  publishedCalls: 33,
  repliesTaken: 64,
  clientParked: 65,
  wantsRoom: 66,
  controlTurn: 96,
  cancelled: 128,
  credit: 128 + CALLS_MAX,
} as const;

/** Indexes of 32-bit words in the server's region. */
export const ServerWord = {
  started: 32,
  startedCalls: 33,
  suspectsStarted: 34,
  startedCopy: 35,
  replyTail: 64,
  serverParked: 96,
  wantsReplyRoom: 97,
} as const;

export const CLIENT_RING_OFFSET = pageAlign((ClientWord.credit + CALLS_MAX) * 4);
export const CLIENT_REGION_BYTES = CLIENT_RING_OFFSET + RING_FIRST_BYTES;
export const SERVER_RING_OFFSET = 4096;
export const SERVER_REGION_BYTES = SERVER_RING_OFFSET + RING_FIRST_BYTES;

/** Rings in regions of their own begin behind a page, so that they stay aligned. */
export const RING_OFFSET = 4096;

/** The stretch of a region that holds records, and the position at which it begins in the channel's one position space. */
export interface RingArea {
  readonly regionId: number;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  /** A power of two. */
  readonly capacity: number;
  /** Absolute position (53 bits) of the first record in it. */
  readonly start: number;
}

export function ringArea(buffer: ArrayBuffer, regionId: number, offset: number, capacity: number, start: number): RingArea {
  return {
    regionId,
    u8: new Uint8Array(buffer, offset, capacity),
    i32: new Int32Array(buffer, offset, capacity / 4),
    f64: new Float64Array(buffer, offset, capacity / 8),
    capacity,
    start,
  };
}

/** The 53-bit position nearest to `near` whose low 32 bits are `word`. */
export function extendPosition(near: number, word: number): number {
  return near + ((word - (near | 0)) | 0);
}
