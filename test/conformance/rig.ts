// What the conformance suite needs of a transport: mailboxes, instances to introduce to them, and a way to kill one.

import type { ClientEnd, ClientEvents, ServerEnd, ServerEvents, Suspect } from '../../src/channel/transport.ts';
import type { StatusCounters } from '../../src/memory/status.ts';

/** What the channels of one run of a server have in common. */
export interface RigInstance {
  readonly status: StatusCounters;
}

/** An instance's half of a channel. */
export interface RigServer {
  readonly end: ServerEnd;
  /** Requests may be started from now on. */
  start(): void;
  /** As if its process were killed: what it has sent arrives, nothing else does; what it had not started stays with the client. */
  kill(): void;
}

export interface RigClient {
  readonly end: ClientEnd;
  /** Introduces an instance: the first, or the successor of one that was killed. */
  introduce(instance: RigInstance, events: ServerEvents, suspects: readonly Suspect[]): Promise<RigServer>;
  /** The instance was killed: resolves when all that it had sent is there. */
  ended(): Promise<void>;
}

export interface Rig {
  readonly name: string;
  client(events: ClientEvents): RigClient;
  instance(): RigInstance;
  /** What has been taken and not given back, in words; nothing when all channels are closed. */
  leaks(): readonly string[];
}

export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
