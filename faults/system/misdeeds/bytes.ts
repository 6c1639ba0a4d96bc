// Bytes: bits of its own regions turn over, words of its rings too, it writes to memory of others, and babbles on its control socket.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { CLIENT_RING_OFFSET, ClientWord, SERVER_RING_OFFSET, ServerWord } from '../../../src/channel/ring/layout.ts';
import { StatusWord } from '../../../src/memory/status.ts';
import { RING_FIRST_BYTES } from '../../../src/protocol/limits.ts';
import type { Random } from '../../../test/fault/random.ts';
import type { Misdeed } from '../misdeed.ts';
import { mappedRegions, ownRegions, say, sayBytes } from '../own-hands.ts';
import { afterNextSend } from '../taps.ts';

const CLIENT_WORDS = [
  ClientWord.requestTail,
  ClientWord.publishedCalls,
  ClientWord.repliesTaken,
  ClientWord.clientParked,
  ClientWord.wantsRoom,
  ClientWord.controlTurn,
];
const SERVER_WORDS = Object.values(ServerWord);
const STATUS_WORDS = Object.values(StatusWord);
const STUCK_MAX_MS = 60;
const EDGES = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 16, 4096, 2 ** 20];

export const bytes: Readonly<Record<string, Misdeed>> = {
  /** 1 to 16 bits of one region, most often where records and words are; or 1 to 4 of a record that has just been published. */
  flips({ mark, random }) {
    const isOfRecord = random.chance(0.5);
    const [buffer, name] = random.pick(ownRegions());
    if (isOfRecord) return flipLastRecord(random, mark);
    const u8 = new Uint8Array(buffer);
    const bits = random.int(1, 16);
    mark();
    for (let n = 0; n < bits; n++) {
      const at = random.chance(0.5) ? random.int(0, Math.min(u8.length, 1_024) - 1) : random.int(0, u8.length - 1);
      u8[at] = (u8[at] as number) ^ (1 << random.int(0, 7));
    }
    return `${bits} bits of "${name}"`;
  },

  /** One word: a bit of it, or all; once, or again in each turn for a while, since the runtime soon writes the right value over it. */
  async words({ mark, random }) {
    const [buffer, name] = random.pick(ownRegions());
    const i32 = new Int32Array(buffer);
    const index = random.pick(wordsOf(name));
    const value = worse(i32[index] as number, random);
    const stuckMs = random.chance(0.5) ? random.int(5, STUCK_MAX_MS) : 0;
    mark();
    const before = Atomics.exchange(i32, index, value);
    for (const end = performance.now() + stuckMs; performance.now() < end; await nextTurn()) Atomics.store(i32, index, value);
    return `word ${index} of "${name}" from ${before} to ${value}${stuckMs > 0 ? `, for ${stuckMs} ms` : ''}`;
  },

  /** One word of a ring, and before anybody can have noticed it is dead: what the word says is what its clients go by. */
  'words-die'({ mark, random }) {
    const rings = ownRegions().filter(([, name]) => / (requests|replies) to /.test(name));
    const [buffer, name] = random.pick(rings);
    const i32 = new Int32Array(buffer);
    const index = random.pick(wordsOf(name));
    mark();
    Atomics.store(i32, index, worse(i32[index] as number, random));
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  },

  /** The boundary of fate moves back a little, and it is dead before anybody can have noticed. */
  'started-die'({ mark, random }) {
    const [buffer] = random.pick(ownRegions().filter(([, name]) => name.includes(' replies to ')));
    mark();
    Atomics.sub(new Int32Array(buffer), ServerWord.started, 16 * random.int(1, 40));
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  },

  foreign({ mark, random }) {
    const [buffer, name] = random.pick(mappedRegions());
    const u8 = new Uint8Array(buffer);
    mark();
    u8[random.int(0, u8.length - 1)] = random.u32();
    return `"${name}" could be written`;
  },

  babble({ mark, random }) {
    mark();
    const how = random.int(0, 2);
    if (how === 0) sayBytes(Uint8Array.from({ length: random.int(1, 300) }, () => random.u32()));
    else if (how === 1) say({ t: 'nonsense', n: random.u32() });
    else sayBytes(Buffer.from(JSON.stringify({ t: 'giveBack', bytes: 4_096 })).subarray(0, -random.int(1, 20)));
    return new Promise(() => {});
  },
};

/** Of whichever channel sends next. A reader that was quicker has not seen it. */
function flipLastRecord(random: Random, mark: () => void): Promise<string> {
  const before = new Map(ownRegions().map(([buffer, name]) => [buffer, tailOf(buffer, name)]));
  mark();
  return new Promise((resolve) => afterNextSend(() => resolve(flipRecord(random, before))));
}

/** Of the ring whose tail has moved. */
function flipRecord(random: Random, before: ReadonlyMap<ArrayBuffer, number | undefined>): string {
  for (const [buffer, name] of ownRegions()) {
    const tail = tailOf(buffer, name);
    if (tail === undefined || tail === before.get(buffer)) continue;
    const u8 = new Uint8Array(buffer);
    const bits = random.int(1, 4);
    for (let n = 0; n < bits; n++) {
      const at = ringOf(name) + ((tail - random.int(1, 64)) & (RING_FIRST_BYTES - 1));
      u8[at] = (u8[at] as number) ^ (1 << random.int(0, 7));
    }
    return `${bits} bits of a record of "${name}"`;
  }
  return 'nothing was sent';
}

function ringOf(name: string): number {
  return name.includes(' requests to ') ? CLIENT_RING_OFFSET : SERVER_RING_OFFSET;
}

/** Of the ring in a base region. */
function tailOf(buffer: ArrayBuffer, name: string): number | undefined {
  const i32 = new Int32Array(buffer);
  if (name.includes(' requests to ')) return i32[ClientWord.requestTail];
  return name.includes(' replies to ') ? i32[ServerWord.replyTail] : undefined;
}

function wordsOf(name: string): readonly number[] {
  if (name.includes(' requests to ')) return CLIENT_WORDS;
  if (name.includes(' replies to ')) return SERVER_WORDS;
  return STATUS_WORDS;
}

function worse(word: number, random: Random): number {
  if (random.chance(0.4)) return word ^ (1 << random.int(0, 31));
  if (random.chance(0.4)) return word + 16 * random.int(-64, 64); // a position near by: records are multiples of 16
  return random.chance(0.5) ? random.pick(EDGES) : random.u32() | 0;
}
