// The client's end of a channel over wires: it is the mailbox. transport.ts has the contract, frames.ts what travels.
//
//   send ──▶ queue ──window──▶ sent ──"started n"──▶ started ──answer──▶ settled
//              ▲                 │
//              └─── freeze ──────┘     what the dead instance had not started goes back, in order, ahead of what waited
//
// The bytes of a request are kept until the server has said that it started it; a request is on the wire only within the window.
// Two wires: a failed write of requests must not take with it the answers that a killed server had sent.
// Invariant: a call is `started` exactly when the server said so on the connection that carried it; an answer to another is a lie.

import { nowMs } from '../../base/clock.ts';
import { SkerryError } from '../../base/errors.ts';
import { CALLS_MAX } from '../../protocol/limits.ts';
import { Flag, HEADER_BYTES, Kind } from '../../protocol/record.ts';
import { Decoder } from '../codec/decoder.ts';
import { encodeRecord } from '../encode-record.ts';
import { type BodyWriter, type ClientEnd, type ClientEvents, type Fate, NO_CALL, type Suspect } from '../transport.ts';
import { Fifo } from './fifo.ts';
import { corruptFrame, FrameKind, FrameReader } from './frames.ts';
import { HELD_MAX_BYTES, LOAD_VALID_MS, WINDOW_BYTES } from './limits.ts';
import { Outbox } from './outbox.ts';
import type { Wire, WireEvents } from './wire.ts';

interface Kept {
  readonly kind: number;
  readonly flags: number;
  readonly method: number;
  readonly callId: number;
  readonly payload: Uint8Array;
  onPublished: (() => void) | undefined;
}

/** The wires to an instance. What is written before they are connected goes out then. */
export interface ClientWires {
  readonly requests: Wire;
  readonly answers: Wire;
}

interface Peer {
  readonly wires: ClientWires;
  readonly out: Outbox;
  readonly reader: FrameReader;
  started: number;
  suspectsStarted: number;
  running: number;
  queued: number;
  toldAtMs: number;
}

type Phase = 'none' | 'queued' | 'sent' | 'started';

export class StreamClientEnd implements ClientEnd {
  readonly #events: ClientEvents;
  readonly #position: number;
  readonly #decoder = new Decoder();
  readonly #queue = new Fifo<Kept>();
  readonly #sent = new Fifo<Kept>();
  #sentBytes = 0;
  #heldBytes = 0;
  /** By slot: the call that stands there last, where it is, and its levels. */
  readonly #callIds = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  readonly #phases: Phase[] = new Array(CALLS_MAX).fill('none');
  readonly #cancelled = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  readonly #creditIds = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  readonly #credits = new Uint32Array(CALLS_MAX);
  #suspects: readonly Suspect[] = [];
  /** Where a call stands among the suspects, plus one. */
  readonly #suspectIndex = new Map<number, number>();
  #suspectsStarted = 0;
  #peer: Peer | undefined;
  #ended: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #answersEnded = true;
  #deadRunning = 0;
  #closed = false;

  /** @param position of the first byte of each wire; tests start near 2^32. */
  constructor(events: ClientEvents, position = 0) {
    this.#events = events;
    this.#position = position;
  }

  /**
   * Joins an instance: levels and suspects go first, then what waited.
   * @param connect makes the wires; answers are delivered to the events that it is given.
   */
  attach(connect: (answers: WireEvents, requests: WireEvents) => ClientWires, onLost: () => void = () => {}): void {
    if (this.#closed) return;
    this.#answersEnded = false;
    const ignored = { onChunk: () => {}, onDrain: () => {}, onEnd: () => {} };
    const wires = connect(
      {
        onChunk: (bytes) => this.#onChunk(peer, bytes),
        onDrain: () => {},
        onEnd: () => {
          if (this.#peer !== peer) return;
          this.#answersEnded = true;
          this.#ended?.resolve();
          onLost();
        },
      },
      ignored,
    );
    const peer: Peer = {
      wires,
      out: new Outbox(wires.requests, undefined, this.#position),
      reader: new FrameReader(this.#position),
      started: 0,
      suspectsStarted: 0,
      running: 0,
      queued: 0,
      toldAtMs: 0,
    };
    this.#peer = peer;
    this.#suspectsStarted = 0;
    for (const { callId } of [...this.#queue, ...this.#suspects]) this.#putLevels(peer.out, callId);
    for (const { callId, method, payload, flags } of this.#suspects) {
      peer.out.put(Kind.call, flags | Flag.suspect, method, callId, payload);
    }
    this.#fill(peer);
    peer.out.flush();
  }

  /** Resolves when everything that the instance had sent has been delivered; undefined: it has been. */
  ended(): Promise<void> | undefined {
    if (this.#answersEnded) return undefined;
    if (this.#ended === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#ended = { promise, resolve };
    }
    return this.#ended.promise;
  }

  send<T>(kind: number, flags: number, method: number, callId: number, write: BodyWriter<T>, body: T, onPublished?: () => void): boolean {
    const payload = encodeRecord(write, body);
    if (callId === NO_CALL && this.#heldBytes > HELD_MAX_BYTES) {
      throw new SkerryError('SKERRY_BUSY', `${this.#heldBytes} bytes wait to be started by the server; a notification may follow at most ${HELD_MAX_BYTES}`, {
        maybeExecuted: false,
      });
    }
    const kept: Kept = { kind, flags, method, callId, payload, onPublished };
    this.#heldBytes += sizeOf(kept);
    if (callId !== NO_CALL) {
      const slot = callId % CALLS_MAX;
      this.#callIds[slot] = callId;
      if (this.#suspectIndex.size > 0) this.#suspectIndex.delete(callId);
    }
    const peer = this.#peer;
    if (peer !== undefined && this.#queue.length === 0 && this.#fits(kept)) {
      kept.onPublished = undefined;
      this.#put(peer, kept);
      peer.out.schedule();
      return true;
    }
    this.#queue.push(kept);
    this.#setPhase(kept, 'queued');
    return false;
  }

  settled(): void {}

  cancel(callId: number): boolean {
    const slot = callId % CALLS_MAX;
    if (this.#callIds[slot] === callId && this.#phases[slot] === 'queued') {
      const kept = this.#queue.take((entry) => entry.callId === callId);
      if (kept !== undefined) {
        this.#heldBytes -= sizeOf(kept);
        this.#setPhase(kept, 'none');
        return true;
      }
    }
    this.#cancelled[slot] = callId;
    this.#control(FrameKind.cancel, callId);
    return false;
  }

  credit(callId: number, total: number): void {
    const slot = callId % CALLS_MAX;
    this.#creditIds[slot] = callId;
    this.#credits[slot] = total;
    this.#control(FrameKind.credit, callId, total);
  }

  get unstarted(): number {
    return this.#queue.length + this.#sent.length;
  }

  get peerLoad(): number {
    const peer = this.#toldPeer();
    return peer === undefined ? 0 : peer.running + peer.queued;
  }

  get peerQueue(): number {
    return this.#toldPeer()?.queued ?? 0;
  }

  get peerRunning(): number {
    return this.#deadRunning;
  }

  freeze(): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    this.#leave(peer);
    this.#deadRunning = peer.running;
    this.#suspectsStarted = peer.suspectsStarted;
    const waited = this.#queue.drain();
    for (const kept of [...this.#sent.drain(), ...waited]) {
      this.#queue.push(kept);
      this.#setPhase(kept, 'queued');
    }
    this.#sentBytes = 0;
  }

  fateOf(callId: number): Fate {
    const suspect = this.#suspectIndex.get(callId);
    if (suspect !== undefined) return suspect <= this.#suspectsStarted ? 'started' : 'unstarted';
    const slot = callId % CALLS_MAX;
    return this.#callIds[slot] === callId && this.#phases[slot] === 'queued' ? 'unstarted' : 'started';
  }

  carry(suspects: readonly Suspect[]): void {
    this.#suspects = suspects;
    this.#suspectsStarted = 0;
    this.#suspectIndex.clear();
    suspects.forEach(({ callId }, index) => {
      this.#suspectIndex.set(callId, index + 1);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#peer !== undefined) this.#leave(this.#peer);
    this.#queue.drain();
    this.#sent.drain();
  }

  #leave(peer: Peer): void {
    this.#peer = undefined;
    this.#answersEnded = true;
    this.#ended?.resolve();
    this.#ended = undefined;
    peer.out.flush();
    peer.wires.requests.close();
    peer.wires.answers.close();
  }

  #onChunk(peer: Peer, bytes: Uint8Array): void {
    const { reader } = peer;
    try {
      reader.push(bytes);
      while (this.#peer === peer && reader.next()) this.#onFrame(peer, reader);
    } catch (error) {
      if (this.#peer === peer) this.#leave(peer);
      this.#events.onCorrupt(error as SkerryError);
      return;
    }
    if (this.#peer === peer && this.#queue.length > 0) {
      this.#fill(peer);
      peer.out.schedule();
    }
  }

  #onFrame(peer: Peer, reader: FrameReader): void {
    const { kind, callId } = reader;
    switch (kind) {
      case Kind.reply:
      case Kind.error:
      case Kind.item:
      case Kind.end:
        this.#checkStarted(peer, callId);
        this.#decoder.begin(reader.bytes, reader.start, reader.end);
        this.#events.onRecord(kind, reader.flags, callId, this.#decoder);
        return;
      case FrameKind.started:
        this.#onStarted(peer, reader.u32(0));
        return hearLoad(peer, reader.u32(1), reader.u32(2));
      case FrameKind.suspects: {
        const count = reader.u32(0);
        if (count !== peer.suspectsStarted + 1 || count > this.#suspects.length) {
          throw corruptFrame(`${count} suspects started after ${peer.suspectsStarted} of ${this.#suspects.length}`);
        }
        peer.suspectsStarted = count;
        return hearLoad(peer, reader.u32(1), reader.u32(2));
      }
      case FrameKind.load:
        return hearLoad(peer, reader.u32(0), reader.u32(1));
      default:
        throw corruptFrame(`a frame of kind ${kind} from a server`);
    }
  }

  #onStarted(peer: Peer, count: number): void {
    const more = (count - peer.started) >>> 0;
    if (more > this.#sent.length) throw corruptFrame(`${more} more requests started; ${this.#sent.length} were on their way`);
    for (let i = 0; i < more; i++) {
      const kept = this.#sent.shift() as Kept;
      const bytes = sizeOf(kept);
      this.#sentBytes -= bytes;
      this.#heldBytes -= bytes;
      this.#setPhase(kept, 'started');
    }
    peer.started = count;
  }

  /** A server says that it started a call before it answers it: what the fate goes by must never lag behind. */
  #checkStarted(peer: Peer, callId: number): void {
    const suspect = this.#suspectIndex.get(callId);
    const slot = callId % CALLS_MAX;
    const started = suspect === undefined ? this.#callIds[slot] !== callId || this.#phases[slot] === 'started' : suspect <= peer.suspectsStarted;
    if (!started) throw corruptFrame(`call ${callId} was answered before it was started`);
  }

  /** Sends what waits, as far as the window goes. */
  #fill(peer: Peer): void {
    for (;;) {
      const kept = this.#queue.peek();
      if (kept === undefined || !this.#fits(kept)) return;
      this.#queue.shift();
      this.#put(peer, kept);
      const { onPublished } = kept;
      kept.onPublished = undefined;
      onPublished?.();
    }
  }

  #fits(kept: Kept): boolean {
    return this.#sentBytes === 0 || this.#sentBytes + sizeOf(kept) <= WINDOW_BYTES;
  }

  #put(peer: Peer, kept: Kept): void {
    this.#sent.push(kept);
    this.#sentBytes += sizeOf(kept);
    this.#setPhase(kept, 'sent');
    peer.out.put(kept.kind, kept.flags, kept.method, kept.callId, kept.payload);
  }

  #setPhase(kept: Kept, phase: Phase): void {
    const slot = kept.callId % CALLS_MAX;
    if (kept.callId !== NO_CALL && this.#callIds[slot] === kept.callId) this.#phases[slot] = phase;
  }

  #putLevels(out: Outbox, callId: number): void {
    if (callId === NO_CALL) return;
    const slot = callId % CALLS_MAX;
    if (this.#cancelled[slot] === callId) out.control(FrameKind.cancel, callId);
    if (this.#creditIds[slot] === callId) out.control(FrameKind.credit, callId, this.#credits[slot] as number);
  }

  #control(kind: (typeof FrameKind)[keyof typeof FrameKind], callId: number, ...numbers: readonly number[]): void {
    const { out } = this.#peer ?? {};
    out?.control(kind, callId, ...numbers);
    out?.schedule();
  }

  #toldPeer(): Peer | undefined {
    const peer = this.#peer;
    if (peer === undefined || peer.running + peer.queued === 0) return undefined;
    return nowMs() - peer.toldAtMs > LOAD_VALID_MS ? undefined : peer;
  }
}

function hearLoad(peer: Peer, running: number, queued: number): void {
  peer.running = running;
  peer.queued = queued;
  peer.toldAtMs = nowMs();
}

function sizeOf(kept: Kept): number {
  return HEADER_BYTES + kept.payload.length;
}
