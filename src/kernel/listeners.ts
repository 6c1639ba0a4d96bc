// Listening sockets: opened here, handed to the instances of a server, and kept. While one instance is dead and the next is not there yet,
// connections wait in the socket's queue; none is refused (verify/listeners.pml).
//
// A socket belongs to a server: all its replicas and all their successors get the same one. It is closed when no instance of the server will
// come (all its replicas are down), at the stop of the system before the instances are told, and when its last holder leaves it.

import type { Descriptor, NativeAddon } from '../memory/native.ts';
import type { Closer } from './closer.ts';
import type { Process } from './process-record.ts';

/** Of one server. */
const SOCKETS_MAX = 64;
const BACKLOG = 511;

export interface Where {
  readonly address: string;
  readonly port: number;
  /** Of the sockets that its holder has with this address and port 0. */
  readonly nth: number;
}

interface Listener {
  readonly server: string;
  readonly descriptor: Descriptor;
  /** Slots whose instances serve it. */
  readonly holders: Set<number>;
}

export class Listeners {
  readonly #addon: NativeAddon | undefined;
  readonly #closer: Closer;
  readonly #all = new Map<string, Listener>();

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
    const listener = there ?? { server: name, descriptor, holders: new Set() };
    listener.holders.add(endpoint.slot);
    this.#all.set(key, listener);
    return descriptor;
  }

  /** An instance serves it no more, and lives on: the socket goes with its last holder. */
  leave({ name, endpoint }: Process, where: Where): void {
    const key = keyOf(name, where);
    const listener = this.#all.get(key);
    if (listener?.holders.delete(endpoint.slot) === true && listener.holders.size === 0) this.#drop(key, listener);
  }

  /** What it has listened on waits for its successor. */
  died(slot: number): void {
    for (const { holders } of this.#all.values()) holders.delete(slot);
  }

  /** Nobody will serve this server's sockets. */
  close(server: string): void {
    for (const [key, listener] of this.#of(server)) this.#drop(key, listener);
  }

  #of(server: string): [string, Listener][] {
    return [...this.#all].filter(([, listener]) => listener.server === server);
  }

  #drop(key: string, { descriptor }: Listener): void {
    this.#all.delete(key);
    this.#closer.close(descriptor);
  }
}

function keyOf(server: string, { address, port, nth }: Where): string {
  return `${server} ${address} ${port} ${nth}`;
}
