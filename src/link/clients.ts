// The channels that this process has as a client, by `ref`, and what the kernel tells about them.

import { SkerryError } from '../base/errors.ts';
import type { Descriptor } from '../memory/native.ts';
import { type ErrorInfo, errorInfo, type FromKernel } from '../protocol/control.ts';
import { PAYLOAD_KEPT_MAX, type PoisonedCall } from '../protocol/quarantine.ts';
import { Channel, type PoisonousCall } from '../rpc/channel.ts';
import type { Connector, Directory, ReplicaEvents } from '../rpc/remote-server.ts';
import type { CarriedClient, Opened, RegionMessage } from './carrier.ts';
import type { Link } from './link.ts';
import { toError } from './to-error.ts';

interface Client {
  readonly channel: Channel;
  readonly carried: CarriedClient;
  readonly events: ReplicaEvents;
  /** Set while the answers of a dead instance are still coming in. */
  ending?: Promise<void> | undefined;
}

export class LinkClients implements Connector {
  readonly #link: Link;
  readonly #clients = new Map<number, Client>();
  #lastRef = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  get deadlines(): Connector['deadlines'] {
    return this.#link.deadlines;
  }

  async connect(server: string): Promise<Directory> {
    const answer = await this.#link.ask({ t: 'connect', server });
    if (answer.t === 'noServer') throw toError(answer.error);
    if (answer.t !== 'slots') throw new SkerryError('SKERRY_CORRUPT', `the kernel answered "connect" with "${answer.t}"`);
    const { methods, concurrency } = answer;
    const slots = answer.slots.map(({ down, ...place }) => (down === undefined ? place : { ...place, down: toError(down) }));
    return { slots, methods, concurrency };
  }

  /**
   * The same, acting for a user: channels of its own, with that principal. The kernel lets an operator do it.
   * @param user undefined: for itself. @param quarantines false: calls that turn out to be poison are not told of.
   */
  as(user: string | undefined, quarantines = true): Connector {
    return {
      deadlines: this.deadlines,
      connect: (server) => this.connect(server),
      open: (name, slot, hash, events) => this.open(name, slot, hash, events, user, quarantines),
      leave: (channel, error) => this.leave(channel, error),
    };
  }

  async open(
    name: string,
    slot: number,
    hash: number | undefined,
    events: ReplicaEvents,
    as?: string,
    quarantines = true,
  ): Promise<Channel> {
    this.#link.checkAlive();
    this.#lastRef += 1;
    const ref = this.#lastRef;
    const channel = new Channel({
      name,
      deadlines: this.#link.deadlines,
      life: this.#link.carrier.life,
      onBroken: (error) => {
        this.#forget(ref);
        this.#link.send({ t: 'broken', ref, error: errorInfo(error) });
        events.onClosed(error);
      },
      onPoison: (call) => {
        if (quarantines) this.#link.send({ t: 'poison', ref, call: poisoned(call) });
      },
    });
    const carried = await this.#link.carrier.openClient(ref, name, channel).catch((error) => {
      this.#link.deadlines.remove(channel);
      throw error;
    });
    channel.use(carried.end);
    this.#clients.set(ref, { channel, carried, events });
    const more = { ...(hash === undefined ? {} : { hash }), ...(as === undefined ? {} : { as }) };
    this.#link.send({ t: 'open', ref, slot, ...more }, carried.descriptors, carried.descriptors);
    return channel;
  }

  opened(message: Opened, descriptors: readonly Descriptor[]): void {
    const client = this.#clients.get(message.ref);
    if (client === undefined) return this.#link.discard(descriptors);
    try {
      client.channel.queueMax = message.queueMax;
      client.events.onOpened(message.methods, message.concurrency);
    } catch (error) {
      this.#link.discard(descriptors);
      return client.channel.onCorrupt(error as SkerryError);
    }
    try {
      client.carried.attach(message, descriptors);
    } catch (error) {
      client.channel.onCorrupt(error as SkerryError);
    }
  }

  region(message: RegionMessage, descriptors: readonly Descriptor[]): void {
    const client = this.#clients.get(message.ref ?? -1);
    if (client === undefined) return this.#link.discard(descriptors);
    try {
      client.carried.introduce(message, descriptors);
    } catch (error) {
      client.channel.onCorrupt(error as SkerryError);
    }
  }

  retired(ref: number, region: number): void {
    this.#clients.get(ref)?.carried.retired?.(region);
  }

  died(message: Extract<FromKernel, { t: 'died' }>): void {
    const client = this.#clients.get(message.ref);
    if (client === undefined) return;
    client.events.onDied();
    const ended = client.carried.ended?.();
    if (ended === undefined) return this.#decide(client, message);
    client.ending = ended.then(() => {
      client.ending = undefined;
      this.#decide(client, message);
    });
  }

  down(ref: number, error: ErrorInfo): void {
    const client = this.#clients.get(ref);
    if (client === undefined) return;
    const reason = toError(error);
    client.events.onDown(reason);
    afterEnding(client, () => client.channel.down(reason));
  }

  revived(ref: number): void {
    this.#clients.get(ref)?.events.onRevived();
  }

  closed(ref: number, error: ErrorInfo): void {
    const client = this.#clients.get(ref);
    if (client === undefined) return;
    this.#forget(ref);
    const reason = toError(error);
    client.events.onClosed(reason);
    afterEnding(client, () => client.channel.close(reason));
  }

  /** The program needs this channel no more: its calls are rejected, and both ends give back what it had. */
  leave(channel: Channel, error: SkerryError): void {
    for (const [ref, client] of this.#clients) {
      if (client.channel !== channel) continue;
      this.#forget(ref);
      channel.close(error);
      this.#link.send({ t: 'close', ref });
    }
  }

  /** The calls of all instances that are known to be dead have their fates. */
  async endings(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.ending));
  }

  close(error: SkerryError): void {
    const all = [...this.#clients.values()];
    this.#clients.clear();
    for (const { channel, events } of all) {
      events.onClosed(error);
      channel.close(error);
    }
  }

  /** The instance is dead, and what it had answered has come: each call gets its fate. */
  #decide(client: Client, { ref, reason, ordered, error }: Extract<FromKernel, { t: 'died' }>): void {
    const suspects = client.channel.died({ reason, ordered, ...(error === undefined ? {} : { error: toError(error) }) });
    client.carried.settle(suspects).then(
      ({ from, startedCalls, descriptors }) => {
        this.#link.send({ t: 'settled', ref, from, startedCalls, suspects: suspects.length }, descriptors, descriptors);
      },
      (failed) => {
        // No memory for the suspects' region: they cannot be sent again. The channel is of no more use.
        client.channel.onCorrupt(failed as SkerryError);
      },
    );
  }

  #forget(ref: number): void {
    this.#clients.delete(ref);
  }
}

function poisoned({ label, payload, hasExtra, deaths, reason }: PoisonousCall): PoisonedCall {
  const method = label.slice(label.indexOf('.') + 1);
  const isKept = payload.length <= PAYLOAD_KEPT_MAX;
  const kept = isKept ? { payload: Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('base64') } : {};
  return { method, deaths, reason: reason.slice(0, 300), bytes: payload.length, hasExtra, ...kept };
}

/** What follows a death waits until the dead instance's answers have been delivered. */
function afterEnding(client: Client, then: () => void): void {
  if (client.ending === undefined) then();
  else client.ending.then(then);
}
