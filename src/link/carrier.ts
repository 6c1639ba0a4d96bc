// What differs between the transports when a channel is made: a carrier makes the two ends and the words that introduce them.

import type { Life } from '../base/life.ts';
import type { ClientEnd, ClientEvents, ServerEnd, ServerEvents, Suspect } from '../channel/transport.ts';
import type { BlackBox } from '../memory/black-box.ts';
import type { Descriptor } from '../memory/native.ts';
import type { StatusCounters } from '../memory/status.ts';
import type { FromKernel } from '../protocol/control.ts';

export type Opened = Extract<FromKernel, { t: 'opened' }>;
export type Introduce = Extract<FromKernel, { t: 'introduce' }>;
export type RegionMessage = Extract<FromKernel, { t: 'region' }>;

export interface Settlement {
  readonly from: number;
  readonly startedCalls: number;
  readonly descriptors: readonly Descriptor[];
}

/** A client end as its carrier knows it. */
export interface CarriedClient {
  readonly end: ClientEnd;
  /** Handed to the kernel with `open`; closed once sent. */
  readonly descriptors: readonly Descriptor[];
  /** The kernel has introduced an instance. @throws SKERRY_CORRUPT */
  attach(opened: Opened, descriptors: readonly Descriptor[]): void;
  /** The instance is dead and reaped: resolves when all that it had sent has been delivered; undefined: it has been. */
  ended?(): Promise<void> | undefined;
  /** After `died`: what the kernel needs to introduce the successor. */
  settle(suspects: readonly Suspect[]): Promise<Settlement>;
  /** A region that the server announced. */
  introduce(message: RegionMessage, descriptors: readonly Descriptor[]): void;
  /** The server needs a region that it announced no more. */
  retired?(region: number): void;
}

export interface CarriedServer {
  readonly end: ServerEnd;
  /** Handed to the kernel with `accept`; closed once sent. */
  readonly descriptors: readonly Descriptor[];
  readonly token?: string;
  /** The kernel has been told: requests may be started from now on. */
  start(): void;
  introduce(message: RegionMessage, descriptors: readonly Descriptor[]): void;
  /** The client needs a region that it announced no more. */
  retired?(region: number): void;
}

/** How a carrier speaks with the kernel. */
export interface CarrierLink {
  /** Asks the memory budget. Rejects with SKERRY_MEMORY. */
  need(bytes: number): Promise<void>;
  giveBack(bytes: number): void;
  send(message: object, descriptors?: readonly Descriptor[], release?: readonly Descriptor[]): void;
}

export interface Carrier {
  readonly transport: 'ring' | 'stream';
  /** Descriptors that introduce this process to the kernel (status region, doorbell, of a server the black box). */
  readonly hello: readonly Descriptor[];
  readonly status: StatusCounters;
  readonly box: BlackBox;
  /** Makes a server's loop, its calls and its end visible to others, as far as the transport can. Before `hello` is sent. */
  observe?(serverName: string): void;
  /** Calls `hear` before this process sleeps for want of messages. Not where counters go out with messages. */
  onIdle?(hear: () => void): void;
  /** Where server ends are reached; undefined when regions are handed over instead. */
  address(): Promise<string | undefined>;
  openClient(ref: number, name: string, events: ClientEvents): Promise<CarriedClient>;
  openServer(introduce: Introduce, descriptors: readonly Descriptor[], events: ServerEvents): Promise<CarriedServer>;
  /** Resolves when no answer waits in this process any more. */
  flushed?(): Promise<void>;
  /** Closes descriptors that came for something that is gone already. */
  discard(descriptors: readonly Descriptor[]): void;
  /** Keeps the process alive while it is held. */
  readonly life: Life;
  close(): void;
}
