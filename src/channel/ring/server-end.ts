// The server's end of a channel over shared memory. See layout.ts for the words and transport.ts for the contract.
//
// For each request: the reader checks the record and copies it out; `started` is stored behind it; only then it is decoded and run.
// That one word is the boundary of fate and the client's credit; it is right as both only because the copy came first.

import { nowMs } from '../../base/clock.ts';
import { SkerryError } from '../../base/errors.ts';
import { fence, loadAcquire, storeRelease } from '../../memory/order.ts';
import { type OwnRegion, REGION_HEADER_BYTES, type Region } from '../../memory/region.ts';
import { BATCH_MS, CALLS_MAX, RING_FIRST_BYTES } from '../../protocol/limits.ts';
import { checkWord, HEADER_BYTES, Kind, recordBytes } from '../../protocol/record.ts';
import { Decoder } from '../codec/decoder.ts';
import type { Pollable, Poller } from '../poller.ts';
import type { BodyWriter, ServerEnd, ServerEvents } from '../transport.ts';
import { Bell, ParkedWord } from './bell.ts';
import { CLIENT_RING_OFFSET, ClientWord, ringArea, SERVER_RING_OFFSET, ServerWord } from './layout.ts';
import { RingReader } from './reader.ts';
import { IntroductionTimer, ReceivedRegions } from './receiver.ts';
import { type RegionHost, RingSender } from './sender.ts';
import { RingWriter } from './writer.ts';

export interface RingServerOptions {
  /** The client's base region, read-only. */
  readonly client: Region;
  /** This instance's region of the channel; `prepareServerRegion` has been called on it before it was handed out. */
  readonly own: OwnRegion;
  readonly host: RegionHost;
  readonly poller: Poller;
  readonly events: ServerEvents;
  /** Where to start reading: 0 for a new channel, the boundary for a successor. */
  readonly from: number;
  readonly startedCalls: number;
  /** Rings the client's doorbell. */
  readonly ring: () => void;
  /** Suspects that the client sends again, and their number. */
  readonly suspects: { readonly region: Region; readonly count: number } | undefined;
  /** The ring that holds `from`, when it is no longer the one in the base region. */
  readonly ringRegion: { readonly region: Region; readonly start: number } | undefined;
  readonly onClose: () => void;
}

/** A call without arguments, with its header. */
const RECORD_LEAST_BYTES = 32;

/** Fills the words that the client may read as soon as it has the region: to be called before the region leaves this process. */
export function prepareServerRegion(own: OwnRegion, from: number, startedCalls: number): void {
  storeStarted(own.i32, from);
  Atomics.store(own.i32, ServerWord.startedCalls, startedCalls | 0);
}

function storeStarted(words: Int32Array, position: number): void {
  storeRelease(words, ServerWord.started, position | 0); // sync: request-started
  words[ServerWord.startedCopy] = ~position;
}

export class RingServerEnd implements ServerEnd, Pollable {
  lastWorkMs = 0;
  #hot = false;
  readonly #options: RingServerOptions;
  readonly #sender: RingSender;
  readonly #reader: RingReader;
  readonly #received = new ReceivedRegions();
  readonly #late = new IntroductionTimer((error) => this.#break(error));
  readonly #bell: Bell;
  readonly #parked: ParkedWord;
  readonly #decoder = new Decoder();
  #startedCalls: number;
  #controlTurn = 0;
  #suspectAt = 0;
  #suspectsStarted = 0;
  #roomUnsettled = false;
  #closed = false;
  /** Set when the client is dead. */
  #onOver: (() => void) | undefined;

  constructor(options: RingServerOptions) {
    this.#options = options;
    const { client, own, from, ringRegion } = options;
    let area = ringArea(client.buffer, client.id, CLIENT_RING_OFFSET, RING_FIRST_BYTES, 0);
    if (ringRegion !== undefined) {
      this.#received.add(ringRegion.region);
      area = this.#received.ring(ringRegion.region.id, ringRegion.start) ?? area;
    }
    this.#reader = new RingReader(area, client.i32, ClientWord.requestTail, this.#received, from);
    const replies = ringArea(own.buffer, own.id, SERVER_RING_OFFSET, RING_FIRST_BYTES, 0);
    const writer = new RingWriter(replies, own.i32, ServerWord.replyTail);
    writer.setConsumer(client.i32, ClientWord.repliesTaken);
    this.#bell = new Bell(client.i32, ClientWord.clientParked, options.ring);
    this.#sender = new RingSender(writer, options.host, {
      onPlaced: () => {},
      onFailed: (callId, error) => options.events.onUnsent(callId, error),
      onWaiting: (waiting) => {
        Atomics.store(own.i32, ServerWord.wantsReplyRoom, waiting ? 1 : 0);
        if (waiting) options.poller.wake(this);
      },
      onPublish: () => this.#bell.ringIfParked(!this.#hot),
      onDrained: () => {
        options.events.onControl(); // streams that waited for room go on
        options.poller.wake(this); // and requests are started again
      },
      onCorrupt: (error) => this.#break(error),
    });
    this.#parked = new ParkedWord(own.i32, ServerWord.serverParked);
    this.#startedCalls = options.startedCalls;
  }

  get hot(): boolean {
    return this.#hot;
  }

  /** What is polled publishes without a fence, since it looks again soon. */
  set hot(hot: boolean) {
    this.#hot = hot;
    this.#sender.writer.fenced = !hot;
  }

  /** Begins to read; not before the kernel is sure to hear of this end. */
  start(): void {
    if (this.#closed) return;
    this.#options.poller.add(this);
    this.#options.poller.wake(this);
  }

  /** The peer needs a region that it announced no more: it is not kept for a record that will not come. */
  retired(regionId: number): void {
    this.#received.drop(regionId);
  }

  /** The kernel has introduced a region that the peer announced. */
  introduce(region: Region): void {
    if (this.#closed) return region.release();
    this.#received.add(region);
    this.#reader.introduced();
    this.#late.check(false);
    this.#options.poller.wake(this);
  }

  send<T>(kind: number, callId: number, write: BodyWriter<T>, body: T): void {
    if (!this.#closed && this.#onOver === undefined) this.#sender.send(kind, 0, 0, callId, write, body);
  }

  isCancelled(callId: number): boolean {
    if (this.#controlTurn === 0) return false; // nothing was ever cancelled when this turn began; what comes now comes to onControl
    return Atomics.load(this.#options.client.i32, ClientWord.cancelled + (callId % CALLS_MAX)) === (callId | 0);
  }

  creditOf(callId: number): number {
    return Atomics.load(this.#options.client.i32, ClientWord.credit + (callId % CALLS_MAX)) >>> 0;
  }

  get blocked(): boolean {
    return this.#sender.queued > 0;
  }

  /** Requests that the client has published and this end has not started. */
  get unstarted(): number {
    const published = this.#options.client.i32[ClientWord.publishedCalls] as number;
    // What the client says is believed as far as there are bytes for it: else one client could make a server look full to all.
    return Math.max(0, Math.min((published - this.#startedCalls) | 0, Math.ceil(this.#reader.unread / RECORD_LEAST_BYTES)));
  }

  resume(): void {
    if (!this.#closed && this.#reader.pending()) this.#options.poller.wake(this);
  }

  get suspectsWaiting(): number {
    return (this.#options.suspects?.count ?? 0) - this.#suspectsStarted;
  }

  startSuspect(): void {
    const { suspects, own, events } = this.#options;
    if (suspects === undefined || this.suspectsWaiting === 0) return;
    try {
      const { region } = suspects;
      const at = this.#suspectAt;
      const index = (REGION_HEADER_BYTES + at) >> 2;
      const length = region.i32[index] as number;
      const head = region.i32[index + 1] as number;
      const callId = region.i32[index + 2] as number;
      const start = REGION_HEADER_BYTES + at + HEADER_BYTES;
      const valid = length >= 0 && start + length <= region.sizeBytes && (head & 0xff) === Kind.call;
      if (!valid || region.i32[index + 3] !== checkWord(length, head, callId, at)) {
        throw new SkerryError('SKERRY_CORRUPT', `the suspect record at ${at} is not valid`);
      }
      const payload = region.u8.slice(start, start + length);
      this.#suspectAt = at + recordBytes(length);
      this.#suspectsStarted += 1;
      events.onStart();
      Atomics.store(own.i32, ServerWord.suspectsStarted, this.#suspectsStarted); // sync: suspects-started
      if (this.suspectsWaiting === 0) region.release();
      this.#decoder.begin(payload, 0, length);
      events.onRequest(Kind.call, (head >>> 8) & 0xff, head >>> 16, callId >>> 0, this.#decoder, nowMs());
    } catch (error) {
      this.#break(error);
    }
  }

  expects(): boolean {
    return true;
  }

  hasWork(): boolean {
    if (this.#reader.pending() && this.#sender.queued === 0 && this.#options.events.ready()) return true;
    return loadAcquire(this.#options.client.i32, ClientWord.controlTurn) !== this.#controlTurn || this.#sender.wantsFlush();
  }

  poll(max: number): number {
    const { client, events } = this.#options;
    try {
      const turn = Atomics.load(client.i32, ClientWord.controlTurn); // sync: control-published
      if (turn !== this.#controlTurn) {
        this.#controlTurn = turn;
        events.onControl();
      }
      if (this.#sender.wantsFlush()) this.#sender.flush();
      const taken = this.#startAll(max);
      this.#late.check(this.#reader.waiting);
      if (taken > 0) {
        this.#roomUnsettled = true;
        this.#tellRoom();
      }
      if (this.#onOver !== undefined) this.#endIfRead();
      return taken;
    } catch (error) {
      this.#break(error);
      return 0;
    }
  }

  /** Rings for a client that waits for room. Without a fence since `started` was stored the look may come too early: `settle` makes up for it. */
  #tellRoom(): void {
    if (loadAcquire(this.#options.client.i32, ClientWord.wantsRoom) !== 0) this.#bell.ringIfParked(true);
  }

  settle(): void {
    this.#bell.settle(this.#sender.writer);
    if (!this.#roomUnsettled) return;
    this.#roomUnsettled = false;
    fence();
    this.#tellRoom();
  }

  park(): boolean {
    this.#parked.park();
    this.settle();
    if (!this.hasWork()) return true;
    this.#parked.unpark();
    return false;
  }

  parkAnew(): boolean {
    this.#parked.parkAnew();
    return !this.hasWork();
  }

  unpark(): void {
    this.#parked.unpark();
  }

  mayBeLate(): boolean {
    return !this.#bell.peerSleeps();
  }

  orphan(onOver: () => void): void {
    if (this.#closed || this.#onOver !== undefined) return;
    this.#onOver = onOver;
    this.#sender.close();
    this.#endIfRead();
    if (!this.#closed) this.#options.poller.wake(this);
  }

  /** A region that has not been introduced by now never will be. */
  #endIfRead(): void {
    if (!this.#closed && !this.#reader.pending()) this.#onOver?.();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.settle();
    this.#late.check(false);
    this.#options.poller.remove(this);
    this.#sender.close();
    this.#received.release();
    this.#options.suspects?.region.release();
    this.#options.client.release();
    this.#options.own.release();
    this.#options.onClose();
  }

  /** Starts what has been published: `max` requests at most, and none after BATCH_MS, so that answers and others get their turn. */
  #startAll(max: number): number {
    const reader = this.#reader;
    let taken = 0;
    let first = 0;
    while (taken < max && this.#sender.queued === 0 && !this.#closed && this.#options.events.ready() && reader.pending()) {
      const now = nowMs();
      if (taken === 0) first = now;
      else if (now - first > BATCH_MS) break;
      this.#bell.lookAgain(); // before a handler that may take its time
      if (!reader.next()) break;
      taken += 1;
      this.#startRequest(now);
    }
    return taken;
  }

  #startRequest(now: number): void {
    const { own, events } = this.#options;
    const reader = this.#reader;
    events.onStart();
    this.#startedCalls = (this.#startedCalls + 1) | 0;
    own.i32[ServerWord.startedCalls] = this.#startedCalls;
    storeStarted(own.i32, reader.head);
    this.#decoder.begin(reader.payload, reader.offset, reader.offset + reader.length);
    events.onRequest(reader.kind, reader.flags, reader.method, reader.callId, this.#decoder, now);
  }

  /** A lie of the client ends its channel; anything else is a bug of our own, and ends the server: its supervisor is the handler. */
  #break(error: unknown): void {
    if (!(error instanceof SkerryError)) throw error;
    this.#options.poller.remove(this);
    this.#options.events.onCorrupt(error);
  }
}
