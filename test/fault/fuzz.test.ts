// Ring contents fuzzed, in both directions: whatever a hostile peer writes into its own memory, the reader ends in an answer or in
// SKERRY_CORRUPT, in bounded time and memory, and stays alive for its other channels.
//
//   SKERRY_FUZZ   mutations, 10,000 by default

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SkerryError } from '../../src/base/errors.ts';
import {
  CLIENT_REGION_BYTES,
  CLIENT_RING_OFFSET,
  ClientWord,
  SERVER_REGION_BYTES,
  SERVER_RING_OFFSET,
  ServerWord,
} from '../../src/channel/ring/layout.ts';
import type { Suspect } from '../../src/channel/transport.ts';
import { CALLS_MAX } from '../../src/protocol/limits.ts';
import { Kind } from '../../src/protocol/record.ts';
import { mutate, type Victim } from './hostile-peer.ts';
import { beyond, FROM, Random, SEED, seeded, steps } from './random.ts';
import { RingPair, RingWorld, turns } from './ring-pair.ts';
import { Watchdog } from './watchdog.ts';

const MUTATIONS = steps('SKERRY_FUZZ', 10_000);
const CLIENTS = Math.floor(MUTATIONS * 0.6);
const SERVERS = Math.floor(MUTATIONS * 0.4);
const SCRIBBLED = Math.ceil(MUTATIONS / 20);
const stepsOf = (count: number) => ({ timeout: 60_000 + MUTATIONS * 20, skip: beyond(count) });
/** Enough for what is published to be taken, run and answered. */
const QUIET_TURNS = 10;
/** What one mutation may make the reader hold: a one-off region of the largest size is copied once. */
const MEMORY_MAX_BYTES = 200 * 1024 * 1024;
const POSITIONS = [0, 16, 2 ** 31 - 64, 2 ** 32 - 64, 2 ** 32, 2 ** 40 - 16 * 1024];
/** A value by reference is told apart from nonsense. */
const CODES = ['SKERRY_CORRUPT', 'SKERRY_UNSUPPORTED'];

const world = new RingWorld();
let watchdog: Watchdog;
let healthy: RingPair;

before(async () => {
  watchdog = new Watchdog();
  healthy = await RingPair.make(world);
});

after(async () => {
  healthy.close(over());
  await watchdog.stop();
});

test('a hostile client: 3 in 5 of the mutations', stepsOf(CLIENTS), (t) =>
  seeded(async () => {
    const seen = new Map<string, number>();
    for (let step = FROM; step < CLIENTS; step++) tally(seen, await attackServer(step));
    t.diagnostic(
      `seed ${SEED}: ${[...seen]
        .sort()
        .map(([name, times]) => `${name} ${times}`)
        .join(', ')}`,
    );
    assert.ok((seen.get('SKERRY_CORRUPT') ?? 0) > 0 && (seen.get('answered') ?? 0) > 0);
  }),
);

test('a hostile server: 2 in 5 of the mutations', stepsOf(SERVERS), (t) =>
  seeded(async () => {
    const seen = new Map<string, number>();
    for (let step = FROM; step < SERVERS; step++) tally(seen, await attackClient(step));
    t.diagnostic(
      `seed ${SEED}: ${[...seen]
        .sort()
        .map(([name, times]) => `${name} ${times}`)
        .join(', ')}`,
    );
    assert.ok((seen.get('SKERRY_CORRUPT') ?? 0) > 0 && (seen.get('answered') ?? 0) > 0);
  }),
);

test('a peer that changes bytes while they are read', stepsOf(SCRIBBLED), (t) =>
  seeded(async () => {
    const seen = new Map<string, number>();
    const clientMemory = new SharedArrayBuffer(CLIENT_REGION_BYTES) as unknown as ArrayBuffer;
    const serverMemory = new SharedArrayBuffer(SERVER_REGION_BYTES) as unknown as ArrayBuffer;
    const scribbler = startScribbler([
      { memory: clientMemory, ringOffset: CLIENT_RING_OFFSET, tailWord: ClientWord.requestTail },
      { memory: serverMemory, ringOffset: SERVER_RING_OFFSET, tailWord: ServerWord.replyTail },
    ]);
    try {
      for (let step = FROM; step < SCRIBBLED; step++) {
        tally(seen, await scribbled(step, step % 2 === 0 ? { clientMemory } : { serverMemory }));
      }
    } finally {
      await scribbler.terminate();
    }
    t.diagnostic(
      `seed ${SEED}: ${[...seen]
        .sort()
        .map(([name, times]) => `${name} ${times}`)
        .join(', ')}`,
    );
  }),
);

/** The client's memory is hostile; what the server makes of it. */
async function attackServer(step: number): Promise<string> {
  const random = new Random(SEED, step);
  const position = random.pick(POSITIONS);
  const suspects = random.chance(0.1) ? someSuspects(random) : undefined;
  const pair = await RingPair.make(world, {
    position,
    ...(suspects === undefined ? {} : { suspects, suspectCount: random.chance(0.7) ? suspects.length : random.int(1, 2_000) }),
    onSuspects: (region) => {
      for (let n = random.int(0, 6); n > 0; n--) {
        const at = random.int(64, region.sizeBytes - 1);
        region.u8[at] = random.u32();
      }
    },
  });
  const victim: Victim = {
    region: pair.clientRegion,
    tailWord: ClientWord.requestTail,
    ringOffset: CLIENT_RING_OFFSET,
    position,
    words: [
      ClientWord.publishedCalls,
      ClientWord.repliesTaken,
      ClientWord.clientParked,
      ClientWord.wantsRoom,
      ClientWord.controlTurn,
      ClientWord.cancelled + CALLS_MAX - 1,
      ClientWord.credit + CALLS_MAX - 1,
    ],
    kinds: [Kind.call, Kind.notify],
    introduce: (region) => setImmediate(() => pair.serverBroken === undefined && pair.server.introduce(region)),
  };
  return attack(step, pair, victim, random, () => pair.serverBroken);
}

/** The server's memory is hostile; what the client makes of it. */
async function attackClient(step: number): Promise<string> {
  const random = new Random(SEED ^ 0x5bd1e995, step);
  const pair = await RingPair.make(world, { position: random.pick(POSITIONS) });
  const victim: Victim = {
    region: pair.serverRegion,
    tailWord: ServerWord.replyTail,
    ringOffset: SERVER_RING_OFFSET,
    position: 0,
    words: [
      ServerWord.started,
      ServerWord.startedCopy,
      ServerWord.startedCalls,
      ServerWord.suspectsStarted,
      ServerWord.serverParked,
      ServerWord.wantsReplyRoom,
    ],
    kinds: [Kind.reply, Kind.error, Kind.item, Kind.end],
    introduce: (region) => setImmediate(() => pair.clientBroken === undefined && pair.client.introduce(region)),
  };
  return attack(step, pair, victim, random, () => pair.clientBroken);
}

async function attack(
  step: number,
  pair: RingPair,
  victim: Victim,
  random: Random,
  broken: () => SkerryError | undefined,
): Promise<string> {
  watchdog.beat(step);
  const memory = held();
  const calls = converse(pair, random);
  await turns(random.int(0, 3));
  const done: string[] = [];
  for (let n = random.int(1, 3); n > 0; n--) done.push(mutate(victim, random));
  const more = random.chance(0.5) ? converse(pair, random) : [];
  setImmediate(world.poller.onBell);
  const beside = answerBeside(step);
  await turns(QUIET_TURNS);
  if (random.chance(0.2)) pair.channel.died({ reason: 'ended by the test', ordered: random.chance(0.5) });
  const context = `step ${step}: ${done.join(', ')}`;
  return settle(pair, [...calls, ...more], beside, step, broken(), memory, context);
}

async function scribbled(step: number, memory: { clientMemory?: ArrayBuffer; serverMemory?: ArrayBuffer }): Promise<string> {
  watchdog.beat(step);
  const before = held();
  const random = new Random(SEED ^ 0x27d4eb2f, step);
  const [shared] = Object.values(memory) as [ArrayBuffer];
  new Uint8Array(shared).fill(0);
  const pair = await RingPair.make(world, memory);
  const calls = converse(pair, random);
  const beside = answerBeside(step);
  for (let n = 0; n < 4; n++) {
    await turns(3);
    calls.push(...converse(pair, random));
  }
  setImmediate(world.poller.onBell);
  await turns(QUIET_TURNS);
  return settle(pair, calls, beside, step, pair.serverBroken ?? pair.clientBroken, before, `step ${step}: scribbled`);
}

async function settle(
  pair: RingPair,
  calls: readonly Promise<unknown>[],
  beside: Promise<unknown>,
  step: number,
  broken: SkerryError | undefined,
  memory: number,
  context: string,
): Promise<string> {
  assert.ok(held() - memory < MEMORY_MAX_BYTES, `${context}: ${Math.round((held() - memory) / 1e6)} MB held`);
  for (const error of [pair.clientBroken, pair.serverBroken]) {
    if (error !== undefined) assert.ok(error instanceof SkerryError && CODES.includes(error.code), `${context}: ${error.stack}`);
  }
  pair.close(broken ?? over());
  const outcomes = await Promise.allSettled(calls);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected')
      assert.ok(outcome.reason instanceof Error, `${context}: rejected with ${String(outcome.reason)}`);
  }
  for (let n = 0; n < 50 && world.dispatcher.running > 0; n++) await turns(2);
  assert.equal(world.dispatcher.running, 0, `${context}: handlers are counted as running`);
  assert.equal(await beside, step, `${context}: the other channel has no answer`);
  return broken?.code ?? (outcomes.some(({ status }) => status === 'fulfilled') ? 'answered' : 'unanswered');
}

/** Some honest traffic. */
function converse(pair: RingPair, random: Random): Promise<unknown>[] {
  const calls: Promise<unknown>[] = [];
  for (let n = random.int(0, 5); n > 0; n--) {
    const bytes = new Uint8Array(random.chance(0.97) ? random.int(0, 3_000) : random.int(3_000, 40_000));
    const value = random.pick<unknown>([
      1,
      'text',
      { id: 1, name: 'alice', tags: ['a', 'b'] },
      bytes,
      [new Map([[1, new Date(0)]])],
    ]);
    const how = random.int(0, 6);
    if (how === 0) calls.push(pair.notify(value));
    else if (how === 1) calls.push(drain(pair, random));
    else calls.push(pair.call(random.pick(['echo', 'later', 'fails']), [value], random.chance(0.3)));
  }
  for (const call of calls) call.catch(() => {});
  return calls;
}

async function drain(pair: RingPair, random: Random): Promise<number> {
  let items = 0;
  const most = random.int(0, 60);
  for await (const _item of pair.stream(random.int(0, 50))) {
    items += 1;
    if (items >= most) break;
  }
  return items;
}

function someSuspects(random: Random): Suspect[] {
  return Array.from({ length: random.int(1, 4) }, (_, index) => {
    const payload = new Uint8Array(random.int(11, 60)).fill(1);
    payload.fill(0, 0, 8);
    payload.set([0x1d, 1], 8);
    return {
      callId: CALLS_MAX * 2 + index,
      method: random.int(0, 3),
      payload: payload.subarray(0, random.chance(0.7) ? 11 : payload.length),
      flags: 0,
    };
  });
}

/** Calls the same server over another channel. @returns its answer, its error, or undefined when none has come after many turns. */
async function answerBeside(step: number): Promise<unknown> {
  let value: unknown;
  healthy.call('echo', [step]).then(
    (result) => {
      value = result;
    },
    (error) => {
      value = error;
    },
  );
  for (let n = 0; n < 200 && value === undefined; n++) await turns(1);
  return value;
}

/** A thread that goes on changing memory: mostly payloads, sometimes headers and tails. */
function startScribbler(targets: readonly { memory: ArrayBuffer; ringOffset: number; tailWord: number }[]): Worker {
  const code = `
    const { workerData: { targets, seed } } = require('node:worker_threads');
    let state = seed >>> 0;
    const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 4;
    for (;;) {
      for (const { memory, ringOffset, tailWord } of targets) {
        const u8 = new Uint8Array(memory), i32 = new Int32Array(memory);
        for (let i = 0; i < 20; i++) {
          const at = random() % 2048;
          if (at % 64 >= 16 || random() % 50 === 0) u8[ringOffset + at] = random();
        }
        if (random() % 500 === 0) Atomics.add(i32, tailWord, (random() % 9 - 4) * 16);
      }
      const pause = random() % 2000;
      for (let i = 0; i < pause; i++) Atomics.load(new Int32Array(targets[0].memory), 0);
    }`;
  return new Worker(code, { eval: true, workerData: { targets, seed: SEED } });
}

function over(): SkerryError {
  return new SkerryError('SKERRY_ABORTED', 'the test closes this channel');
}

function held(): number {
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  return heapUsed + arrayBuffers + external;
}

function tally(seen: Map<string, number>, name: string): void {
  seen.set(name, (seen.get(name) ?? 0) + 1);
}
