// The ring transport in one process: both ends work on the same ArrayBuffers, the kernel's part is played by setImmediate.

import { SkerryError } from '../../src/base/errors.ts';
import { Poller } from '../../src/channel/poller.ts';
import { makeSuspectRegion, RingClientEnd } from '../../src/channel/ring/client-end.ts';
import { CLIENT_REGION_BYTES, SERVER_REGION_BYTES } from '../../src/channel/ring/layout.ts';
import type { RegionHost } from '../../src/channel/ring/sender.ts';
import { prepareServerRegion, RingServerEnd } from '../../src/channel/ring/server-end.ts';
import type { ServerEvents } from '../../src/channel/transport.ts';
import type { Descriptor } from '../../src/memory/native.ts';
import { type OwnRegion, pageAlign, type Region, RegionKind } from '../../src/memory/region.ts';
import { STATUS_REGION_BYTES, StatusCounters } from '../../src/memory/status.ts';
import { type Rig, type RigClient, type RigInstance, type RigServer, turn } from './rig.ts';

interface RingInstance extends RigInstance {
  readonly region: FakeRegion;
}

export interface RingRigOptions {
  /** Where request positions begin. */
  readonly position?: number;
  /** Regions larger than this are refused, as by the kernel's budget. */
  readonly regionMaxBytes?: number;
  /** The kernel answers no client that asks for a region. */
  readonly silent?: boolean;
}

/** All regions and their maps that have not been released. */
class Ledger {
  readonly live = new Map<FakeRegion, string>();
  readonly pollables = new Set<object>();
}

let lastId = 0;

/** A region, or a map of one: the same memory with a release of its own. */
class FakeRegion implements OwnRegion {
  readonly id: number;
  readonly kind: number;
  readonly sizeBytes: number;
  readonly descriptor: Descriptor;
  readonly buffer: ArrayBuffer;
  u8: Uint8Array;
  i32: Int32Array;
  f64: Float64Array;
  readonly #ledger: Ledger;

  constructor(ledger: Ledger, kind: number, what: string, buffer: ArrayBuffer, id: number) {
    this.#ledger = ledger;
    this.id = id;
    this.kind = kind;
    this.buffer = buffer;
    this.sizeBytes = buffer.byteLength;
    this.descriptor = id as unknown as Descriptor; // only the kernel would look at it
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    ledger.live.set(this, what);
  }

  map(what: string): FakeRegion {
    return new FakeRegion(this.#ledger, this.kind, what, this.buffer, this.id);
  }

  /** What it says is constant from now on. */
  freeze(): void {
    this.i32 = this.i32.slice();
  }

  release(): void {
    this.#ledger.live.delete(this);
  }
}

class CountingPoller extends Poller {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    super(2, () => {});
    this.#ledger = ledger;
  }

  override add(pollable: Parameters<Poller['add']>[0]): void {
    this.#ledger.pollables.add(pollable);
    super.add(pollable);
  }

  override remove(pollable: Parameters<Poller['remove']>[0]): void {
    this.#ledger.pollables.delete(pollable);
    super.remove(pollable);
  }
}

export class RingRig implements Rig {
  readonly name: string;
  readonly #ledger = new Ledger();
  readonly #clientPoller = new CountingPoller(this.#ledger);
  readonly #serverPoller = new CountingPoller(this.#ledger);
  readonly #options: RingRigOptions;

  constructor(name: string, options: RingRigOptions = {}) {
    this.name = name;
    this.#options = options;
  }

  leaks(): readonly string[] {
    const pollables = [...this.#ledger.pollables].map((pollable) => `pollable ${pollable.constructor.name}`);
    return [...this.#ledger.live.values(), ...pollables];
  }

  instance(): RingInstance {
    const region = this.#region(RegionKind.status, STATUS_REGION_BYTES, 'status');
    region.release(); // the instance's own: goes with it
    return { region, status: new StatusCounters(region) };
  }

  client(events: ConstructorParameters<typeof RingClientEnd>[3]): RigClient {
    const { position = 0 } = this.#options;
    const own = this.#region(RegionKind.client, CLIENT_REGION_BYTES, 'client region');
    /** What the kernel keeps: regions that the client announced and has not retired. */
    const kept = new Map<number, { region: FakeRegion; start: number }>();
    let server: RingServerEnd | undefined;
    const host: RegionHost = {
      makeRegion: (kind, sizeBytes) =>
        this.#options.silent === true ? new Promise(() => {}) : this.#makeRegion(kind, sizeBytes, 'client'),
      offer: (region, start) => {
        const offered = region as FakeRegion;
        kept.set(region.id, { region: offered, start });
        const to = server;
        setImmediate(() => {
          if (to !== undefined && to === server && kept.has(region.id))
            to.introduce(offered.map('server map of a client region'));
        });
      },
      retire: (region) => {
        kept.delete(region.id);
        region.release();
      },
    };
    const end = new RingClientEnd(own, host, this.#clientPoller, events, position);
    return {
      end,
      introduce: async (instance, serverEvents, suspects) => {
        const suspectRegion = suspects.length === 0 ? undefined : ((await makeSuspectRegion(host, suspects)) as FakeRegion);
        const from = end.boundary;
        const rings = [...kept.values()]
          .filter(({ region }) => region.kind === RegionKind.ring)
          .sort((a, b) => a.start - b.start);
        const ring = rings.filter(({ start }) => start <= from).pop();
        const later = [...kept.values()].filter(
          (entry) => entry !== ring && (entry.region.kind === RegionKind.oneOff || entry.start > from),
        );
        const status = (instance as RingInstance).region.map('client map of status');
        const made = this.#server({
          serverEvents,
          client: own,
          from,
          startedCalls: end.startedCalls,
          suspects: suspectRegion === undefined ? undefined : { region: suspectRegion, count: suspects.length },
          ring: ring === undefined ? undefined : { region: ring.region.map('server map of a ring'), start: ring.start },
          introduce: (region) => end.introduce(region),
          onKill: () => {
            status.freeze();
            server = undefined;
          },
        });
        server = made.end;
        for (const { region } of later) setImmediate(() => made.end.introduce(region.map('server map of a later region')));
        await turn();
        end.attach(made.region.map('client map of replies'), status, this.#bell(this.#serverPoller), () => status.release());
        return made.server;
      },
      ended: async () => {
        await turn();
        await turn();
      },
    };
  }

  #server(options: {
    serverEvents: ServerEvents;
    client: FakeRegion;
    from: number;
    startedCalls: number;
    suspects: { region: Region; count: number } | undefined;
    ring: { region: Region; start: number } | undefined;
    introduce: (region: Region) => void;
    onKill: () => void;
  }): { end: RingServerEnd; region: FakeRegion; server: RigServer } {
    const { serverEvents, client, from, startedCalls, suspects, ring } = options;
    const region = this.#region(RegionKind.server, SERVER_REGION_BYTES, 'server region');
    prepareServerRegion(region, from, startedCalls);
    let dead = false;
    const taken = new Set<OwnRegion>([region]);
    const end = new RingServerEnd({
      client: client.map('server map of the client region'),
      own: region,
      host: {
        makeRegion: async (kind, sizeBytes) => {
          const made = await this.#makeRegion(kind, sizeBytes, 'server');
          taken.add(made);
          if (!dead) return made;
          made.release();
          return new Promise(() => {});
        },
        offer: (made) => {
          if (!dead) setImmediate(() => options.introduce((made as FakeRegion).map('client map of a server region')));
        },
        retire: (made) => made.release(),
      },
      poller: this.#serverPoller,
      events: serverEvents,
      from,
      startedCalls,
      ring: this.#bell(this.#clientPoller),
      suspects,
      ringRegion: ring,
      onClose: () => {},
    });
    // A handler that goes on in this process after the "death" writes no more: the end is closed.
    return {
      end,
      region,
      server: {
        end,
        start: () => end.start(),
        kill: () => {
          dead = true;
          options.onKill();
          end.close(); // only gives back what is this process's: its regions' bytes stay as they are
          for (const made of taken) made.release();
        },
      },
    };
  }

  async #makeRegion(kind: RegionKind, sizeBytes: number, whose: string): Promise<FakeRegion> {
    await turn();
    if (sizeBytes > (this.#options.regionMaxBytes ?? Number.POSITIVE_INFINITY)) {
      throw new SkerryError('SKERRY_MEMORY', `a region of ${sizeBytes} bytes is over the budget of this test`);
    }
    return this.#region(kind, sizeBytes, `${whose} region of kind ${kind}`);
  }

  #region(kind: number, sizeBytes: number, what: string): FakeRegion {
    lastId += 1;
    return new FakeRegion(this.#ledger, kind, what, new ArrayBuffer(pageAlign(sizeBytes)), lastId);
  }

  #bell(poller: Poller): () => void {
    return () => {
      setImmediate(() => poller.onBell());
    };
  }
}
