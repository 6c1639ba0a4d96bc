// A region: a piece of shared memory with one writer. Its first 64 bytes are the header; what stands behind is its kind's own layout.
//
//   0        4         8       12         16     20     24           28
//   | magic | version | kind | region id | node | slot | generation | size | ...
//
// The writer fills the header and stores the magic last. A reader checks all of it once, at the map: from then on only words that its
// layout names are read, each once, and never trusted.

import { SkerryError } from '../base/errors.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import type { Descriptor, NativeAddon } from './native.ts';

export const REGION_HEADER_BYTES = 64;
const MAGIC = 0x59524b53; // "SKRY"
const VERSION = 1;

export const RegionKind = { client: 1, server: 2, ring: 3, oneOff: 4, suspects: 5, status: 6, blackBox: 7 } as const;
export type RegionKind = (typeof RegionKind)[keyof typeof RegionKind];

/** A mapped region with its one set of views. */
export interface Region {
  readonly id: number;
  readonly kind: number;
  readonly sizeBytes: number;
  readonly buffer: ArrayBuffer;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  /** Gives the memory back at once; stale views read zeros. */
  release(): void;
}

/** A region of this process, with the descriptor to be handed out; close it once it has been sent. */
export interface OwnRegion extends Region {
  readonly descriptor: Descriptor;
}

export function pageAlign(bytes: number): number {
  return (bytes + 4095) & ~4095;
}

let lastId = 0;

/** Makes a region written by this process. The budget is to be asked before (see kernel/budget.ts). */
export function createRegion(addon: NativeAddon, kind: RegionKind, sizeBytes: number, owner: Endpoint, name: string): OwnRegion {
  const { buffer, descriptor } = addon.createRegion(pageAlign(sizeBytes), name);
  lastId += 1;
  const region = view(addon, buffer, lastId, kind);
  const { i32 } = region;
  i32[1] = VERSION;
  i32[2] = kind;
  i32[3] = lastId;
  i32[4] = owner.node;
  i32[5] = owner.slot;
  i32[6] = owner.generation;
  i32[7] = region.sizeBytes;
  Atomics.store(i32, 0, MAGIC);
  return { ...region, descriptor };
}

/**
 * Maps a peer's region read-only and checks its header. Takes over the descriptor and closes it, also when it throws, unless `keep`.
 * @throws SkerryError SKERRY_CORRUPT when it is not a region of that kind.
 */
export function mapRegion(addon: NativeAddon, descriptor: Descriptor, kind: RegionKind, name: string, keep = false): Region {
  try {
    const { sizeBytes, sealed } = addon.inspectRegion(descriptor);
    if (!sealed) throw corrupt(name, 'it is not a sealed memory file, so it could shrink or change hands');
    if (sizeBytes < 4096) throw corrupt(name, `it has ${sizeBytes} bytes, less than a page`);
    const buffer = addon.mapRegion(descriptor, name);
    const head = new Int32Array(buffer, 0, REGION_HEADER_BYTES / 4);
    const found = { magic: Atomics.load(head, 0), version: head[1], kind: head[2], size: head[7] };
    if (found.magic !== MAGIC || found.version !== VERSION || found.kind !== kind || found.size !== sizeBytes) {
      addon.releaseRegion(buffer);
      throw corrupt(
        name,
        `its header says ${JSON.stringify(found)}; expected version ${VERSION}, kind ${kind}, size ${sizeBytes}`,
      );
    }
    return view(addon, buffer, head[3] as number, kind);
  } finally {
    if (!keep) addon.close(descriptor);
  }
}

function corrupt(name: string, why: string): SkerryError {
  return new SkerryError('SKERRY_CORRUPT', `region "${name}" from a peer refused: ${why}`);
}

function view(addon: NativeAddon, buffer: ArrayBuffer, id: number, kind: number): Region {
  return {
    id,
    kind,
    sizeBytes: buffer.byteLength,
    buffer,
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
    release: () => addon.releaseRegion(buffer),
  };
}
