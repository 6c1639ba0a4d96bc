// The server's end of a channel over wires. See client-end.ts for the other one and transport.ts for the contract.
//
//   wire ──▶ waiting ──ready──▶ announced ──"started n" is in the socket──▶ running ──▶ answer
//
// Requests are always read, so that cancel and credit behind them are heard; the client's window bounds what waits. What waits is
// unstarted: if this process dies, the client still has it and sends it to the successor.
// Invariant: no handler runs before the frame that announces it has left this process. One frame announces all that start in a turn.

import { SkerryError } from '../../base/errors.ts';
import { CALLS_MAX } from '../../protocol/limits.ts';
import { Flag, HEADER_BYTES, Kind } from '../../protocol/record.ts';
import { Decoder } from '../codec/decoder.ts';
import { encodeRecord } from '../encode-record.ts';
import { type BodyWriter, NO_CALL, type ServerEnd, type ServerEvents } from '../transport.ts';
import { Fifo } from './fifo.ts';
import { corruptFrame, FrameKind, FrameReader } from './frames.ts';
import { ANSWERS_MAX_BYTES, TURN_MS, TURN_RECORDS, WINDOW_BYTES } from './limits.ts';
import type { LoadBoard, LoadTeller } from './load-board.ts';
import { Outbox } from './outbox.ts';
import type { Wire, WireEvents } from './wire.ts';

interface Waiting {
  readonly kind: number;
  readonly flags: number;
  readonly method: number;
  readonly callId: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export interface StreamServerOptions {
  readonly events: ServerEvents;
  readonly load: LoadBoard;
  /** Suspects that the client sends first; from the introduction. */
  readonly suspects: number;
  readonly onClose: () => void;
  /** Of the first byte of each wire; tests start near 2^32. */
  readonly position?: number;
}

export class StreamServerEnd implements ServerEnd, LoadTeller {
  /** What the carrier feeds with the request wire. */
  readonly requestEvents: WireEvents;
  /** What the carrier feeds with the answer wire. */
  readonly answerEvents: WireEvents;
  readonly #options: StreamServerOptions;
  readonly #decoder = new Decoder();
  readonly #reader: FrameReader;
  readonly #waiting = new Fifo<Waiting>();
  #waitingBytes = 0;
  readonly #suspects = new Fifo<Waiting>();
  #suspectsLeft: number;
  #suspectsDue = 0;
  #suspectsStarted = 0;
  #announced: Waiting[] = [];
  #started = 0;
  readonly #cancelled = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  readonly #creditIds = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  readonly #credits = new Uint32Array(CALLS_MAX);
  #requests: Wire | undefined;
  #answers: { readonly wire: Wire; readonly out: Outbox } | undefined;
  #mayStart = false;
  #pumping = false;
  #again = false;
  #wasBlocked = false;
  #toldRunning = 0;
  #toldQueued = 0;
  #closed = false;

  constructor(options: StreamServerOptions) {
    this.#options = options;
    this.#suspectsLeft = options.suspects;
    this.#reader = new FrameReader(options.position);
    this.requestEvents = { onChunk: (bytes) => this.#onChunk(bytes), onDrain: () => {}, onEnd: () => {} };
    this.answerEvents = { onChunk: () => {}, onDrain: () => this.#onDrain(), onEnd: () => {} };
  }

  useRequests(wire: Wire): void {
    this.#requests = wire;
  }

  useAnswers(wire: Wire): void {
    this.#answers = { wire, out: new Outbox(wire, () => this.#putLoad(), this.#options.position) };
    this.#pump();
  }

  /** Begins to start requests; not before the kernel is sure to hear of this end. */
  start(): void {
    this.#mayStart = true;
    this.#pump();
  }

  /** Bytes that the end of this process would lose. */
  get unsent(): number {
    return this.#answers?.out.unsent ?? 0;
  }

  flush(): void {
    this.#answers?.out.flush();
  }

  send<T>(kind: number, callId: number, write: BodyWriter<T>, body: T): void {
    const answers = this.#answers;
    if (this.#closed || answers === undefined) return;
    answers.out.put(kind, 0, 0, callId, encodeRecord(write, body));
    answers.out.schedule();
  }

  isCancelled(callId: number): boolean {
    return this.#closed || this.#cancelled[callId % CALLS_MAX] === callId;
  }

  creditOf(callId: number): number {
    const slot = callId % CALLS_MAX;
    return this.#creditIds[slot] === callId ? (this.#credits[slot] as number) : 0;
  }

  get blocked(): boolean {
    const blocked = this.unsent > ANSWERS_MAX_BYTES;
    if (blocked) this.#wasBlocked = true;
    return blocked;
  }

  get unstarted(): number {
    return this.#waiting.length;
  }

  resume(): void {
    if (this.#waiting.length > 0) this.#schedule();
  }

  get suspectsWaiting(): number {
    return this.#suspectsLeft;
  }

  /** The suspect may still be on its way: then it is started when it comes. */
  startSuspect(): void {
    if (this.#suspectsLeft === 0) return;
    this.#suspectsLeft -= 1;
    this.#suspectsDue += 1;
    this.#schedule();
  }

  tellLoad(): void {
    this.#putLoad();
    this.flush();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.flush();
    this.#requests?.close();
    this.#answers?.wire.close();
    this.#waiting.drain();
    this.#suspects.drain();
    this.#options.load.forget(this);
    // Announced, and counted as running: calls are refused as given up, notifications have been published.
    this.#run(this.#announced);
    this.#options.onClose();
  }

  #onChunk(bytes: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#reader.push(bytes);
      let control = false;
      while (this.#reader.next()) if (this.#onFrame(this.#reader)) control = true;
      if (control) this.#options.events.onControl();
      this.#pump();
    } catch (error) {
      this.#break(error);
    }
  }

  /** @returns whether it was a level. */
  #onFrame(reader: FrameReader): boolean {
    const { kind, flags, method, callId } = reader;
    switch (kind) {
      case FrameKind.cancel:
        this.#cancelled[callId % CALLS_MAX] = callId;
        return true;
      case FrameKind.credit:
        this.#creditIds[callId % CALLS_MAX] = callId;
        this.#credits[callId % CALLS_MAX] = reader.u32(0);
        return true;
      case Kind.call:
      case Kind.notify: {
        const { bytes, start, end } = reader;
        const waiting: Waiting = { kind, flags, method, callId, bytes, start, end };
        if ((flags & Flag.suspect) !== 0) this.#addSuspect(waiting);
        else this.#add(waiting);
        return false;
      }
      default:
        throw corruptFrame(`a frame of kind ${kind} from a client`);
    }
  }

  #add(waiting: Waiting): void {
    const bytes = sizeOf(waiting);
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > WINDOW_BYTES) {
      throw corruptFrame(`${this.#waitingBytes + bytes} bytes of unstarted requests; valid are ${WINDOW_BYTES}`);
    }
    this.#waiting.push(waiting);
    this.#waitingBytes += bytes;
  }

  #addSuspect(waiting: Waiting): void {
    const expected = this.#suspectsLeft + this.#suspectsDue;
    if (waiting.kind !== Kind.call || this.#suspects.length >= expected || this.#waiting.length + this.#started > 0) {
      throw corruptFrame(`a suspect that was not introduced; ${expected} are expected`);
    }
    this.#suspects.push(waiting);
  }

  /** Starts what may start: announces it, and runs it once the announcement has left this process. */
  #pump(): void {
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    try {
      const until = performance.now() + TURN_MS;
      let left = TURN_RECORDS;
      while (this.#announce(left)) {
        if (this.unsent > 0) break; // goes on in #onDrain
        const announced = this.#announced;
        this.#announced = [];
        left -= announced.length;
        this.#run(announced);
        if (left > 0 && performance.now() < until) continue;
        this.#schedule();
        break;
      }
    } finally {
      this.#pumping = false;
    }
  }

  #announce(max: number): boolean {
    const answers = this.#answers;
    if (answers === undefined || !this.#mayStart || this.#closed || this.#announced.length > 0 || this.blocked) return false;
    const { events, load } = this.#options;
    if (this.#suspectsDue > 0 && this.#suspects.length > 0) {
      this.#suspectsDue -= 1;
      this.#suspectsStarted += 1;
      this.#announced.push(this.#suspects.shift() as Waiting);
      events.onStart();
    } else {
      while (this.#announced.length < max && this.#waiting.length > 0 && events.ready()) {
        const next = this.#waiting.shift() as Waiting;
        this.#waitingBytes -= sizeOf(next);
        this.#started = (this.#started + 1) >>> 0;
        this.#announced.push(next);
        events.onStart();
      }
    }
    if (this.#announced.length === 0) return false;
    load.starting(this);
    const suspect = ((this.#announced[0] as Waiting).flags & Flag.suspect) !== 0;
    const { running, queued } = load;
    if (suspect) answers.out.control(FrameKind.suspects, NO_CALL, this.#suspectsStarted, running, queued);
    else answers.out.control(FrameKind.started, NO_CALL, this.#started, running, queued);
    this.#told(running, queued);
    answers.out.flush();
    return true;
  }

  #run(announced: readonly Waiting[]): void {
    for (const { kind, flags, method, callId, bytes, start, end } of announced) {
      try {
        this.#decoder.begin(bytes, start, end);
        this.#options.events.onRequest(kind, flags, method, callId, this.#decoder);
      } catch (error) {
        this.#break(error);
      }
    }
  }

  #onDrain(): void {
    if (this.#closed || this.unsent > 0) return;
    const announced = this.#announced;
    this.#announced = [];
    this.#run(announced);
    if (this.#wasBlocked) {
      this.#wasBlocked = false;
      this.#options.events.onControl();
    }
    this.#pump();
  }

  #schedule(): void {
    if (this.#again || this.#closed) return;
    this.#again = true;
    setImmediate(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    this.#again = false;
    this.#pump();
  };

  /** With the answers of a turn goes the load, if it is another than the client knows. */
  #putLoad(): void {
    const { running, queued } = this.#options.load;
    if (this.#closed || (running === this.#toldRunning && queued === this.#toldQueued)) return;
    this.#answers?.out.control(FrameKind.load, NO_CALL, running, queued);
    this.#told(running, queued);
  }

  #told(running: number, queued: number): void {
    this.#toldRunning = running;
    this.#toldQueued = queued;
    this.#options.load.told(this, running);
  }

  #break(error: unknown): void {
    if (!this.#closed) this.#options.events.onCorrupt(error as SkerryError);
  }
}

function sizeOf(waiting: Waiting): number {
  return HEADER_BYTES + waiting.end - waiting.start;
}
