// A real client end and a real server end of one channel in one isolate, over plain memory: what a hostile peer would write into its
// region, a test writes into the same bytes. The kernel's part (introducing regions) is played by setImmediate.

import { setImmediate as turn } from 'node:timers/promises';
import type { SkerryError } from '../../src/base/errors.ts';
import { Poller } from '../../src/channel/poller.ts';
import { makeSuspectRegion, RingClientEnd } from '../../src/channel/ring/client-end.ts';
import { CLIENT_REGION_BYTES, SERVER_REGION_BYTES } from '../../src/channel/ring/layout.ts';
import type { RegionHost } from '../../src/channel/ring/sender.ts';
import { prepareServerRegion, RingServerEnd } from '../../src/channel/ring/server-end.ts';
import type { Suspect } from '../../src/channel/transport.ts';
import { type OwnRegion, RegionKind } from '../../src/memory/region.ts';
import { STATUS_REGION_BYTES, StatusCounters } from '../../src/memory/status.ts';
import { Call } from '../../src/rpc/call.ts';
import { Channel } from '../../src/rpc/channel.ts';
import type { Connection } from '../../src/rpc/connection.ts';
import { Deadlines } from '../../src/rpc/deadlines.ts';
import { Dispatcher } from '../../src/rpc/dispatcher.ts';
import type { Handler } from '../../src/rpc/handler.ts';
import { memoryRegion } from './memory-region.ts';

const METHODS = ['echo', 'fails', 'items', 'later'] as const;
export type MethodName = (typeof METHODS)[number];

const RUN: Record<MethodName, (...args: unknown[]) => unknown> = {
  echo: (value) => value,
  fails: () => {
    throw new Error('as it should');
  },
  async *items(count) {
    for (let i = 0; i < Number(count) && i < 1_000; i++) yield i;
  },
  later: async (value) => {
    await turn();
    return value;
  },
};

const handlers: Handler[] = METHODS.map((name) => ({ name, stream: name === 'items', input: undefined, run: RUN[name] }));

/** One isolate's poller and one server's dispatcher, for any number of channels. */
export class RingWorld {
  readonly poller = new Poller(1, () => {});
  readonly deadlines = new Deadlines();
  readonly status = memoryRegion(RegionKind.status, STATUS_REGION_BYTES);
  readonly dispatcher = new Dispatcher({ server: 'fuzzed', handlers, concurrency: 64, status: new StatusCounters(this.status) });
}

export interface PairOptions {
  /** The first position of the request ring. */
  readonly position?: number;
  /** Memory of the client's region, to be scribbled on by another thread. */
  readonly clientMemory?: ArrayBuffer;
  readonly serverMemory?: ArrayBuffer;
  /** The server's instance is a successor that is sent these first. */
  readonly suspects?: readonly Suspect[];
  /** What a hostile client does to the region of its suspects before the server sees it. */
  readonly onSuspects?: (region: OwnRegion) => void;
  readonly suspectCount?: number;
}

export class RingPair {
  readonly clientRegion: OwnRegion;
  readonly serverRegion: OwnRegion;
  readonly channel: Channel;
  readonly client: RingClientEnd;
  readonly server: RingServerEnd;
  readonly connection: Connection;
  /** Regions that either side has offered so far. */
  readonly offered: OwnRegion[] = [];
  clientBroken: SkerryError | undefined;
  serverBroken: SkerryError | undefined;
  #closed = false;

  static async make(world: RingWorld, options: PairOptions = {}): Promise<RingPair> {
    const { suspects } = options;
    if (suspects === undefined) return new RingPair(world, options, undefined);
    const region = await makeSuspectRegion(
      { makeRegion: async (kind, bytes) => memoryRegion(kind, bytes), offer() {}, retire() {} },
      suspects,
    );
    options.onSuspects?.(region);
    return new RingPair(world, options, { region, count: options.suspectCount ?? suspects.length });
  }

  private constructor(world: RingWorld, options: PairOptions, suspects: { region: OwnRegion; count: number } | undefined) {
    const { position = 0, clientMemory, serverMemory } = options;
    const { poller, dispatcher } = world;
    this.clientRegion = memoryRegion(RegionKind.client, CLIENT_REGION_BYTES, clientMemory);
    this.serverRegion = memoryRegion(RegionKind.server, SERVER_REGION_BYTES, serverMemory);
    this.channel = new Channel({
      name: 'fuzzed.0',
      deadlines: world.deadlines,
      life: { hold() {}, drop() {} },
      onBroken: (error) => {
        this.clientBroken = error;
      },
    });
    const ring = (): void => {
      setImmediate(poller.onBell);
    };
    this.client = new RingClientEnd(this.clientRegion, this.#host('server'), poller, this.channel, position);
    this.channel.use(this.client);
    this.connection = dispatcher.connect({
      principal: 'hostile',
      allowed: undefined,
      onBroken: (error) => {
        this.serverBroken = error;
      },
    });
    prepareServerRegion(this.serverRegion, position, 0);
    this.server = new RingServerEnd({
      client: this.clientRegion,
      own: this.serverRegion,
      host: this.#host('client'),
      poller,
      events: this.connection,
      from: position,
      startedCalls: 0,
      ring,
      suspects,
      ringRegion: undefined,
      onClose: () => {},
    });
    this.connection.use(this.server).join();
    this.client.attach(this.serverRegion, world.status, ring);
    this.server.start();
    if (suspects !== undefined) dispatcher.next();
  }

  call(method: MethodName, args: readonly unknown[], idempotent = false): Promise<unknown> {
    return this.channel.call(this.#call(method, args, idempotent));
  }

  stream(count: number): AsyncIterableIterator<unknown> {
    return this.channel.stream(this.#call('items', [count], false));
  }

  notify(value: unknown): Promise<void> {
    return this.channel.notify(this.#call('echo', [value], false));
  }

  close(error: SkerryError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.channel.close(error);
    this.connection.close(error);
  }

  #call(method: MethodName, args: readonly unknown[], idempotent: boolean): Call {
    return new Call(`fuzzed.${method}`, METHODS.indexOf(method), idempotent, 0, 0, undefined, args, undefined, undefined);
  }

  #host(to: 'client' | 'server'): RegionHost {
    return {
      makeRegion: async (kind, sizeBytes) => memoryRegion(kind, sizeBytes),
      offer: (region) => {
        this.offered.push(region);
        setImmediate(() => {
          if (!this.#closed) this[to].introduce(region);
        });
      },
      retire: () => {},
    };
  }
}

/** Lets the event loop turn so often: enough for what is published to be taken and answered. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}
