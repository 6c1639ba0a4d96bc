// The client's end of a channel over shared memory. See layout.ts for the words and transport.ts for the contract.
//
// It owns the client's base region, which is the mailbox: it stays where it is when the server's instance dies, and the successor
// starts reading at the boundary that the dead one left.

import type { SkerryError } from '../../base/errors.ts';
import { type OwnRegion, REGION_HEADER_BYTES, type Region, RegionKind } from '../../memory/region.ts';
import { isDebugged, readQueued, readStatus, StatusWord } from '../../memory/status.ts';
import { CALLS_MAX, RING_FIRST_BYTES } from '../../protocol/limits.ts';
import { checkWord, Flag, HEADER_BYTES, headWord, Kind, recordBytes } from '../../protocol/record.ts';
import { Decoder } from '../codec/decoder.ts';
import type { Pollable, Poller } from '../poller.ts';
import { type BodyWriter, type ClientEnd, type ClientEvents, type Fate, NO_CALL, type Suspect } from '../transport.ts';
import { Bell, ParkedWord } from './bell.ts';
import { CLIENT_RING_OFFSET, ClientWord, ringArea, SERVER_RING_OFFSET, ServerWord } from './layout.ts';
import { RingReader } from './reader.ts';
import { IntroductionTimer, ReceivedRegions } from './receiver.ts';
import { type RegionHost, RingSender } from './sender.ts';
import { RingWriter } from './writer.ts';

interface Peer {
  readonly region: Region;
  readonly status: Region | undefined;
  readonly reader: RingReader;
  readonly received: ReceivedRegions;
  readonly bell: Bell;
  readonly onDetach: () => void;
}

/** Position of a call that is queued: behind every boundary. */
const UNPUBLISHED = Number.POSITIVE_INFINITY;

export class RingClientEnd implements ClientEnd, Pollable {
  lastWorkMs = 0;
  #hot = false;
  readonly #own: OwnRegion;
  readonly #host: RegionHost;
  readonly #poller: Poller;
  readonly #events: ClientEvents;
  readonly #sender: RingSender;
  readonly #parked: ParkedWord;
  readonly #decoder = new Decoder();
  readonly #late = new IntroductionTimer((error) => this.#break(error));
  readonly #ends = new Float64Array(CALLS_MAX);
  /** Where a call stands among the suspects of the current instance, plus one; 0: it is no suspect. */
  readonly #suspectIndex = new Uint16Array(CALLS_MAX);
  #peer: Peer | undefined;
  #published = 0;
  #outstanding = 0;
  /** The server was parked when the last record was published: its answer takes a wake-up at least. */
  #peerSlept = false;
  #suspectsStarted = 0;
  #controlTurn = 0;
  #deadRunning = 0;
  #closed = false;
  #looking = false;

  /** @param position the first position of the request ring; tests start below 2^32. */
  constructor(own: OwnRegion, host: RegionHost, poller: Poller, events: ClientEvents, position = 0) {
    this.#own = own;
    this.#host = host;
    this.#poller = poller;
    this.#events = events;
    const area = ringArea(own.buffer, own.id, CLIENT_RING_OFFSET, RING_FIRST_BYTES, position);
    this.#sender = new RingSender(new RingWriter(area, own.i32, ClientWord.requestTail, position), host, {
      onPlaced: (callId, end) => this.#onPlaced(callId, end),
      onFailed: (callId, error) => this.#onFailed(callId, error),
      onWaiting: (waiting) => {
        Atomics.store(own.i32, ClientWord.wantsRoom, waiting ? 1 : 0);
        if (waiting && this.#peer !== undefined) this.#poller.wake(this);
      },
      onPublish: () => {
        this.#peerSlept = this.#peer?.bell.ringIfParked(!this.#hot) === true;
      },
      onDrained: () => {},
      onCorrupt: (error) => this.#break(error),
    });
    this.#parked = new ParkedWord(own.i32, ClientWord.clientParked);
    this.#parked.park();
  }

  get hot(): boolean {
    return this.#hot;
  }

  /** What is polled publishes without a fence, since it looks again soon. */
  set hot(hot: boolean) {
    this.#hot = hot;
    this.#sender.writer.fenced = !hot;
  }

  /** The boundary: where a successor starts to read. */
  get boundary(): number {
    return this.#sender.writer.taken;
  }

  /** What the next instance's `startedCalls` begins with. */
  get startedCalls(): number {
    const { region } = this.#peer ?? {};
    return region === undefined ? this.#lastStartedCalls : Atomics.load(region.i32, ServerWord.startedCalls) >>> 0;
  }
  #lastStartedCalls = 0;

  /**
   * Joins an instance: its region of this channel, its doorbell, its status region.
   * @param onDetach this end is done with doorbell and status region.
   */
  attach(region: Region, status: Region | undefined, ring: () => void, onDetach: () => void = () => {}): void {
    const received = new ReceivedRegions();
    const area = ringArea(region.buffer, region.id, SERVER_RING_OFFSET, RING_FIRST_BYTES, 0);
    const reader = new RingReader(area, region.i32, ServerWord.replyTail, received, 0);
    this.#suspectsStarted = 0;
    this.#peer = { region, status, reader, received, bell: new Bell(region.i32, ServerWord.serverParked, ring), onDetach };
    this.#sender.writer.setConsumer(region.i32, ServerWord.started);
    this.#sender.flush();
    this.#peer.bell.ringIfParked(true);
    this.#poller.add(this);
    this.#poller.wake(this);
  }

  /** The peer needs a region that it announced no more: it is not kept for a record that will not come. */
  retired(regionId: number): void {
    this.#peer?.received.drop(regionId);
  }

  /** The kernel has introduced a region that the peer announced. */
  introduce(region: Region): void {
    if (this.#peer === undefined) return region.release();
    this.#peer.received.add(region);
    this.#peer.reader.introduced();
    this.#late.check(false);
    this.#poller.wake(this);
  }

  send<T>(
    kind: number,
    flags: number,
    method: number,
    callId: number,
    write: BodyWriter<T>,
    body: T,
    onPublished?: (error?: SkerryError) => void,
  ): boolean {
    if (callId !== NO_CALL) {
      const cancelled = ClientWord.cancelled + (callId % CALLS_MAX);
      if (this.#own.i32[cancelled] === (callId | 0)) Atomics.store(this.#own.i32, cancelled, 0); // of a call long ago: ids recur
      this.#ends[callId % CALLS_MAX] = UNPUBLISHED;
      this.#suspectIndex[callId % CALLS_MAX] = 0;
    }
    const end = this.#sender.send(kind, flags, method, callId, write, body, onPublished);
    if (callId !== NO_CALL) this.#outstanding += 1;
    if (this.#peer !== undefined) this.#poller.expect(this, this.#peerSlept);
    return end !== 0;
  }

  look(): void {
    const peer = this.#peer;
    if (peer === undefined || this.#looking) return;
    this.#looking = true;
    try {
      this.#takeReplies(peer, CALLS_MAX);
    } catch (error) {
      this.#break(error);
    } finally {
      this.#looking = false;
    }
    // Should a ring have been lost, in either direction: both sides may ring again.
    peer.bell.renew();
    this.#poller.wake(this);
  }

  settled(): void {
    this.#outstanding -= 1;
  }

  cancel(callId: number): boolean {
    const slot = callId % CALLS_MAX;
    if (this.#ends[slot] === UNPUBLISHED && this.#sender.unqueue(callId)) return true;
    Atomics.store(this.#own.i32, ClientWord.cancelled + slot, callId | 0);
    this.#publishControl();
    return false;
  }

  credit(callId: number, total: number): void {
    Atomics.store(this.#own.i32, ClientWord.credit + (callId % CALLS_MAX), total | 0);
    this.#publishControl();
  }

  get unstarted(): number {
    const waiting = (this.#published - this.startedCalls) | 0;
    return Math.max(0, waiting) + this.#sender.queued;
  }

  get peerDebugged(): boolean {
    const status = this.#peer?.status;
    return status !== undefined && isDebugged(status.i32);
  }

  get peerLoad(): number {
    const status = this.#peer?.status;
    if (status === undefined) return 0;
    const { running, queued } = readStatus(status);
    return running + queued;
  }

  get peerQueue(): number {
    const status = this.#peer?.status;
    return status === undefined ? 0 : readQueued(status);
  }

  get peerRunning(): number {
    return this.#deadRunning;
  }

  freeze(): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    try {
      while (this.#takeReplies(peer, RING_FIRST_BYTES) > 0);
      this.#sender.writer.settle(~Atomics.load(peer.region.i32, ServerWord.startedCopy));
    } catch (error) {
      this.#events.onCorrupt(error as SkerryError);
    }
    this.#suspectsStarted = Atomics.load(peer.region.i32, ServerWord.suspectsStarted); // sync: suspects-started
    this.#lastStartedCalls = Atomics.load(peer.region.i32, ServerWord.startedCalls) >>> 0;
    this.#deadRunning = peer.status?.i32[StatusWord.running] ?? 0;
    this.#sender.writer.setConsumer(undefined, 0);
    // The successor's replies start at 0. Before it is asked for: it must never read its predecessor's credit.
    Atomics.store(this.#own.i32, ClientWord.repliesTaken, 0);
    this.#poller.remove(this);
    this.#late.check(false);
    this.#leave(peer);
  }

  fateOf(callId: number): Fate {
    const slot = callId % CALLS_MAX;
    const suspect = this.#suspectIndex[slot] as number;
    const started = suspect > 0 ? suspect <= this.#suspectsStarted : (this.#ends[slot] as number) <= this.boundary;
    return started ? 'started' : 'unstarted';
  }

  carry(suspects: readonly Suspect[]): void {
    this.#suspectsStarted = 0;
    this.#suspectIndex.fill(0);
    suspects.forEach((suspect, index) => {
      this.#suspectIndex[suspect.callId % CALLS_MAX] = index + 1;
    });
  }

  expects(): boolean {
    return this.#outstanding > 0;
  }

  hasWork(): boolean {
    return this.#peer?.reader.pending() === true || this.#sender.wantsFlush();
  }

  poll(max: number): number {
    const peer = this.#peer;
    if (peer === undefined) return 0;
    try {
      const taken = this.#takeReplies(peer, max);
      if (this.#sender.wantsFlush()) this.#sender.flush();
      this.#late.check(peer.reader.waiting);
      return taken;
    } catch (error) {
      this.#break(error);
      return 0;
    }
  }

  settle(): void {
    this.#peer?.bell.settle(this.#sender.writer);
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
    return this.#outstanding > 0 && this.#peer?.bell.peerSleeps() === false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.settle();
    this.#late.check(false);
    this.#poller.remove(this);
    this.#sender.close();
    if (this.#peer !== undefined) this.#leave(this.#peer);
    this.#host.retire(this.#own);
  }

  #leave(peer: Peer): void {
    if (this.#peer !== peer) return;
    this.#peer = undefined;
    peer.received.release();
    peer.region.release();
    peer.onDetach();
  }

  #takeReplies(peer: Peer, max: number): number {
    const { reader } = peer;
    let taken = 0;
    while (taken < max && !this.#closed && reader.next()) {
      taken += 1;
      this.#decoder.begin(reader.payload, reader.offset, reader.offset + reader.length);
      this.#events.onRecord(reader.kind, reader.flags, reader.callId, this.#decoder);
    }
    if (taken > 0 && !this.#closed) {
      Atomics.store(this.#own.i32, ClientWord.repliesTaken, reader.head | 0); // sync: replies-taken
      if (Atomics.load(peer.region.i32, ServerWord.wantsReplyRoom) !== 0) peer.bell.ringIfParked(true);
    }
    return taken;
  }

  #break(error: unknown): void {
    this.#poller.remove(this);
    this.#events.onCorrupt(error as SkerryError);
  }

  #onPlaced(callId: number, end: number): void {
    this.#countPublished();
    if (callId !== NO_CALL) this.#ends[callId % CALLS_MAX] = end;
  }

  #onFailed(callId: number, error: SkerryError): void {
    if (callId !== NO_CALL) this.#events.onUnsent(callId, error);
  }

  #countPublished(): void {
    this.#published = (this.#published + 1) >>> 0;
    this.#own.i32[ClientWord.publishedCalls] = this.#published;
  }

  #publishControl(): void {
    this.#controlTurn = (this.#controlTurn + 1) | 0;
    Atomics.store(this.#own.i32, ClientWord.controlTurn, this.#controlTurn); // sync: control-published
    this.#peer?.bell.ringIfParked(true);
  }
}

/** Writes suspects into a region of their own, as records from position 0; the successor reads them in order. */
export async function makeSuspectRegion(host: RegionHost, suspects: readonly Suspect[]): Promise<OwnRegion> {
  let bytes = 0;
  for (const { payload } of suspects) bytes += recordBytes(payload.length);
  const region = await host.makeRegion(RegionKind.suspects, REGION_HEADER_BYTES + bytes);
  const words = new Int32Array(region.buffer, REGION_HEADER_BYTES);
  let at = 0;
  for (const { callId, method, payload, flags } of suspects) {
    const head = headWord(Kind.call, flags | Flag.suspect, method);
    words[at >> 2] = payload.length;
    words[(at >> 2) + 1] = head;
    words[(at >> 2) + 2] = callId;
    words[(at >> 2) + 3] = checkWord(payload.length, head, callId | 0, at);
    region.u8.set(payload, REGION_HEADER_BYTES + at + HEADER_BYTES);
    at += recordBytes(payload.length);
  }
  return region;
}
