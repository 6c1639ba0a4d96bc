// The server's end of a channel over wires. See client-end.ts for the other one and transport.ts for the contract.
//
//   wire ──▶ waiting ──ready──▶ announced ──"started n" is in the socket──▶ running ──▶ answer
//
// Requests are always read, so that cancel and credit behind them are heard; the client's window bounds what waits. What waits is
// unstarted: if this process dies, the client still has it and sends it to the successor.
// Invariant: no handler runs before the frame that announces it has left this process. One frame announces all that start in a turn.

import { nowMs } from '../../base/clock.ts';
import type { SkerryError } from '../../base/errors.ts';
import { Kind } from '../../protocol/record.ts';
import { Decoder } from '../codec/decoder.ts';
import { encodeRecord } from '../encode-record.ts';
import { type BodyWriter, NO_CALL, type ServerEnd, type ServerEvents } from '../transport.ts';
import { corruptFrame, FrameKind, FrameReader } from './frames.ts';
import { Intake, type Waiting } from './intake.ts';
import { Levels } from './levels.ts';
import { ANSWERS_MAX_BYTES, BATCH_MS, TURN_MS, TURN_RECORDS } from './limits.ts';
import type { LoadBoard, LoadTeller } from './load-board.ts';
import { Outbox } from './outbox.ts';
import type { Wire, WireEvents } from './wire.ts';

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
  readonly #intake: Intake;
  readonly #levels = new Levels();
  #announced: Waiting[] = [];
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
    this.#intake = new Intake(options.suspects);
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
    if (kind !== Kind.item) this.#levels.forget(callId);
    answers.out.schedule();
  }

  isCancelled(callId: number): boolean {
    return this.#closed || this.#levels.isCancelled(callId);
  }

  creditOf(callId: number): number {
    return this.#levels.creditOf(callId);
  }

  get blocked(): boolean {
    const blocked = this.unsent > ANSWERS_MAX_BYTES;
    if (blocked) this.#wasBlocked = true;
    return blocked;
  }

  get unstarted(): number {
    return this.#intake.length;
  }

  resume(): void {
    if (this.#intake.length > 0) this.#schedule();
  }

  get suspectsWaiting(): number {
    return this.#intake.suspectsLeft;
  }

  /** The suspect may still be on its way: then it is started when it comes. */
  startSuspect(): void {
    if (this.#intake.suspectsLeft === 0) return;
    this.#intake.suspectsLeft -= 1;
    this.#intake.suspectsDue += 1;
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
    this.#intake.clear();
    this.#options.load.forget(this);
    // Announced, and counted as running: calls are refused as given up, notifications have been published.
    this.#run();
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
    switch (reader.kind) {
      case FrameKind.cancel:
        this.#levels.cancel(reader.callId);
        return true;
      case FrameKind.credit:
        this.#levels.setCredit(reader.callId, reader.u32(0));
        return true;
      case Kind.call:
      case Kind.notify:
        this.#intake.add(reader);
        return false;
      default:
        throw corruptFrame(`a frame of kind ${reader.kind} from a client`);
    }
  }

  /** Starts what may start: announces it, and runs it once the announcement has left this process. */
  #pump(): void {
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    try {
      const until = nowMs() + TURN_MS;
      let left = TURN_RECORDS;
      while (this.#announced.length > 0 || this.#announce(left)) {
        if (this.unsent > 0) break; // goes on in #onDrain
        left -= this.#run();
        if (left > 0 && this.#announced.length === 0 && nowMs() < until) continue;
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
    const intake = this.#intake;
    const suspect = intake.nextSuspect();
    if (suspect !== undefined) {
      this.#announced.push(suspect);
      events.onStart();
    } else {
      while (this.#announced.length < max && intake.length > 0 && events.ready()) {
        this.#announced.push(intake.next() as Waiting);
        events.onStart();
      }
    }
    if (this.#announced.length === 0) return false;
    load.starting(this);
    const { running, queued } = load;
    if (suspect === undefined) answers.out.control(FrameKind.started, NO_CALL, intake.started, running, queued);
    else answers.out.control(FrameKind.suspects, NO_CALL, intake.suspectsStarted, running, queued);
    this.#told(running, queued);
    answers.out.flush();
    return true;
  }

  /** Runs what was announced. What does not fit into BATCH_MS waits until answers and others have had their turn. */
  #run(): number {
    const announced = this.#announced;
    this.#announced = []; // a handler may close this end
    const until = nowMs() + BATCH_MS;
    let ran = 0;
    for (const { kind, flags, method, callId, bytes, start, end } of announced) {
      const now = nowMs();
      if (ran > 0 && now > until && !this.#closed) break;
      ran += 1;
      try {
        this.#decoder.begin(bytes, start, end);
        this.#options.events.onRequest(kind, flags, method, callId, this.#decoder, now);
      } catch (error) {
        this.#break(error);
      }
    }
    if (ran < announced.length) this.#announced = announced.slice(ran);
    return ran;
  }

  #onDrain(): void {
    if (this.#closed || this.unsent > 0) return;
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
