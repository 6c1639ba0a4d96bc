// The carrier over shared memory: base regions, doorbells, and regions that are announced in a ring.

import { availableParallelism } from 'node:os';
import { SkerryError } from '../base/errors.ts';
import { type Life, LifeTimer } from '../base/life.ts';
import { Poller } from '../channel/poller.ts';
import { makeSuspectRegion, RingClientEnd } from '../channel/ring/client-end.ts';
import { CLIENT_REGION_BYTES, SERVER_REGION_BYTES } from '../channel/ring/layout.ts';
import type { RegionHost } from '../channel/ring/sender.ts';
import { prepareServerRegion, RingServerEnd } from '../channel/ring/server-end.ts';
import type { ClientEvents, ServerEvents } from '../channel/transport.ts';
import { BLACK_BOX_BYTES, BlackBox } from '../memory/black-box.ts';
import type { Descriptor, NativeAddon } from '../memory/native.ts';
import { createRegion, mapRegion, type OwnRegion, pageAlign, type Region, RegionKind } from '../memory/region.ts';
import { FAULT_WORDS_OFFSET, LOOP_WORDS_OFFSET, STATUS_REGION_BYTES, StatusCounters } from '../memory/status.ts';
import type { RegionPurpose } from '../protocol/control.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import type { CarriedClient, CarriedServer, Carrier, CarrierLink, Introduce } from './carrier.ts';

const REGION_KIND = { ring: RegionKind.ring, oneOff: RegionKind.oneOff } as const satisfies Record<RegionPurpose, number>;

export class RingCarrier implements Carrier {
  readonly transport = 'ring';
  readonly hello: Descriptor[];
  box = new BlackBox(undefined);
  #boxRegion: OwnRegion | undefined;
  readonly status: StatusCounters;
  readonly poller: Poller;
  readonly statusRegion: OwnRegion;
  readonly #addon: NativeAddon;
  readonly #link: CarrierLink;
  /** The end of this process's doorbell that is read. */
  readonly #bell: Descriptor;
  readonly #timer = new LifeTimer();
  readonly #serverEnds = new Set<RingServerEnd>();
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
    this.poller = new Poller(availableParallelism(), (on) => (on ? this.#timer.hold() : this.#timer.drop()));
    this.#bell = bell.read;
    addon.setWatchRef(addon.watch(bell.read, 'bell', this.poller.onBell), false);
  }

  /** For servers: loop phase and fault words, so that a hung or dead one can be looked at. */
  observe(serverName: string): void {
    this.#addon.watchLoop(this.statusRegion.buffer, LOOP_WORDS_OFFSET);
    this.#addon.installFaultHandler(serverName, this.statusRegion.buffer, FAULT_WORDS_OFFSET);
    this.#boxRegion = createRegion(this.#addon, RegionKind.blackBox, BLACK_BOX_BYTES, this.#owner, `${this.#name} black box`);
    this.box = new BlackBox(this.#boxRegion);
    this.hello.push(this.#boxRegion.descriptor);
  }

  /** A pending call keeps the process alive, its doorbell does not. */
  get life(): Life {
    return this.poller;
  }

  async address(): Promise<undefined> {
    return undefined;
  }

  async openClient(ref: number, name: string, events: ClientEvents): Promise<CarriedClient> {
    await this.#link.need(CLIENT_REGION_BYTES);
    const own = this.#create(RegionKind.client, CLIENT_REGION_BYTES, `${this.#name} requests to ${name}`);
    const host = this.#host({ ref }, own); // goes to the kernel with `open`
    const end = new RingClientEnd(own, host, this.poller, events);
    return {
      end,
      descriptors: [own.descriptor],
      attach: (_opened, descriptors) => {
        const given = new Given(this.#addon, descriptors, 3);
        try {
          const replies = given.region(RegionKind.server, `${name} replies`, SERVER_REGION_BYTES);
          const bell = given.descriptor();
          const peerStatus = given.region(RegionKind.status, `${name} status`, STATUS_REGION_BYTES);
          const detach = () => {
            peerStatus.release();
            this.#addon.close(bell);
          };
          end.attach(replies, peerStatus, () => this.#addon.ring(bell), detach);
        } catch (error) {
          given.discard();
          throw error;
        }
      },
      settle: async (suspects) => {
        const { boundary: from, startedCalls } = end;
        const region = suspects.length === 0 ? undefined : await makeSuspectRegion(host, suspects);
        if (region !== undefined) {
          region.release();
          this.#link.giveBack(region.sizeBytes); // from here on the kernel's
        }
        return { from, startedCalls, descriptors: region === undefined ? [] : [region.descriptor] };
      },
      introduce: (message, descriptors) => end.introduce(this.#map(message.purpose, descriptors, name)),
      retired: (region) => end.retired(region),
    };
  }

  async openServer(introduce: Introduce, descriptors: readonly Descriptor[], events: ServerEvents): Promise<CarriedServer> {
    const { client: clientName, suspects, ring } = introduce;
    const count = 2 + (suspects > 0 ? 1 : 0) + (ring === undefined ? 0 : 1);
    const given = new Given(this.#addon, descriptors, count);
    try {
      const client = given.region(RegionKind.client, `${clientName} requests`, CLIENT_REGION_BYTES);
      const bell = given.descriptor();
      const suspectRegion = suspects > 0 ? given.region(RegionKind.suspects, `${clientName} suspects`) : undefined;
      const ringRegion = ring === undefined ? undefined : given.region(RegionKind.ring, `${clientName} requests`);
      await this.#link.need(SERVER_REGION_BYTES);
      return this.#serve(introduce, events, client, bell, suspectRegion, ringRegion);
    } catch (error) {
      given.discard();
      throw error;
    }
  }

  #serve(
    introduce: Introduce,
    events: ServerEvents,
    client: Region,
    bell: Descriptor,
    suspectRegion: Region | undefined,
    ringRegion: Region | undefined,
  ): CarriedServer {
    const { channel, client: clientName, from, startedCalls, suspects, ring } = introduce;
    const own = this.#create(RegionKind.server, SERVER_REGION_BYTES, `${this.#name} replies to ${clientName}`);
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
        this.#serverEnds.delete(end);
        this.#addon.close(bell);
        this.#link.giveBack(SERVER_REGION_BYTES);
      },
    });
    this.#serverEnds.add(end);
    return {
      end,
      descriptors: [own.descriptor],
      start: () => end.start(),
      introduce: (message, more) => end.introduce(this.#map(message.purpose, more, clientName)),
      retired: (region) => end.retired(region),
    };
  }

  onIdle(hear: () => void): void {
    this.poller.onIdle = hear;
  }

  /** Answers that waited for room have been published: a client reads them even after this process's end. */
  async flushed(): Promise<void> {
    while ([...this.#serverEnds].some((end) => end.blocked)) {
      await new Promise((resolve) => {
        setTimeout(resolve, 1);
      });
    }
  }

  discard(descriptors: readonly Descriptor[]): void {
    for (const descriptor of descriptors) this.#addon.close(descriptor);
  }

  close(): void {
    this.#timer.end();
    this.#addon.close(this.#bell);
    this.statusRegion.release();
    this.#boxRegion?.release();
  }

  #map(purpose: RegionPurpose, descriptors: readonly Descriptor[], name: string): Region {
    const given = new Given(this.#addon, descriptors, 1);
    return given.region(REGION_KIND[purpose], `${name} ${purpose}`);
  }

  /** Makes a region for which the budget has been asked; gives it back when it cannot be made. */
  #create(kind: RegionKind, sizeBytes: number, name: string): OwnRegion {
    try {
      return createRegion(this.#addon, kind, sizeBytes, this.#owner, name);
    } catch (error) {
      this.#link.giveBack(pageAlign(sizeBytes));
      throw new SkerryError('SKERRY_MEMORY', `a region of ${sizeBytes} bytes could not be made: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** @param handed a region that reaches the kernel by another way. */
  #host(name: { ref: number } | { channel: number }, handed?: OwnRegion): RegionHost {
    const offered = new Set<number>(handed === undefined ? [] : [handed.id]);
    return {
      makeRegion: async (kind, sizeBytes) => {
        await this.#link.need(pageAlign(sizeBytes));
        return this.#create(kind, sizeBytes, `${this.#name} region`);
      },
      offer: (region, start) => {
        offered.add(region.id);
        const purpose: RegionPurpose = region.kind === RegionKind.ring ? 'ring' : 'oneOff';
        this.#link.send(
          { t: 'offer', ...name, region: region.id, purpose, start, bytes: region.sizeBytes },
          [region.descriptor],
          [region.descriptor],
        );
      },
      retire: (region) => {
        region.release();
        if (!offered.delete(region.id)) {
          this.#addon.close(region.descriptor); // nobody else has ever heard of it
          return this.#link.giveBack(region.sizeBytes);
        }
        this.#link.send({ t: 'retire', ...name, region: region.id, bytes: region.sizeBytes });
      },
    };
  }
}

/** What came with an introduction: taken one by one, or given back as a whole when something of it is wrong. */
class Given {
  readonly #addon: NativeAddon;
  readonly #left: Descriptor[];
  readonly #bells: Descriptor[] = [];
  readonly #regions: Region[] = [];

  /** @throws SKERRY_CORRUPT when it is not so many. */
  constructor(addon: NativeAddon, descriptors: readonly Descriptor[], count: number) {
    this.#addon = addon;
    this.#left = [...descriptors];
    if (descriptors.length === count) return;
    this.discard();
    throw new SkerryError('SKERRY_CORRUPT', `${descriptors.length} descriptors came with an introduction; expected ${count}`);
  }

  descriptor(): Descriptor {
    const descriptor = this.#left.shift() as Descriptor;
    this.#bells.push(descriptor);
    return descriptor;
  }

  /** @throws SKERRY_CORRUPT when it is none of that kind, or has fewer bytes. */
  region(kind: RegionKind, name: string, leastBytes = 0): Region {
    const region = mapRegion(this.#addon, this.#left.shift() as Descriptor, kind, name);
    this.#regions.push(region);
    if (region.sizeBytes >= leastBytes) return region;
    throw new SkerryError('SKERRY_CORRUPT', `region "${name}" has ${region.sizeBytes} bytes; it must have ${leastBytes} or more`);
  }

  discard(): void {
    for (const descriptor of [...this.#left, ...this.#bells]) this.#addon.close(descriptor);
    for (const region of this.#regions) region.release();
  }
}
