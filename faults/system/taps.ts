// What leaves an instance, on its way into the ring: replies can be taken out of it, and whoever wants to can act right after a record.

import { RingClientEnd } from '../../src/channel/ring/client-end.ts';
import { RingServerEnd } from '../../src/channel/ring/server-end.ts';
import type { BodyWriter } from '../../src/channel/transport.ts';

/** A record of a server to its client. */
export interface Outgoing {
  readonly kind: number;
  readonly callId: number;
  readonly body: unknown;
  /** Sends this, or something else. */
  send(kind: number, callId: number, body: unknown): void;
}

/** @returns whether it has taken the record: then nothing is sent but what it sends. */
type Tap = (outgoing: Outgoing) => boolean;

let tap: Tap = () => false;
let next: (() => void) | undefined;

const toClient = RingServerEnd.prototype.send;
RingServerEnd.prototype.send = function <T>(this: RingServerEnd, kind: number, callId: number, write: BodyWriter<T>, body: T) {
  const send = (asKind: number, asId: number, asBody: unknown) =>
    toClient.call(this, asKind, asId, write as BodyWriter<unknown>, asBody);
  if (!tap({ kind, callId, body, send })) send(kind, callId, body);
  sent();
};

const toServer = RingClientEnd.prototype.send;
RingClientEnd.prototype.send = function (this: RingClientEnd, ...args: Parameters<typeof toServer>) {
  const isSent = toServer.apply(this, args);
  sent();
  return isSent;
} as typeof toServer;

export function tapReplies(by: Tap): void {
  tap = by;
}

/** Calls back once, when the next record of any channel has been published. */
export function afterNextSend(then: () => void): void {
  next = then;
}

function sent(): void {
  const then = next;
  next = undefined;
  then?.();
}
