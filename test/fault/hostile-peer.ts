// What a hostile peer may do to its own memory: mutations of a region, of the ring in it, and of what it announces there.

import { extendPosition } from '../../src/channel/ring/layout.ts';
import { type OwnRegion, REGION_HEADER_BYTES, RegionKind } from '../../src/memory/region.ts';
import { CALLS_MAX, RECORD_MAX_BYTES, RING_FIRST_BYTES } from '../../src/protocol/limits.ts';
import { checkWord, Flag, HEADER_BYTES, headWord, Kind, recordBytes } from '../../src/protocol/record.ts';
import { memoryRegion } from './memory-region.ts';
import type { Random } from './random.ts';

/** Where a peer's ring is, and the words beside it. */
export interface Victim {
  readonly region: OwnRegion;
  readonly tailWord: number;
  readonly ringOffset: number;
  /** The reader's position when the ring was made. */
  readonly position: number;
  /** Indexes of the words that the other side reads. */
  readonly words: readonly number[];
  /** Kinds of records that the other side expects. */
  readonly kinds: readonly number[];
  /** Has a region introduced to the other side. */
  readonly introduce: (region: OwnRegion) => void;
}

const EDGES = [
  0,
  1,
  2,
  8,
  15,
  16,
  17,
  31,
  32,
  64,
  255,
  256,
  4095,
  4096,
  16_368,
  16_384,
  65_535,
  65_536,
  2 ** 20,
  2 ** 21,
  2 ** 26,
  2 ** 31 - 1,
];

/** @returns the name of what was done. */
export function mutate(victim: Victim, random: Random): string {
  const [name, run] = random.pick(MUTATIONS);
  run(victim, random);
  return name;
}

type Mutation = (victim: Victim, random: Random) => void;

const MUTATIONS: readonly (readonly [string, Mutation])[] = [
  ['payload bytes', (victim, random) => scribble(victim, random, random.int(1, 8))],
  ['many bytes', (victim, random) => scribble(victim, random, random.int(64, 4_096))],
  ['a header word', (victim, random) => headerWord(victim, random, false)],
  ['a header word, with its check', (victim, random) => headerWord(victim, random, true)],
  ['the tail', (victim, random) => store(victim, victim.tailWord, position(victim, random))],
  ['a word', (victim, random) => store(victim, random.pick(victim.words), word(victim, random))],
  [
    'all words',
    (victim, random) => {
      for (const index of victim.words) store(victim, index, word(victim, random));
    },
  ],
  ['a forged record', (victim, random) => append(victim, forged(victim, random))],
  [
    'forged records',
    (victim, random) => {
      for (let n = random.int(2, 40); n > 0; n--) append(victim, forged(victim, random));
    },
  ],
  ['a replayed record', replay],
  ['a switch record', switchRing],
  ['a one-off announcement', oneOff],
  ['deep nesting', (victim, random) => append(victim, { ...forged(victim, random), payload: nested(random) })],
  ['a claim of many items', (victim, random) => append(victim, { ...forged(victim, random), payload: claims(random) })],
];

interface Forged {
  readonly kind: number;
  readonly flags: number;
  readonly method: number;
  readonly callId: number;
  readonly payload: Uint8Array;
}

function edge(random: Random): number {
  const value = random.chance(0.7) ? random.pick(EDGES) : random.u32();
  return random.chance(0.3) ? -value | 0 : value | 0;
}

function word(victim: Victim, random: Random): number {
  return random.chance(0.5) ? edge(random) : position(victim, random);
}

/** A position near the true one, backwards, beyond, unaligned, or anywhere. */
function position(victim: Victim, random: Random): number {
  const tail = Atomics.load(victim.region.i32, victim.tailWord);
  return (random.chance(0.8) ? tail + edge(random) : edge(random)) | 0;
}

function store(victim: Victim, index: number, value: number): void {
  Atomics.store(victim.region.i32, index, value);
}

function tailOf(victim: Victim): number {
  return extendPosition(victim.position, Atomics.load(victim.region.i32, victim.tailWord));
}

function scribble({ region, ringOffset }: Victim, random: Random, bytes: number): void {
  const from = random.chance(0.8) ? random.int(0, 512) : random.int(0, RING_FIRST_BYTES - 1);
  for (let i = 0; i < bytes; i++)
    region.u8[ringOffset + ((from + (bytes > 8 ? i : random.int(0, 64))) % RING_FIRST_BYTES)] = random.u32();
}

function headerWord(victim: Victim, random: Random, withCheck: boolean): void {
  const { region, ringOffset } = victim;
  // Records begin at multiples of 16: most of these places hold one.
  const at = random.int(0, 31) * 16;
  const index = (ringOffset + at) >> 2;
  region.i32[index + random.int(0, 3)] = edge(random);
  if (!withCheck) return;
  const [length, head, callId] = region.i32.subarray(index, index + 3) as unknown as [number, number, number];
  region.i32[index + 3] = checkWord(length, head, callId, victim.position + at);
}

/** Publishes a record that is valid as far as its header goes. */
function append(victim: Victim, { kind, flags, method, callId, payload }: Forged): void {
  const { region, ringOffset, tailWord } = victim;
  let tail = tailOf(victim);
  let at = tail & (RING_FIRST_BYTES - 1);
  const bytes = recordBytes(payload.length);
  const write = (length: number, head: number, id: number): void => {
    const index = (ringOffset + at) >> 2;
    region.i32.set([length, head, id, checkWord(length, head, id | 0, tail)], index);
  };
  if (at % 16 !== 0) return;
  if (at + bytes > RING_FIRST_BYTES) {
    write(RING_FIRST_BYTES - at - HEADER_BYTES, headWord(Kind.pad, 0, 0), 0);
    tail += RING_FIRST_BYTES - at;
    at = 0;
  }
  write(payload.length, headWord(kind, flags, method), callId);
  region.u8.set(payload, ringOffset + at + HEADER_BYTES);
  Atomics.store(region.i32, tailWord, (tail + bytes) | 0);
}

function forged(victim: Victim, random: Random): Forged {
  return {
    kind: random.chance(0.8) ? random.pick(victim.kinds) : random.int(0, 255),
    flags: random.chance(0.7) ? 0 : random.int(0, 255),
    method: random.chance(0.7) ? random.int(0, 4) : random.int(0, 65_535),
    callId: random.chance(0.7) ? CALLS_MAX + (CALLS_MAX - 1 - random.int(0, 8)) : random.u32(),
    payload: random.chance(0.5) ? garbage(random, random.int(0, 300)) : plausible(random),
  };
}

function garbage(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random.u32();
  return bytes;
}

/** A deadline of none and a start of arguments or of a value, then tags of the codec. */
function plausible(random: Random): Uint8Array {
  const bytes = garbage(random, random.int(10, 120));
  if (random.chance(0.5)) bytes.fill(0, 0, 8);
  const start = random.chance(0.5) ? 8 : 0;
  bytes[start] = random.pick([0x1d, 0x1e]);
  for (let i = start + 1; i < bytes.length; i++) if (random.chance(0.6)) bytes[i] = random.int(0, 0x20);
  return bytes;
}

function nested(random: Random): Uint8Array {
  const bytes = new Uint8Array(random.int(16, 8_000)).fill(random.pick([0x21, 0x0d, 0x10, 0x11, 0x14]));
  bytes.fill(0, 0, 8);
  bytes[8] = 0x1d;
  bytes[9] = 1;
  return bytes;
}

/** Arrays, strings and holes of lengths that are not there. */
function claims(random: Random): Uint8Array {
  const bytes = garbage(random, random.int(24, 200)).fill(0, 0, 8);
  bytes.set([0x1e, 1], 8);
  let at = 10;
  while (at + 8 < bytes.length) {
    bytes.set([random.pick([0x0e, 0x0a, 0x0b, 0x15, 0x16, 0x0f]), 0xff, 0xff, 0xff, 0xff, random.int(0, 15), 0x0f, 0x0c], at);
    at += random.int(6, 8);
  }
  return bytes;
}

function replay(victim: Victim, random: Random): void {
  const { region, ringOffset, tailWord } = victim;
  const tail = tailOf(victim);
  const at = tail & (RING_FIRST_BYTES - 1);
  const bytes = random.int(1, 8) * 16;
  if (at % 16 !== 0 || at + bytes > RING_FIRST_BYTES) return;
  region.u8.copyWithin(ringOffset + at, ringOffset, ringOffset + bytes);
  Atomics.store(region.i32, tailWord, (tail + bytes) | 0);
}

function switchRing(victim: Victim, random: Random): void {
  const tail = tailOf(victim);
  const capacity = random.pick([4_096, 16_384, 65_536, 0, 4_097, 12_288, 2 ** 21]);
  const region = memoryRegion(random.chance(0.8) ? RegionKind.ring : RegionKind.oneOff, 4_096 + capacity);
  const start = random.chance(0.6)
    ? tail + 32
    : random.chance(0.5)
      ? tail + edge(random)
      : random.pick([Number.NaN, -1, 2 ** 53, Number.POSITIVE_INFINITY]);
  const payload = new Uint8Array(random.chance(0.9) ? 16 : random.int(0, 64));
  const view = new DataView(payload.buffer);
  if (payload.length >= 16) {
    view.setInt32(0, random.chance(0.8) ? region.id : edge(random), true);
    view.setFloat64(8, start, true);
  }
  for (let i = 0; i < 32; i++) region.u8[(4_096 + i) % region.sizeBytes] = random.u32();
  append(victim, { kind: Kind.switch, flags: 0, method: 0, callId: 0, payload });
  if (random.chance(0.8)) victim.introduce(region);
  if (random.chance(0.5)) Atomics.store(victim.region.i32, victim.tailWord, (tail + 32 + random.int(0, 8) * 16) | 0);
}

function oneOff(victim: Victim, random: Random): void {
  const region = memoryRegion(
    random.chance(0.8) ? RegionKind.oneOff : RegionKind.ring,
    REGION_HEADER_BYTES + random.int(0, 20_000),
  );
  for (let i = 0; i < 256; i++) region.u8[REGION_HEADER_BYTES + i] = random.chance(0.5) ? 0 : random.u32();
  const size = random.chance(0.5)
    ? random.int(0, region.sizeBytes - REGION_HEADER_BYTES)
    : random.chance(0.5)
      ? RECORD_MAX_BYTES + random.int(-1, 1)
      : edge(random);
  const payload = new Uint8Array(random.chance(0.9) ? 8 : random.int(0, 40));
  if (payload.length >= 8) new Int32Array(payload.buffer, 0, 2).set([random.chance(0.8) ? region.id : edge(random), size]);
  append(victim, { ...forged(victim, random), flags: Flag.oneOff | (random.chance(0.2) ? Flag.extra : 0), payload });
  if (random.chance(0.8)) victim.introduce(region);
}
