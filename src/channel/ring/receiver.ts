// The regions that a peer has announced in its ring, kept until the reader comes to them.
//
// A region may be introduced before the reader meets its announcement, or after. What is introduced and never announced goes when the
// peer retires it, or with the channel; how many there can be is bounded by the kernel.

import { SkerryError } from '../../base/errors.ts';
import { REGION_HEADER_BYTES, type Region, RegionKind } from '../../memory/region.ts';
import { INTRODUCTION_MS, RING_MAX_BYTES } from '../../protocol/limits.ts';
import { RING_OFFSET, type RingArea, ringArea } from './layout.ts';
import type { IntroducedRegions } from './reader.ts';

export class ReceivedRegions implements IntroducedRegions {
  readonly #regions = new Map<number, Region>();
  #ring: Region | undefined;

  add(region: Region): void {
    this.drop(region.id); // a peer may say one number twice
    this.#regions.set(region.id, region);
  }

  drop(regionId: number): void {
    this.#regions.get(regionId)?.release();
    this.#regions.delete(regionId);
  }

  ring(regionId: number, start: number): RingArea | undefined {
    const region = this.#find(regionId, RegionKind.ring);
    if (region === undefined) return undefined;
    const capacity = region.sizeBytes - RING_OFFSET;
    if (capacity < 4096 || capacity > RING_MAX_BYTES || (capacity & (capacity - 1)) !== 0) {
      throw new SkerryError('SKERRY_CORRUPT', `a ring of ${capacity} bytes; valid are powers of two up to ${RING_MAX_BYTES}`);
    }
    this.#ring?.release();
    this.#ring = region;
    this.#regions.delete(regionId);
    return ringArea(region.buffer, regionId, RING_OFFSET, capacity, start);
  }

  oneOff(regionId: number, length: number): Uint8Array | undefined {
    const region = this.#find(regionId, RegionKind.oneOff);
    if (region === undefined) return undefined;
    if (REGION_HEADER_BYTES + length > region.sizeBytes) {
      throw new SkerryError('SKERRY_CORRUPT', `a one-off record of ${length} bytes in a region of ${region.sizeBytes}`);
    }
    return region.u8.slice(REGION_HEADER_BYTES, REGION_HEADER_BYTES + length);
  }

  release(): void {
    for (const region of this.#regions.values()) region.release();
    this.#regions.clear();
    this.#ring?.release();
    this.#ring = undefined;
  }

  #find(regionId: number, kind: number): Region | undefined {
    const region = this.#regions.get(regionId);
    if (region === undefined) return undefined;
    if (region.kind !== kind)
      throw new SkerryError('SKERRY_CORRUPT', `region ${regionId} has kind ${region.kind}; announced was ${kind}`);
    return region;
  }
}

/** A region that was announced and never comes makes the channel corrupt. */
export class IntroductionTimer {
  readonly #onLate: (error: SkerryError) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onLate: (error: SkerryError) => void) {
    this.#onLate = onLate;
  }

  /** To be called after each look at the ring. */
  check(waiting: boolean): void {
    if (waiting === (this.#timer !== undefined)) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!waiting) return;
    this.#timer = setTimeout(() => {
      this.#onLate(
        new SkerryError('SKERRY_CORRUPT', `a region that a peer announced was not introduced within ${INTRODUCTION_MS} ms`),
      );
    }, INTRODUCTION_MS);
    this.#timer.unref();
  }
}
