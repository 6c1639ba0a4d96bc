// A record's payload in memory of its own: for what cannot go straight into a ring, or has to be kept.

import { RECORD_MAX_BYTES } from '../protocol/limits.ts';
import { acquireEncoder, releaseEncoder } from './codec/encoder.ts';
import type { BodyWriter } from './transport.ts';

/** @throws SkerryError SKERRY_UNSENDABLE, SKERRY_LIMIT */
export function encodeRecord<T>(write: BodyWriter<T>, body: T): Uint8Array {
  const encoder = acquireEncoder();
  try {
    encoder.beginScratch(RECORD_MAX_BYTES);
    write(encoder, body);
    const end = encoder.finish();
    return encoder.takeScratch(end);
  } finally {
    releaseEncoder(encoder);
  }
}
