// Channels as the kernel knows them: who talks to which slot, and the descriptors that a successor will need.
//
//   waiting ──instance ready──▶ introduced ──accept──▶ open
//      ▲                                                 │ instance died
//      └──────────── settled ◀───────── unsettled ◀──────┘
//
// The kernel keeps the client's base region and every region announced and not retired; the server's regions die with the instance.

import type { Descriptor } from '../memory/native.ts';
import type { RegionPurpose } from '../protocol/control.ts';
import type { Process } from './process-record.ts';
import type { Slot } from './slots.ts';

export interface KeptRegion {
  readonly id: number;
  readonly purpose: RegionPurpose;
  readonly start: number;
  readonly bytes: number;
  readonly descriptor: Descriptor;
}

export interface Channel {
  readonly id: number;
  readonly ref: number;
  readonly client: Process;
  readonly slot: Slot;
  readonly allowed: readonly string[] | true;
  /** The client's own, or that of the user it acts for. */
  readonly principal: string;
  /** The client's base region; undefined over streams. */
  readonly base: Descriptor | undefined;
  readonly regions: Map<number, KeptRegion>;
  state: 'waiting' | 'introduced' | 'open' | 'unsettled';
  from: number;
  startedCalls: number;
  suspects: { readonly count: number; readonly descriptor: Descriptor | undefined } | undefined;
  /** Interface that the client's unstarted calls were written for. */
  hash: number | undefined;
}

/** Where a successor's introduction begins: the ring that holds `from`, and what comes after it. */
export function regionsFrom(channel: Channel): { ring: KeptRegion | undefined; later: KeptRegion[] } {
  const all = [...channel.regions.values()];
  const rings = all.filter((region) => region.purpose === 'ring').sort((a, b) => a.start - b.start);
  let ring: KeptRegion | undefined;
  for (const candidate of rings) if (candidate.start <= channel.from) ring = candidate;
  const later = all.filter((region) => region !== ring && (region.purpose === 'oneOff' || region.start > channel.from));
  return { ring, later };
}
