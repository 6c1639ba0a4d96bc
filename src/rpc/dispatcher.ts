// The server's side: takes requests from all channels of an instance, runs the handlers, answers.
//
// At most `concurrency` handlers run at once; what is beyond stays unstarted in the clients' rings. Suspects (calls that a
// predecessor died with) go first, one at a time, with nothing else running; until every client of the predecessor has said what it
// has (`settling`), nothing is started at all. Rights and principal come from the kernel's introduction, never from a record.

import { processMs, realDelay } from '../base/clock.ts';
import { BlackBox } from '../memory/black-box.ts';
import type { StatusCounters } from '../memory/status.ts';
import { type Caller, Connection, type ConnectionHost } from './connection.ts';
import type { Handler } from './handler.ts';

export interface DispatcherOptions {
  /** `geo`: for messages and the call path. */
  readonly server: string;
  readonly handlers: readonly Handler[];
  readonly concurrency: number;
  readonly status: StatusCounters;
  /** Default: one that keeps nothing. */
  readonly box?: BlackBox;
}

/** How often the depth of the queue is counted while calls are started. */
const QUEUED_EVERY_MS = 0.5;
const QUIET_MS = 4;
const QUIET_LOOKS = 3;

export class Dispatcher implements ConnectionHost {
  readonly options: DispatcherOptions;
  readonly box: BlackBox;
  #lastClient = 0;
  readonly #connections = new Set<Connection>();
  #running = 0;
  /** Reasons to hold everything back. */
  #settling = 0;
  #draining = false;
  #suspects = 0;
  /** A suspect has been asked for, or runs: nothing else starts. */
  #suspectRuns = false;
  /** Handlers among `#running` that were aborted and go on. */
  #abandoned = 0;
  /** Streams among `#running` that wait for credit or room: they compute nothing. */
  #paused = 0;
  #queuedAtMs = 0;

  constructor(options: DispatcherOptions) {
    this.options = options;
    this.box = options.box ?? new BlackBox(undefined);
  }

  get running(): number {
    return this.#running;
  }

  connect(caller: Caller): Connection {
    this.#lastClient += 1;
    this.box.client(this.#lastClient, `${caller.name ?? 'a client'} (${caller.principal})`);
    return new Connection(this, caller, this.#lastClient);
  }

  /** Counts a connection from when it has its end; until then there is nothing to read. */
  join(connection: Connection): void {
    this.#connections.add(connection);
  }

  disconnect(connection: Connection): void {
    this.#connections.delete(connection);
    this.options.status.count(this.#queued());
  }

  /** A successor holds all requests back until the predecessor's clients have settled. */
  hold(): void {
    this.#settling += 1;
  }

  release(): void {
    this.#settling -= 1;
    this.next();
  }

  /**
   * Serves what has been published, until nothing runs and nothing waits, or the time is over; starts nothing from then on. Nothing is
   * QUIET_LOOKS times nothing, QUIET_MS apart: a call may be on its way while the order to stop has been faster.
   */
  async drain(longestMs: number): Promise<void> {
    const until = processMs() + longestMs;
    for (let quiet = 0; processMs() < until; ) {
      quiet = this.#running === 0 && this.#queued() === 0 ? quiet + 1 : 0;
      if (quiet === QUIET_LOOKS) break; // and nothing can start between this look and the line below the loop
      await realDelay(QUIET_MS);
    }
    this.#draining = true;
  }

  ready(): boolean {
    return this.#hasPlace() && this.#suspects === 0 && !this.#suspectRuns && this.#settling === 0 && !this.#draining;
  }

  /** What takes a place. A paused stream takes none, but where one place is the promise that nothing else runs within. */
  #busy(): number {
    return this.#running - (this.options.concurrency === 1 ? 0 : this.#paused);
  }

  #hasPlace(): boolean {
    return this.#busy() < this.options.concurrency;
  }

  /** Suspects came with a channel (positive), or were dropped (negative). */
  countSuspects(change: number): void {
    this.#suspects += change;
  }

  suspectAsked(): void {
    this.#suspects -= 1;
    this.#suspectRuns = true;
  }

  /** It left before it could be started. */
  suspectGone(): void {
    this.#suspectRuns = false;
  }

  pause(change: number): void {
    this.#paused += change;
    if (change < 0) return;
    if (this.#isQuiet()) this.#suspectRuns = false;
    this.next();
  }

  abandon(change: number): void {
    this.#abandoned += change;
    if (change < 0 || !this.#isQuiet()) return;
    this.#suspectRuns = false; // it has its outcome: the others need not wait for what it does now
    this.next();
  }

  /** Nothing runs that anybody waits for: neither what was aborted nor a stream whose consumer takes nothing. */
  #isQuiet(): boolean {
    return this.#busy() <= this.#abandoned;
  }

  starting(): void {
    this.#running += 1;
    this.options.status.begin(this.#running);
  }

  /** @returns true once in a while: then the call's time is taken. */
  countQueue(now: number): boolean {
    return now - this.#queuedAtMs >= QUEUED_EVERY_MS && this.#count(now);
  }

  /** Apart, since it is rare: what runs for each call is inlined while it is small. */
  #count(now: number): true {
    const { status } = this.options;
    this.#queuedAtMs = now;
    status.count(this.#queued());
    status.times.count(now, status.started - 1); // without this call, which is started already
    return true;
  }

  /**
   * What is counted only now and then is counted again, and stands while this process sleeps. Who sleeps and could start has left nothing,
   * but where answers wait for room, or a region is on its way.
   */
  readonly recount = (): void => {
    this.options.status.count(this.ready() ? 0 : this.#queued());
  };

  took(ms: number): void {
    this.options.status.times.took(ms);
  }

  ended(failed: boolean): void {
    const heldBack = !this.ready();
    this.#running -= 1;
    const { status } = this.options;
    status.end(this.#running, failed);
    if (heldBack || status.queued > 0) this.#goOn();
  }

  /** After requests were held back. Apart, since it looks at words that the clients write. */
  #goOn(): void {
    this.options.status.count(this.#queued());
    if (this.#isQuiet()) this.#suspectRuns = false;
    this.next();
  }

  /** Looks what may start now. */
  next(): void {
    if (this.#settling > 0 || this.#draining || this.#suspectRuns) return;
    if (this.#suspects > 0) {
      if (this.#isQuiet()) for (const connection of this.#connections) if (connection.startSuspect()) return;
      return;
    }
    for (const connection of this.#connections) connection.end.resume();
  }

  #queued(): number {
    let queued = 0;
    for (const connection of this.#connections) queued += connection.end.unstarted;
    return queued;
  }
}
