// The client's end of a channel over wires. transport.ts has the contract, frames.ts what travels, mailbox.ts what waits.
//
// Two wires: a failed write of requests must not take with it the answers that a killed server had sent.
// Invariant: a call is `started` exactly when the server said so on the connection that carried it; an answer to another is a lie.

import { nowMs } from '../../base/clock.ts';
import { SkerryError } from '../../base/errors.ts';
import { Flag, Kind } from '../../protocol/record.ts';
import { Decoder } from '../codec/decoder.ts';
import { encodeRecord } from '../encode-record.ts';
import { type BodyWriter, type ClientEnd, type ClientEvents, type Fate, NO_CALL, type Suspect } from '../transport.ts';
import { corruptFrame, FrameKind, FrameReader } from './frames.ts';
import { Levels } from './levels.ts';
import { HELD_MAX_BYTES, LOAD_VALID_MS } from './limits.ts';
import { type Kept, Mailbox } from './mailbox.ts';
import { Outbox } from './outbox.ts';
import type { Wire, WireEvents } from './wire.ts';

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

const DEAF: WireEvents = { onChunk: () => {}, onDrain: () => {}, onEnd: () => {} };

export class StreamClientEnd implements ClientEnd {
  readonly #events: ClientEvents;
  readonly #position: number;
  readonly #decoder = new Decoder();
  readonly #mailbox = new Mailbox();
  readonly #levels = new Levels();
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
   * @param connect makes the wires; what comes is delivered to the events that it is given.
   * @param onLost the answers have ended, and this end was neither frozen nor closed.
   */
  attach(connect: (answers: WireEvents, requests: WireEvents) => ClientWires, onLost: () => void = () => {}): void {
    if (this.#closed) return;
    this.#answersEnded = false;
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
      DEAF,
    );
    const out = new Outbox(wires.requests, undefined, this.#position);
    const reader = new FrameReader(this.#position);
    const peer: Peer = { wires, out, reader, started: 0, suspectsStarted: 0, running: 0, queued: 0, toldAtMs: 0 };
    this.#peer = peer;
    this.#suspectsStarted = 0;
    for (const { callId } of [...this.#suspects, ...this.#mailbox.waiting]) this.#putLevels(out, callId);
    for (const { callId, method, payload, flags } of this.#suspects)
      out.put(Kind.call, flags | Flag.suspect, method, callId, payload);
    this.#fill(peer);
    out.flush();
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

  send<T>(
    kind: number,
    flags: number,
    method: number,
    callId: number,
    write: BodyWriter<T>,
    body: T,
    onPublished?: (error?: SkerryError) => void,
  ): boolean {
    const payload = encodeRecord(write, body);
    const { heldBytes } = this.#mailbox;
    if (callId === NO_CALL && heldBytes > HELD_MAX_BYTES) {
      const message = `${heldBytes} bytes wait to be started by the server; notifications are taken up to ${HELD_MAX_BYTES}`;
      throw new SkerryError('SKERRY_BUSY', message, { maybeExecuted: false });
    }
    if (callId !== NO_CALL) this.#levels.forget(callId); // of a call long ago: ids recur
    if (this.#suspectIndex.size > 0) this.#suspectIndex.delete(callId);
    const kept: Kept = { kind, flags, method, callId, payload, onPublished };
    const peer = this.#peer;
    if (!this.#mailbox.add(kept, peer !== undefined)) return false;
    kept.onPublished = undefined;
    peer?.out.put(kind, flags, method, callId, payload);
    peer?.out.schedule();
    return true;
  }

  settled(): void {}

  cancel(callId: number): boolean {
    if (this.#mailbox.takeBack(callId)) return true;
    this.#levels.cancel(callId);
    this.#control(FrameKind.cancel, callId);
    return false;
  }

  credit(callId: number, total: number): void {
    this.#levels.setCredit(callId, total);
    this.#control(FrameKind.credit, callId, total);
  }

  get unstarted(): number {
    return this.#mailbox.unstarted;
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
    this.#mailbox.giveBack();
  }

  fateOf(callId: number): Fate {
    const suspect = this.#suspectIndex.get(callId);
    if (suspect !== undefined) return suspect <= this.#suspectsStarted ? 'started' : 'unstarted';
    return this.#mailbox.phaseOf(callId) === 'queued' ? 'unstarted' : 'started';
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
    this.#mailbox.clear();
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
    if (this.#peer === peer && this.#mailbox.queued > 0) {
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
      case FrameKind.started: {
        const count = reader.u32(0);
        const more = (count - peer.started) >>> 0;
        if (!this.#mailbox.started(more)) throw corruptFrame(`${more} more requests started; fewer were on their way`);
        peer.started = count;
        return hearLoad(peer, reader.u32(1), reader.u32(2));
      }
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

  /** A server says that it started a call before it answers it: what the fate goes by must never lag behind. */
  #checkStarted(peer: Peer, callId: number): void {
    const suspect = this.#suspectIndex.get(callId);
    const phase = this.#mailbox.phaseOf(callId);
    const started = suspect === undefined ? phase === 'started' || phase === 'none' : suspect <= peer.suspectsStarted;
    if (!started) throw corruptFrame(`call ${callId} was answered before it was started`);
  }

  /** Sends what waits, as far as the window goes. */
  #fill(peer: Peer): void {
    for (;;) {
      const kept = this.#mailbox.next();
      if (kept === undefined) return;
      peer.out.put(kept.kind, kept.flags, kept.method, kept.callId, kept.payload);
      const { onPublished } = kept;
      kept.onPublished = undefined;
      onPublished?.();
    }
  }

  #putLevels(out: Outbox, callId: number): void {
    if (callId === NO_CALL) return;
    if (this.#levels.isCancelled(callId)) out.control(FrameKind.cancel, callId);
    const credit = this.#levels.creditOf(callId);
    if (credit > 0) out.control(FrameKind.credit, callId, credit);
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
