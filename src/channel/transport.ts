// The contract of a transport: what carries one channel between a client and a server.
//
//   client end                                    server end
//   send ────────── requests, in order ─────────▶ onRequest     (read only while the server is ready: the rest waits unstarted)
//   onRecord ◀───── answers, in any order ─────── send
//   cancel, credit ── a level per call ─────────▶ isCancelled, creditOf, onControl
//
// The client end outlives the server's instance: it is the mailbox. `attach` joins it to an instance, `freeze` reads what a dead one
// left behind, and from then on `fateOf` tells for each call whether it was started. What was not started is carried over, in order,
// to the next instance attached; that is the transport's duty, not the caller's.
//
// Three implementations stand behind it: ring/ (shared memory), stream/ (Unix sockets) and inline/ (same isolate). One suite,
// test/conformance/, holds them to this file.

import type { SkerryError } from '../base/errors.ts';
import type { Decoder } from './codec/decoder.ts';
import type { Encoder } from './codec/encoder.ts';

/** Writes the payload of a record; a function without state, called again from the start when the first target was too small. */
export type BodyWriter<T> = (encoder: Encoder, body: T) => void;

export interface ClientEvents {
  /** An answer: reply, error, item or end. `body` is valid during the call. Whether the call id is known is the receiver's to check. */
  onRecord(kind: number, flags: number, callId: number, body: Decoder): void;
  /** A queued call cannot be sent after all (SKERRY_MEMORY); the server never saw it. */
  onUnsent(callId: number, error: SkerryError): void;
  /** The peer broke the protocol, or sent what cannot be decoded: the channel must be closed. Nothing more is delivered. */
  onCorrupt(error: SkerryError): void;
}

/** A started call that goes again to the successor, ahead of everything else. */
export interface Suspect {
  readonly callId: number;
  readonly method: number;
  /** The whole payload: deadline, extra, arguments. */
  readonly payload: Uint8Array;
  readonly flags: number;
}

export type Fate = 'started' | 'unstarted';

export interface ClientEnd {
  /**
   * Publishes a record, or queues it in order when there is no room, no peer yet, or it needs a region of its own.
   * @param callId its slot (`callId % CALLS_MAX`) must be free; notifications pass `NO_CALL`.
   * @param onPublished called once when a queued record has been published, or with the error that makes it impossible; not called
   *   when `true` is returned, nor after `cancel`.
   * @returns true when it is published already.
   * @throws SkerryError SKERRY_UNSENDABLE (a value cannot travel; nothing was sent), SKERRY_LIMIT (larger than RECORD_MAX_BYTES).
   */
  send<T>(
    kind: number,
    flags: number,
    method: number,
    callId: number,
    write: BodyWriter<T>,
    body: T,
    onPublished?: (error?: SkerryError) => void,
  ): boolean;
  /**
   * Delivers answers that are here already, without a turn of the event loop, and takes no doorbell for rung: before a call is refused or given
   * up. Not where bytes need a turn to come.
   */
  look?(): void;
  /** A call has its outcome: nothing is expected for it any more, its slot may be used again. */
  settled(callId: number): void;
  /** Takes back a call. @returns true when it had not been published: the server will never see it. */
  cancel(callId: number): boolean;
  /** Items of a stream that the server may send in all since the call began; a level, never lowered. Set it before `send` too. */
  credit(callId: number, total: number): void;
  /** Calls and notifications sent that the server has not started, as far as known. */
  readonly unstarted: number;
  /** Calls waiting and running in the server, all clients together, as it said last; 0 when it does not say. */
  readonly peerLoad: number;
  /** Unstarted calls in the server, all clients together, as it said last. */
  readonly peerQueue: number;
  /** Handlers that ran when the server said it last; after `freeze`, when it died. */
  readonly peerRunning: number;
  /** A debugger may hold the server: nobody's deadline runs. Not known where there is no shared memory. */
  readonly peerDebugged?: boolean;
  /** The server is dead and reaped: delivers the answers that it had published, then fixes the boundary. */
  freeze(): void;
  /** After `freeze`: was this call read by the dead server? A call that was answered must not be asked for. */
  fateOf(callId: number): Fate;
  /** Hands these to the next instance attached, in this order. Their fate counts anew from there. Between `freeze` and the attach. */
  carry(suspects: readonly Suspect[]): void;
  /** The channel is over: gives back regions, sockets, descriptors. Queued records are dropped. */
  close(): void;
}

export interface ServerEvents {
  /** May another request be started now? Asked before each. */
  ready(): boolean;
  /** A request is about to be started: what says that something runs must be visible before the boundary is. */
  onStart(): void;
  /** A request has been started (its boundary is published), at `now` of `nowMs()`. `body` is valid during the call. */
  onRequest(kind: number, flags: number, method: number, callId: number, body: Decoder, now: number): void;
  /** Some call was cancelled or got credit since the last time: look at `isCancelled` and `creditOf` of those that run. */
  onControl(): void;
  /** A queued answer cannot be sent after all (SKERRY_MEMORY): answer with this error instead. */
  onUnsent(callId: number, error: SkerryError): void;
  onCorrupt(error: SkerryError): void;
}

export interface ServerEnd {
  /** Publishes an answer, or queues it until the client has made room; while any is queued no further request is started. */
  send<T>(kind: number, callId: number, write: BodyWriter<T>, body: T): void;
  /** Requests that the client has published and this end has not started, as far as it can see. */
  readonly unstarted: number;
  isCancelled(callId: number): boolean;
  creditOf(callId: number): number;
  /** Answers queued for want of room: a stream should wait. */
  readonly blocked: boolean;
  /** The server became ready again after `ready()` said no. */
  resume(): void;
  /** Suspects that came with the introduction and wait to be run, one at a time. */
  readonly suspectsWaiting: number;
  /** Starts the first of them, now or when it has come: `onRequest` with `Flag.suspect`. */
  startSuspect(): void;
  /**
   * The client is dead and says nothing more: what it had published is still read, answers go nowhere. `onOver` is called once, when all
   * has been started; the end is to be closed then. A transport without it drops what is unstarted.
   */
  orphan?(onOver: () => void): void;
  close(): void;
}

/** The call id of records that belong to no call. */
export const NO_CALL = 0xffff_ffff;
