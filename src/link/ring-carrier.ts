// The carrier over shared memory: base regions, doorbells, and regions that are announced in a ring.

import { availableParallelism } from 'node:os';
import { Poller } from '../channel/poller.ts';
import { makeSuspectRegion, RingClientEnd } from '../channel/ring/client-end.ts';
import { CLIENT_REGION_BYTES, SERVER_REGION_BYTES } from '../channel/ring/layout.ts';
import type { RegionHost } from '../channel/ring/sender.ts';
import { prepareServerRegion, RingServerEnd } from '../channel/ring/server-end.ts';
import type { ClientEvents, ServerEvents } from '../channel/transport.ts';
import type { Descriptor, NativeAddon, Watch } from '../memory/native.ts';
import { createRegion, mapRegion, type OwnRegion, pageAlign, type Region, RegionKind } from '../memory/region.ts';
import { FAULT_WORDS_OFFSET, LOOP_WORDS_OFFSET, STATUS_REGION_BYTES, StatusCounters } from '../memory/status.ts';
import type { RegionPurpose } from '../protocol/control.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import type { CarriedClient, CarriedServer, Carrier, CarrierLink, Introduce } from './carrier.ts';

const REGION_KIND = { ring: RegionKind.ring, oneOff: RegionKind.oneOff } as const satisfies Record<RegionPurpose, number>;

export class RingCarrier implements Carrier {
  readonly transport = 'ring';
  readonly hello: readonly Descriptor[];
  readonly status: StatusCounters;
  readonly poller: Poller;
  readonly statusRegion: OwnRegion;
  readonly #addon: NativeAddon;
  readonly #link: CarrierLink;
  readonly #watch: Watch;
  readonly #owner: Endpoint;
  readonly #name: string;

  constructor(addon: NativeAddon, link: CarrierLink, owner: Endpoint, name: string) {
    this.#addon = addon;
    this.#link = link;
    this.#owner = owner;
    this.#name = name;
    const bell = addon.pipe();
    this.statusRegion = createRegion(addon, RegionKind.status, STATUS_REGION_BYTES, owner, `${name} status`);
    this.status = new StatusCounters(this.statusRegion);
    this.hello = [this.statusRegion.descriptor, bell.write];
    this.poller = new Poller(availableParallelism(), (on) => this.#keepAlive(on));
    this.#watch = addon.watch(bell.read, 'bell', this.poller.onBell);
    addon.setWatchRef(this.#watch, false);
  }

  /** For servers: loop phase and fault words, so that a hung or dead one can be looked at. */
  observe(serverName: string): void {
    this.#addon.watchLoop(this.statusRegion.buffer, LOOP_WORDS_OFFSET);
    this.#addon.installFaultHandler(serverName, this.statusRegion.buffer, FAULT_WORDS_OFFSET);
  }

  async address(): Promise<undefined> {
    return undefined;
  }

  setRef(keepAlive: boolean): void {
    if (keepAlive) this.poller.hold();
    else this.poller.drop();
  }

  async openClient(ref: number, name: string, events: ClientEvents): Promise<CarriedClient> {
    await this.#link.need(CLIENT_REGION_BYTES);
    const own = createRegion(this.#addon, RegionKind.client, CLIENT_REGION_BYTES, this.#owner, `${this.#name} requests to ${name}`);
    const host = this.#host({ ref });
    const end = new RingClientEnd(own, host, this.poller, events);
    return {
      end,
      descriptors: [own.descriptor],
      attach: (_opened, descriptors) => {
        const [region, bell, status] = this.#expect(descriptors, 3);
        const replies = mapRegion(this.#addon, region, RegionKind.server, `${name} replies`);
        const peerStatus = mapRegion(this.#addon, status, RegionKind.status, `${name} status`);
        const detach = () => {
          peerStatus.release();
          this.#addon.close(bell);
        };
        end.attach(replies, peerStatus, () => this.#addon.ring(bell), detach);
      },
      settle: async (suspects) => {
        const { boundary: from, startedCalls } = end;
        const region = suspects.length === 0 ? undefined : await makeSuspectRegion(host, suspects);
        region?.release();
        return { from, startedCalls, descriptors: region === undefined ? [] : [region.descriptor] };
      },
      introduce: (message, descriptors) => end.introduce(this.#map(message.purpose, descriptors, name)),
    };
  }

  async openServer(introduce: Introduce, descriptors: readonly Descriptor[], events: ServerEvents): Promise<CarriedServer> {
    const { channel, client: clientName, from, startedCalls, suspects, ring } = introduce;
    const count = 2 + (suspects > 0 ? 1 : 0) + (ring === undefined ? 0 : 1);
    const given = [...this.#expect(descriptors, count)];
    const client = mapRegion(this.#addon, given.shift() as Descriptor, RegionKind.client, `${clientName} requests`);
    const bell = given.shift() as Descriptor;
    const suspectRegion =
      suspects > 0 ? mapRegion(this.#addon, given.shift() as Descriptor, RegionKind.suspects, `${clientName} suspects`) : undefined;
    const ringRegion =
      ring === undefined ? undefined : mapRegion(this.#addon, given.shift() as Descriptor, RegionKind.ring, `${clientName} requests`);
    await this.#link.need(SERVER_REGION_BYTES);
    const own = createRegion(this.#addon, RegionKind.server, SERVER_REGION_BYTES, this.#owner, `${this.#name} replies to ${clientName}`);
    prepareServerRegion(own, from, startedCalls);
    const end = new RingServerEnd({
      client,
      own,
      host: this.#host({ channel }),
      poller: this.poller,
      events,
      from,
      startedCalls,
      ring: () => this.#addon.ring(bell),
      suspects: suspectRegion === undefined ? undefined : { region: suspectRegion, count: suspects },
      ringRegion: ringRegion === undefined || ring === undefined ? undefined : { region: ringRegion, start: ring },
      onClose: () => {
        this.#addon.close(bell);
        this.#link.giveBack(SERVER_REGION_BYTES);
      },
    });
    return {
      end,
      descriptors: [own.descriptor],
      start: () => end.start(),
      introduce: (message, more) => end.introduce(this.#map(message.purpose, more, clientName)),
    };
  }

  close(): void {
    this.#addon.unwatch(this.#watch);
    this.statusRegion.release();
  }

  #keepAlive(on: boolean): void {
    this.#addon.setWatchRef(this.#watch, on);
  }

  #map(purpose: RegionPurpose, descriptors: readonly Descriptor[], name: string): Region {
    const [region] = this.#expect(descriptors, 1);
    return mapRegion(this.#addon, region, REGION_KIND[purpose], `${name} ${purpose}`);
  }

  #expect(descriptors: readonly Descriptor[], count: number): [Descriptor, Descriptor, Descriptor] {
    if (descriptors.length !== count) {
      for (const descriptor of descriptors) this.#addon.close(descriptor);
      throw new Error(`${descriptors.length} descriptors came with an introduction; expected ${count}`);
    }
    return descriptors as unknown as [Descriptor, Descriptor, Descriptor];
  }

  #host(name: { ref: number } | { channel: number }): RegionHost {
    return {
      makeRegion: async (kind, sizeBytes) => {
        await this.#link.need(pageAlign(sizeBytes));
        return createRegion(this.#addon, kind, sizeBytes, this.#owner, `${this.#name} region`);
      },
      offer: (region, start) => {
        const purpose: RegionPurpose = region.kind === RegionKind.ring ? 'ring' : 'oneOff';
        this.#link.send({ t: 'offer', ...name, region: region.id, purpose, start, bytes: region.sizeBytes }, [region.descriptor], [region.descriptor]);
      },
      retire: (region) => {
        region.release();
        this.#link.send({ t: 'retire', ...name, region: region.id, bytes: region.sizeBytes });
      },
    };
  }
}
