// Listening sockets: opened here, handed to the instances of a server, and kept. While one instance is dead and the next is not there yet,
// connections wait in the socket's queue; none is refused (verify/listeners.pml).
//
// A socket belongs to a server: all its replicas and all their successors get the same one. It is closed when nobody will serve it: each slot
// that ever has is down, or has an instance that is ready and has not asked for it again, or has left it; and at the stop of the system, before
// the instances are told.

import type { Descriptor, NativeAddon } from '../memory/native.ts';
import type { Closer } from './closer.ts';
import type { Process } from './process-record.ts';

/** Of one server. */
const SOCKETS_MAX = 64;
const BACKLOG = 511;
/** A successor that is ready for so long without a socket of its predecessor's will not serve it, ms. */
const READY_MS = 5_000;

export interface Where {
  readonly address: string;
  readonly port: number;
  /** Of the sockets that its holder has with this address and port 0. */
  readonly nth: number;
}

interface Listener {
  readonly server: string;
  readonly descriptor: Descriptor;
  /** Slots whose instances serve it now. */
  readonly holders: Set<number>;
  /** Slots whose next instance is expected to serve it: those, and those of the dead. */
  readonly slots: Set<number>;
}

export class Listeners {
  readonly #addon: NativeAddon | undefined;
  readonly #closer: Closer;
  readonly #all = new Map<string, Listener>();

  /** Of instances that are ready, by slot; one ends with its instance, or its successor would have no time to come. */
  readonly #timers = new Map<number, NodeJS.Timeout>();

  constructor(addon: NativeAddon | undefined, closer: Closer) {
    this.#addon = addon;
    this.#closer = closer;
  }

  /** @returns the socket, which stays the kernel's. @throws Error with the errno's name when it cannot be opened */
  open({ name, endpoint }: Process, where: Where): Descriptor {
    if (this.#addon === undefined) throw new Error('listening sockets are kept where there is the addon');
    const key = keyOf(name, where);
    const there = this.#all.get(key);
    if (there?.holders.has(endpoint.slot) === true)
      throw Object.assign(new Error(`${name} listens there already`), { code: 'EADDRINUSE' });
    if (there === undefined && this.#of(name).length >= SOCKETS_MAX)
      throw Object.assign(new Error(`${name} has ${SOCKETS_MAX} listening sockets, which is the limit`), { code: 'EMFILE' });
    const descriptor = there?.descriptor ?? this.#addon.listenTcp(where.address, where.port, BACKLOG);
    const listener = there ?? { server: name, descriptor, holders: new Set(), slots: new Set() };
    listener.holders.add(endpoint.slot);
    listener.slots.add(endpoint.slot);
    this.#all.set(key, listener);
    return descriptor;
  }

  /** An instance serves it no more, and lives on. */
  leave({ name, endpoint }: Process, where: Where): void {
    const key = keyOf(name, where);
    const listener = this.#all.get(key);
    if (listener?.holders.delete(endpoint.slot) === true) this.#giveUp(key, listener, endpoint.slot);
  }

  /** What it has listened on waits for its successor. */
  died(slot: number): void {
    clearTimeout(this.#timers.get(slot));
    this.#timers.delete(slot);
    for (const { holders } of this.#all.values()) holders.delete(slot);
  }

  /** An instance is ready: what its predecessor has served and it has not asked for within its init, it may ask for a little later. */
  ready(slot: number): void {
    clearTimeout(this.#timers.get(slot));
    this.#timers.set(slot, setTimeout(() => this.#drop(slot), READY_MS).unref());
  }

  /** No instance comes. */
  down(slot: number): void {
    this.#drop(slot);
  }

  #drop(slot: number): void {
    for (const [key, listener] of [...this.#all]) if (!listener.holders.has(slot)) this.#giveUp(key, listener, slot);
  }

  #giveUp(key: string, { slots, descriptor }: Listener, slot: number): void {
    if (!slots.delete(slot) || slots.size > 0) return;
    this.#all.delete(key);
    this.#closer.close(descriptor);
  }

  /** The system stops: nobody will serve this server's sockets. */
  close(server: string): void {
    for (const [key, { descriptor }] of this.#of(server)) {
      this.#all.delete(key);
      this.#closer.close(descriptor);
    }
  }

  #of(server: string): [string, Listener][] {
    return [...this.#all].filter(([, listener]) => listener.server === server);
  }
}

function keyOf(server: string, { address, port, nth }: Where): string {
  return `${server} ${address} ${port} ${nth}`;
}
