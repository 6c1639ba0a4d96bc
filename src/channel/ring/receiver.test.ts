// A region that a peer has announced in its ring: the reader waits for its introduction, and not for ever.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { memoryRegion } from '../../../test/fault/memory-region.ts';
import { type OwnRegion, RegionKind } from '../../memory/region.ts';
import { INTRODUCTION_MS } from '../../protocol/limits.ts';
import { Kind } from '../../protocol/record.ts';
import { Encoder } from '../codec/encoder.ts';
import type { Poller } from '../poller.ts';
import type { ClientEvents, ServerEvents } from '../transport.ts';
import { RingClientEnd } from './client-end.ts';
import {
  CLIENT_REGION_BYTES,
  CLIENT_RING_OFFSET,
  ClientWord,
  RING_OFFSET,
  ringArea,
  SERVER_REGION_BYTES,
  SERVER_RING_OFFSET,
  ServerWord,
} from './layout.ts';
import type { RegionHost } from './sender.ts';
import { RingServerEnd } from './server-end.ts';
import { RingWriter } from './writer.ts';

const NEXT_BYTES = 65_536;
const host: RegionHost = { makeRegion: () => new Promise(() => {}), offer: () => {}, retire: () => {} };
/** Nobody looks unless the test does. */
const poller = { add() {}, remove() {}, wake() {}, expect() {} } as unknown as Poller;

/** One end of a channel, and its peer's writer. */
interface Rig {
  readonly writer: RingWriter;
  readonly end: { poll(max: number): number; introduce(region: OwnRegion): void; close(): void };
  readonly said: (number | string | undefined)[];
}

function serverRig(): Rig {
  const client = memoryRegion(RegionKind.client, CLIENT_REGION_BYTES);
  const said: Rig['said'] = [];
  const events = {
    ready: () => true,
    onStart: () => {},
    onRequest: (_kind, _flags, _method, callId) => said.push(callId),
    onControl: () => {},
    onUnsent: () => {},
    onCorrupt: (error) => said.push(error.code),
  } satisfies ServerEvents;
  const end = new RingServerEnd({
    client,
    own: memoryRegion(RegionKind.server, SERVER_REGION_BYTES),
    host,
    poller,
    events,
    from: 0,
    startedCalls: 0,
    ring: () => {},
    suspects: undefined,
    ringRegion: undefined,
    onClose: () => {},
  });
  const area = ringArea(client.buffer, client.id, CLIENT_RING_OFFSET, 16_384, 0);
  return { end, said, writer: new RingWriter(area, client.i32, ClientWord.requestTail) };
}

function clientRig(): Rig {
  const server = memoryRegion(RegionKind.server, SERVER_REGION_BYTES);
  const said: Rig['said'] = [];
  const events: ClientEvents = {
    onRecord: (_kind, _flags, callId) => said.push(callId),
    onUnsent: () => {},
    onCorrupt: (error) => said.push(error.code),
  };
  const end = new RingClientEnd(memoryRegion(RegionKind.client, CLIENT_REGION_BYTES), host, poller, events);
  const area = ringArea(server.buffer, server.id, SERVER_RING_OFFSET, 16_384, 0);
  const writer = new RingWriter(area, server.i32, ServerWord.replyTail);
  end.attach(server, undefined, () => {});
  return { end, said, writer };
}

/** The peer goes on in another ring, with record 2; the end has come to the switch, and waits. */
function announced(t: TestContext, makeRig: () => Rig): Rig & { readonly next: OwnRegion } {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rig = makeRig();
  t.after(() => rig.end.close());
  const put = (callId: number) =>
    rig.writer.write(new Encoder(), Kind.call, 0, 0, callId, (encoder) => encoder.args([]), undefined);
  put(1);
  const next = memoryRegion(RegionKind.ring, RING_OFFSET + NEXT_BYTES);
  rig.writer.switchTo(next.id, (start) => ringArea(next.buffer, next.id, RING_OFFSET, NEXT_BYTES, start));
  put(2);
  rig.end.poll(10);
  assert.deepEqual(rig.said, [1]);
  return { ...rig, next };
}

for (const [name, makeRig] of [
  ['server', serverRig],
  ['client', clientRig],
] as const) {
  test(`${name} end: a region that is announced and never introduced makes the channel corrupt, once`, (t) => {
    const { said, end } = announced(t, makeRig);
    end.poll(10);
    t.mock.timers.tick(INTRODUCTION_MS - 1);
    assert.deepEqual(said, [1]);
    t.mock.timers.tick(1);
    assert.deepEqual(said, [1, 'SKERRY_CORRUPT']);
    t.mock.timers.tick(10 * INTRODUCTION_MS);
    assert.equal(said.length, 2);
  });

  test(`${name} end: one that is introduced in time does not, however late the end looks again`, (t) => {
    const { said, end, next } = announced(t, makeRig);
    t.mock.timers.tick(INTRODUCTION_MS - 1);
    end.introduce(next);
    t.mock.timers.tick(10 * INTRODUCTION_MS);
    assert.deepEqual(said, [1]);
    end.poll(10);
    assert.deepEqual(said, [1, 2]);
  });

  test(`${name} end: a channel that is closed meanwhile says nothing`, (t) => {
    const { said, end } = announced(t, makeRig);
    end.close();
    t.mock.timers.tick(10 * INTRODUCTION_MS);
    assert.deepEqual(said, [1]);
  });
}
