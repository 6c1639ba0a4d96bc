// Introductions and successions: how a client's mailbox meets the instance of a slot, and the next one.
//
// A channel's client region is kept here for as long as the channel lives; when an instance dies, each of its clients says where the
// next one starts (`settled`), and the next one is introduced there. Until all have, it is told to hold (suspects go first).

import type { Descriptor, NativeAddon } from '../memory/native.ts';
import type { ErrorInfo, FromKernel, ToKernel } from '../protocol/control.ts';
import { formatEndpoint } from '../protocol/endpoint.ts';
import { OPERATOR } from '../protocol/principal.ts';
import { agree } from '../protocol/version.ts';
import { type Channel, type KeptRegion, regionsFrom } from './channels.ts';
import type { Closer } from './closer.ts';
import { plainError } from './messages.ts';
import type { Process } from './process-record.ts';
import { sendTo } from './send.ts';
import type { Slot } from './slots.ts';

/** What one process can make the kernel hold. An honest one has some channels, with a ring and a few large records each. */
const CHANNELS_MAX = 4096;
const REGIONS_MAX = 2048;

type Message<T extends ToKernel['t']> = Extract<ToKernel, { t: T }>;

export class Introductions {
  readonly #addon: NativeAddon | undefined;
  readonly #closer: Closer;
  readonly #expel: (proc: Process, why: string) => void;
  #lastId = 0;

  constructor(addon: NativeAddon | undefined, closer: Closer, expel: (proc: Process, why: string) => void) {
    this.#addon = addon;
    this.#closer = closer;
    this.#expel = expel;
  }

  open(
    client: Process,
    slot: Slot,
    ref: number,
    allowed: readonly string[] | true | undefined,
    hash: number | undefined,
    descriptors: readonly Descriptor[],
    owned: Set<Descriptor>,
    as?: string,
  ): void {
    if (client.channels.has(ref)) throw new Error(`channel ${ref} exists already`);
    if (client.channels.size >= CHANNELS_MAX) {
      const error = plainError(
        'SKERRY_LIMIT',
        `${client.name} has ${CHANNELS_MAX} channels open, which is the limit: close views of users who left`,
      );
      return this.#send(client, { t: 'closed', ref, error });
    }
    if (allowed === undefined) throw new Error(`no right to ${slot.server.name}`);
    if (as !== undefined && client.principal !== OPERATOR) throw new Error(`no right to act for ${as}`);
    const [base] = descriptors;
    if (this.#addon !== undefined) {
      if (base === undefined) return this.#send(client, { t: 'closed', ref, error: short('the client region') });
      this.#checkRegion(base);
      owned.delete(base);
    }
    this.#lastId += 1;
    const channel: Channel = {
      id: this.#lastId,
      ref,
      client,
      slot,
      allowed,
      principal: as ?? client.principal,
      base,
      regions: new Map(),
      state: 'waiting',
      from: 0,
      startedCalls: 0,
      suspects: undefined,
      hash,
    };
    client.channels.set(ref, channel);
    slot.channels.add(channel);
    if (slot.ready !== undefined) this.#introduce(channel);
    else if (slot.down !== undefined) this.#send(client, { t: 'down', ref, error: slot.down });
    else this.#send(client, { t: 'revived', ref }); // it may have been told that the slot is down
  }

  /** An instance is ready: everybody who waits is introduced. */
  instanceReady(slot: Slot): void {
    const { process } = slot;
    if (process === undefined) return;
    slot.holding = [...slot.channels].some((channel) => channel.state === 'unsettled' || channel.suspects !== undefined);
    if (slot.holding) this.#send(process, { t: 'hold' });
    for (const channel of slot.channels) if (channel.state === 'waiting') this.#introduce(channel);
    this.#releaseIfSettled(slot);
  }

  accept(server: Process, id: number, token: string | undefined, descriptors: readonly Descriptor[]): void {
    const channel = server.serves.get(id);
    if (channel === undefined) return; // the client left meanwhile
    const { ready, process } = channel.slot;
    if (channel.state !== 'introduced' || ready === undefined || process !== server)
      throw new Error(`channel ${id} is not to be accepted`);
    const [region] = descriptors;
    const given: Descriptor[] = [];
    if (this.#addon !== undefined) {
      if (server.bell === undefined || server.status === undefined) throw new Error('accept needs a hello');
      if (region === undefined) return this.#remove(channel, short('the server region'), true);
      this.#checkRegion(region);
      given.push(region, server.bell, server.status.descriptor);
    }
    const agreed = agree(channel.client.speaks, server.speaks);
    if (agreed === undefined) throw new Error('no version in common');
    channel.state = 'open';
    this.#dropSuspects(channel); // it has them; if it dies, the client says anew which there are
    channel.hash = ready.hash;
    const { methods, concurrency, queueMax, address } = ready;
    const { ref, client } = channel;
    this.#send(
      client,
      { t: 'opened', ref, agreed, endpoint: server.endpoint, methods, concurrency, queueMax, address, token },
      given,
    );
  }

  /** A region that one end has announced in its ring: kept, if it is the client's, and introduced to the other. */
  offer(from: Process, message: Message<'offer'>, descriptors: readonly Descriptor[], owned: Set<Descriptor>): void {
    const channel = this.#find(from, message);
    const [descriptor] = descriptors;
    if (channel === undefined || descriptor === undefined) return;
    this.#checkRegion(descriptor, message.bytes);
    const { purpose, start, region, bytes } = message;
    if (channel.client !== from) {
      return this.#send(channel.client, { t: 'region', ref: channel.ref, purpose, start }, [descriptor]);
    }
    if (channel.regions.size >= REGIONS_MAX) throw new Error(`more than ${REGIONS_MAX} regions announced and not retired`);
    if (channel.regions.has(region)) throw new Error(`region ${region} is announced already`);
    owned.delete(descriptor);
    const kept = { id: region, purpose, start, bytes, descriptor };
    channel.regions.set(region, kept);
    if (channel.state === 'introduced' || channel.state === 'open') this.#introduceRegion(channel, kept);
  }

  retire(from: Process, message: Message<'retire'>): void {
    const channel = this.#find(from, message);
    if (channel === undefined) return;
    const { region } = message;
    if (channel.client !== from) return this.#send(channel.client, { t: 'retired', ref: channel.ref, region });
    const kept = channel.regions.get(region);
    if (kept === undefined) return;
    const { process } = channel.slot;
    if (process?.serves.has(channel.id)) this.#send(process, { t: 'retired', channel: channel.id, region });
    channel.regions.delete(message.region);
    this.#closer.close(kept.descriptor);
  }

  settled(client: Process, message: Message<'settled'>, descriptors: readonly Descriptor[], owned: Set<Descriptor>): void {
    const channel = client.channels.get(message.ref);
    if (channel === undefined) return;
    if (channel.state !== 'unsettled') throw new Error(`channel ${message.ref} has nothing to settle`);
    channel.state = 'waiting';
    channel.from = message.from;
    channel.startedCalls = message.startedCalls;
    const [descriptor] = descriptors;
    if (descriptor !== undefined) {
      this.#checkRegion(descriptor);
      owned.delete(descriptor);
    }
    channel.suspects = message.suspects > 0 ? { count: message.suspects, descriptor } : undefined;
    const { slot } = channel;
    if (slot.ready !== undefined) this.#introduce(channel);
    else if (slot.down !== undefined) this.#send(client, { t: 'down', ref: channel.ref, error: slot.down });
    this.#releaseIfSettled(slot);
  }

  close(client: Process, ref: number): void {
    const channel = client.channels.get(ref);
    if (channel !== undefined) this.#remove(channel, plainError('SKERRY_ABORTED', 'the client closed the channel'), false);
  }

  /** One end found the other out: both are told, the channel is over. */
  broken(from: Process, message: Message<'broken'>): void {
    const channel = this.#find(from, message);
    if (channel === undefined) return;
    this.#remove(channel, message.error, from !== channel.client);
  }

  serverDied(slot: Slot, proc: Process, death: { reason: string; ordered: boolean; error: ErrorInfo | undefined }): void {
    for (const channel of proc.serves.values()) {
      const wasOpen = channel.state === 'open';
      if (!wasOpen) {
        // Introduced, but the client has never heard of it: there is nothing to settle, the next instance starts at the same place.
        channel.state = 'waiting';
        continue;
      }
      channel.state = 'unsettled';
      this.#send(channel.client, { t: 'died', ref: channel.ref, ...death });
    }
    proc.serves.clear();
    slot.holding = false;
  }

  clientDied(proc: Process): void {
    const error = plainError('SKERRY_ABORTED', `the client ${proc.name} (${formatEndpoint(proc.endpoint)}) is gone`);
    for (const channel of [...proc.channels.values()]) this.#remove(channel, error, false, true);
  }

  /** No instance comes until an operator acts. */
  down(slot: Slot, error: ErrorInfo): void {
    slot.down = error;
    for (const { client, ref } of slot.channels) this.#send(client, { t: 'down', ref, error });
  }

  /** An instance is on its way again: calls wait for it. */
  revived(slot: Slot): void {
    if (slot.down === undefined) return;
    slot.down = undefined;
    for (const { client, ref } of slot.channels) this.#send(client, { t: 'revived', ref });
  }

  #introduce(channel: Channel): void {
    const { slot, client, suspects } = channel;
    const server = slot.process;
    if (server === undefined || slot.ready === undefined) return;
    if (channel.hash !== undefined && channel.hash !== slot.ready.hash) {
      const message = `${slot.server.name}.${slot.replica} came back with another interface; calls that waited for the old one cannot go to it`;
      return this.#remove(channel, plainError('SKERRY_VERSION', message), true);
    }
    const agreed = agree(client.speaks, server.speaks);
    if (agreed === undefined) {
      const [a, b] = [client.speaks, server.speaks].map(({ min, max }) => `${min} to ${max}`);
      const message = `${client.name} speaks versions ${a} of the protocol, ${slot.server.name}.${slot.replica} ${b}: none in common`;
      return this.#remove(channel, plainError('SKERRY_VERSION', message), true);
    }
    const { ring, later } = regionsFrom(channel);
    const given: Descriptor[] = [];
    if (this.#addon !== undefined) {
      if (channel.base === undefined || client.bell === undefined) return this.#expel(client, 'it has sent no hello');
      given.push(channel.base, client.bell);
      if (suspects?.descriptor !== undefined) given.push(suspects.descriptor);
      if (ring !== undefined) given.push(ring.descriptor);
    }
    channel.state = 'introduced';
    server.serves.set(channel.id, channel);
    const name = client.role === 'client' ? 'the caller' : client.name;
    this.#send(
      server,
      {
        t: 'introduce',
        channel: channel.id,
        agreed,
        client: name,
        principal: channel.principal,
        allowed: channel.allowed,
        from: channel.from,
        startedCalls: channel.startedCalls,
        suspects: suspects?.count ?? 0,
        ring: ring?.start,
      },
      given,
    );
    for (const region of later) this.#introduceRegion(channel, region);
  }

  #introduceRegion(channel: Channel, region: KeptRegion): void {
    const server = channel.slot.process;
    if (server === undefined) return;
    this.#send(server, { t: 'region', channel: channel.id, purpose: region.purpose, start: region.start }, [region.descriptor]);
  }

  #dropSuspects(channel: Channel): void {
    if (channel.suspects?.descriptor !== undefined) this.#closer.close(channel.suspects.descriptor);
    channel.suspects = undefined;
  }

  #releaseIfSettled(slot: Slot): void {
    if (!slot.holding || slot.process === undefined || slot.ready === undefined) return;
    for (const channel of slot.channels) if (channel.state === 'unsettled') return;
    slot.holding = false;
    this.#send(slot.process, { t: 'release' });
  }

  #remove(channel: Channel, error: ErrorInfo, tellClient: boolean, clientDied = false): void {
    const { client, slot, id, ref, base } = channel;
    this.#dropSuspects(channel);
    client.channels.delete(ref);
    slot.channels.delete(channel);
    const addon = this.#addon;
    if (addon !== undefined) {
      if (base !== undefined) this.#closer.close(base);
      for (const { descriptor } of channel.regions.values()) this.#closer.close(descriptor);
    }
    const server = slot.process;
    if (server?.serves.delete(id) === true) this.#send(server, { t: 'closed', channel: id, error, clientDied });
    if (tellClient) this.#send(client, { t: 'closed', ref, error });
    this.#releaseIfSettled(slot);
  }

  #find(from: Process, message: { ref?: number; channel?: number }): Channel | undefined {
    if (message.ref !== undefined) return from.channels.get(message.ref);
    return message.channel === undefined ? undefined : from.serves.get(message.channel);
  }

  #checkRegion(descriptor: Descriptor, bytes?: number): void {
    const found = this.#addon?.inspectRegion(descriptor);
    if (found === undefined) return;
    if (!found.sealed) throw new Error('it offered a region that is not sealed');
    if (bytes !== undefined && found.sizeBytes !== bytes)
      throw new Error(`it offered a region of ${found.sizeBytes} bytes as one of ${bytes}`);
  }

  #send(to: Process, message: FromKernel, descriptors: readonly Descriptor[] = []): void {
    sendTo(to, message, descriptors);
  }
}

/** Either end may be at its descriptor limit, or this process. */
function short(what: string): ErrorInfo {
  return plainError('SKERRY_LIMIT', `${what} did not arrive: no descriptors were left to pass it on`);
}
