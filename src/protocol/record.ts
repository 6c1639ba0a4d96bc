// A record: what stands in a ring, and in a frame of the stream transport.
//
//   0        4                  8         12        16
//   | length | kind flags method | call id | check | payload ... | padding to 16 |
//             u8   u8    u16
//
// `length` counts payload bytes. `check` mixes the other three words with the record's position: a header that was torn, forged by
// accident, or left over from an earlier lap does not pass. It is no defence against a peer that lies on purpose: lengths are checked
// against position and capacity, payloads by the decoder.

export const HEADER_BYTES = 16;
export const ALIGN = 16;

export const Kind = {
  /** request: deadline f64, [extra value], arguments; answered by reply, error, or items and an end */
  call: 1,
  /** request without an answer */
  notify: 2,
  /** answers */
  reply: 3,
  error: 4,
  item: 5,
  end: 6,
  /** ring only: nothing up to the end of the ring */
  pad: 7,
  /** ring only: the ring goes on in another region: payload region id u32, 0 u32, position f64 */
  switch: 8,
} as const;

export const Flag = {
  /** the payload stands in a region of its own: payload region id u32, length u32 */
  oneOff: 1,
  /** an `extra` value (trace context, call path) follows the deadline */
  extra: 2,
  /** this call was started by a predecessor that died */
  suspect: 4,
} as const;

export function recordBytes(payloadBytes: number): number {
  return (HEADER_BYTES + payloadBytes + (ALIGN - 1)) & ~(ALIGN - 1);
}

export function headWord(kind: number, flags: number, method: number): number {
  return kind | (flags << 8) | (method << 16);
}

export function checkWord(length: number, head: number, callId: number, position: number): number {
  let h = Math.imul(length ^ 0x5bd1e995, 0x9e3779b1);
  h = Math.imul(h ^ head ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ callId ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (position | 0) ^ (h >>> 16)) | 0;
}
