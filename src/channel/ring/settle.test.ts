// What is published without a fence while an end is polled: the peer may have fallen asleep at that moment without being seen, and is rung for
// when the end makes up for it. In one isolate all stores are seen at once, so the peer's words are set by hand, after the look.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryRegion } from '../../../test/fault/memory-region.ts';
import { type OwnRegion, RegionKind } from '../../memory/region.ts';
import { Kind } from '../../protocol/record.ts';
import type { Encoder } from '../codec/encoder.ts';
import { type Pollable, Poller } from '../poller.ts';
import type { ClientEvents, ServerEvents } from '../transport.ts';
import { RingClientEnd } from './client-end.ts';
import { CLIENT_REGION_BYTES, CLIENT_RING_OFFSET, ClientWord, ringArea, SERVER_REGION_BYTES, ServerWord } from './layout.ts';
import type { RegionHost } from './sender.ts';
import { prepareServerRegion, RingServerEnd } from './server-end.ts';
import { RingWriter } from './writer.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const noArguments = (encoder: Encoder): void => encoder.args([]);
const host: RegionHost = { makeRegion: () => Promise.reject(new Error('none')), offer: () => {}, retire: () => {} };
const nothing = new Proxy({}, { get: () => () => false }) as ClientEvents & ServerEvents;
const AWAKE = 2;
const ASLEEP = 3;

/** Where records are published with a fence whoever polls (order.ts), there is nothing to tell apart. */
const ALWAYS_FENCED = process.arch !== 'x64' || process.env.SKERRY_ORDER === 'atomics';

const region = (bytes: number): OwnRegion => memoryRegion(RegionKind.client, bytes);

interface Rig {
  readonly end: RingClientEnd | RingServerEnd;
  readonly poller: Poller;
  publish(): void;
  /** The peer's `parked`. */
  set(parked: number): void;
  /** This end's own `parked`. */
  parked(): number;
  /** The peer publishes something. */
  comes(): void;
  /** The peer takes all that was published. */
  take(): void;
  rings(): number;
}

function clientRig(): Rig {
  const poller = new Poller(2, () => {});
  const [own, replies] = [region(CLIENT_REGION_BYTES), region(SERVER_REGION_BYTES)];
  prepareServerRegion(replies, 0, 0);
  let rings = 0;
  const end = new RingClientEnd(own, host, poller, nothing);
  end.attach(replies, undefined, () => void rings++);
  return {
    end,
    poller,
    publish: () => void end.send(Kind.call, 0, 0, 1024, noArguments, undefined),
    set(parked) {
      replies.i32[ServerWord.serverParked] = parked;
    },
    parked: () => own.i32[ClientWord.clientParked] as number,
    comes() {
      replies.i32[ServerWord.replyTail] = 16;
    },
    take() {
      replies.i32[ServerWord.started] = own.i32[ClientWord.requestTail] as number;
    },
    rings: () => rings,
  };
}

function serverRig(events = nothing): Rig & { readonly client: OwnRegion } {
  const poller = new Poller(2, () => {});
  const [client, own] = [region(CLIENT_REGION_BYTES), region(SERVER_REGION_BYTES)];
  prepareServerRegion(own, 0, 0);
  let rings = 0;
  const more = { from: 0, startedCalls: 0, suspects: undefined, ringRegion: undefined, onClose: () => {} };
  const end = new RingServerEnd({ client, own, host, poller, events, ring: () => void rings++, ...more });
  end.start();
  return {
    end,
    poller,
    client,
    publish: () => end.send(Kind.reply, 1024, noArguments, undefined),
    set(parked) {
      client.i32[ClientWord.clientParked] = parked;
    },
    parked: () => own.i32[ServerWord.serverParked] as number,
    comes() {
      client.i32[ClientWord.controlTurn] = 1;
    },
    take() {
      client.i32[ClientWord.repliesTaken] = own.i32[ServerWord.replyTail] as number;
    },
    rings: () => rings,
  };
}

for (const [side, make] of [
  ['client', clientRig],
  ['server', serverRig],
] as const) {
  const unseen = (): Rig => {
    const rig = make();
    rig.set(AWAKE);
    assert.equal(rig.end.hot, true, 'it is polled');
    rig.publish();
    rig.set(ASLEEP);
    assert.equal(rig.rings(), 0, 'the look came too early');
    return rig;
  };

  test(`a ${side} that is polled makes up for its look with the next turn, once`, async () => {
    const rig = unseen();
    await turn();
    assert.equal(rig.rings(), 1);
    await turn();
    assert.equal(rig.rings(), 1);
    rig.end.close();
  });

  test(`a ${side} makes up for its look before it parks, and before it closes`, () => {
    const parks = unseen();
    parks.end.park();
    assert.equal(parks.rings(), 1);
    parks.end.close();
    const closes = unseen();
    closes.end.close();
    assert.equal(closes.rings(), 1);
  });

  test(`a ${side} that sleeps on begins another epoch, and sees what came meanwhile`, () => {
    const rig = make();
    rig.poller.remove(rig.end);
    rig.end.park();
    const before = rig.parked();
    assert.equal(before & 1, 1);
    assert.equal(rig.end.parkAnew(), true);
    assert.equal(rig.parked(), before + 2);
    rig.comes();
    assert.equal(rig.end.parkAnew(), false);
    assert.equal(rig.parked(), before + 4, 'still announced');
    rig.end.close();
  });

  test(`a ${side} does not wake a peer that has taken all and sleeps again`, async () => {
    const rig = unseen();
    rig.take();
    await turn();
    assert.equal(rig.rings(), 0);
    rig.publish();
    assert.equal(rig.rings(), 1, 'what comes later it is rung for');
    rig.end.close();
  });

  test(`a ${side} that is not polled publishes with a fence: nothing is left to make up for`, {
    skip: ALWAYS_FENCED && 'each record has its fence here',
  }, (t) => {
    const rig = make();
    rig.poller.remove(rig.end);
    rig.set(AWAKE);
    const { mock } = t.mock.method(Atomics, 'store');
    rig.publish();
    const tail = side === 'client' ? ClientWord.requestTail : ServerWord.replyTail;
    assert.equal(mock.calls.filter(({ arguments: [, word] }) => word === tail).length, 1);
    rig.set(ASLEEP);
    rig.end.settle();
    assert.equal(rig.rings(), 0);
    rig.end.close();
  });
}

test('who is polled and has no work makes up for its looks before the poller looks for more', async () => {
  const did: string[] = [];
  const poller = new Poller(2, () => {});
  const idle: Pollable = {
    hot: false,
    lastWorkMs: 0,
    expects: () => true,
    hasWork: () => did.push('look') < 0,
    poll: () => 0,
    settle: () => void did.push('settle'),
    park: () => did.push('park') > 0,
    parkAnew: () => true,
    unpark: () => {},
    mayBeLate: () => true,
  };
  poller.add(idle);
  poller.wake(idle);
  await turn();
  assert.deepEqual(did.slice(0, 3), ['park', 'look', 'settle']);
  poller.remove(idle);
});

/** Requests of the client, written by hand. */
function publishCalls(client: OwnRegion, count: number): void {
  const area = ringArea(client.buffer, client.id, CLIENT_RING_OFFSET, 4096, 0);
  const writer = new RingWriter(area, client.i32, ClientWord.requestTail);
  const payload = new Uint8Array(16);
  for (let n = 0; n < count; n++) writer.put(Kind.call, 0, 0, 1024 + n, payload);
}

const ready = { onStart() {}, onControl() {}, onRequest() {}, ready: () => true } as unknown as ServerEvents;

test('a client that wants room, and fell asleep as its requests were started, is rung for', () => {
  const rig = serverRig(ready as typeof nothing);
  publishCalls(rig.client, 1);
  rig.set(AWAKE);
  assert.equal((rig.end as RingServerEnd).poll(10), 1);
  rig.client.i32[ClientWord.wantsRoom] = 1;
  rig.set(ASLEEP);
  assert.equal(rig.rings(), 0);
  rig.end.settle();
  assert.equal(rig.rings(), 1);
  rig.end.close();
});

test('a handler that takes its time keeps no answer that came before it from a client that fell asleep', () => {
  const rungAt: number[] = [];
  const events = { ...ready, ready: () => true, onRequest: () => void rungAt.push(rig.rings()) } as unknown as typeof nothing;
  const rig = serverRig(events);
  publishCalls(rig.client, 1);
  rig.set(AWAKE);
  rig.publish();
  rig.set(ASLEEP);
  (rig.end as RingServerEnd).poll(10);
  assert.deepEqual(rungAt, [1]);
  rig.end.close();
});
