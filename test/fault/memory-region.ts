// A region of plain memory, for ends that are tried within one isolate: whatever a peer could write into it, a test can.

import type { Descriptor } from '../../src/memory/native.ts';
import { type OwnRegion, pageAlign } from '../../src/memory/region.ts';

let lastId = 0;

/** @param buffer memory that somebody else has too, another thread say */
export function memoryRegion(kind: number, sizeBytes: number, buffer = new ArrayBuffer(pageAlign(sizeBytes))): OwnRegion {
  lastId += 1;
  return {
    id: lastId,
    kind,
    sizeBytes: buffer.byteLength,
    buffer,
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
    descriptor: 0 as unknown as Descriptor,
    release: () => {},
  };
}
