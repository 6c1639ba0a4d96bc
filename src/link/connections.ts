// The channels that this process serves. Introductions before the dispatcher is there wait for it.

import { SkerryError } from '../base/errors.ts';
import type { Descriptor } from '../memory/native.ts';
import { type ErrorInfo, errorInfo } from '../protocol/control.ts';
import { SETTLE_MS } from '../protocol/limits.ts';
import type { Connection } from '../rpc/connection.ts';
import type { Dispatcher } from '../rpc/dispatcher.ts';
import type { CarriedServer, Introduce, RegionMessage } from './carrier.ts';
import type { Link } from './link.ts';

interface Served {
  readonly carried: CarriedServer;
  readonly connection: Connection;
}

export class LinkConnections {
  readonly #link: Link;
  readonly #served = new Map<number, Promise<Served | undefined>>();
  #dispatcher: Dispatcher | undefined;
  #holdTimer: NodeJS.Timeout | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  use(dispatcher: Dispatcher): void {
    this.#dispatcher = dispatcher;
  }

  introduce(message: Introduce, descriptors: readonly Descriptor[]): void {
    this.#served.set(
      message.channel,
      this.#serve(message, descriptors).catch((error) => {
        this.#link.send({ t: 'broken', channel: message.channel, error: errorInfo(error) });
        return undefined;
      }),
    );
  }

  region(message: RegionMessage, descriptors: readonly Descriptor[]): void {
    const { channel = -1 } = message;
    const served = this.#served.get(channel);
    if (served === undefined) return this.#link.discard(descriptors);
    served
      .then((there) => (there === undefined ? this.#link.discard(descriptors) : there.carried.introduce(message, descriptors)))
      .catch((error) => served.then((there) => there?.connection.onCorrupt(error as SkerryError)));
  }

  retired(channel: number, region: number): void {
    this.#served.get(channel)?.then((served) => served?.carried.retired?.(region));
  }

  closed(channel: number, error: ErrorInfo, clientDied: boolean): void {
    const served = this.#served.get(channel);
    this.#served.delete(channel);
    const reason = new SkerryError('SKERRY_ABORTED', error.message);
    served?.then((ended) => (clientDied ? ended?.connection.orphan(reason) : ended?.connection.close(reason)));
  }

  /** A successor starts nothing until the predecessor's clients have settled, or SETTLE_MS have passed. */
  hold(): void {
    if (this.#holdTimer !== undefined) return;
    this.#dispatcher?.hold();
    this.#holdTimer = setTimeout(() => this.release(), SETTLE_MS);
  }

  release(): void {
    if (this.#holdTimer === undefined) return;
    clearTimeout(this.#holdTimer);
    this.#holdTimer = undefined;
    // Introductions that came before are finished first: they may bring suspects.
    Promise.all(this.#served.values()).then(() => this.#dispatcher?.release());
  }

  close(error: SkerryError): void {
    for (const served of this.#served.values()) served.then((ended) => ended?.connection.close(error));
    this.#served.clear();
  }

  async #serve(message: Introduce, descriptors: readonly Descriptor[]): Promise<Served> {
    const dispatcher = this.#dispatcher;
    if (dispatcher === undefined) {
      this.#link.discard(descriptors);
      throw new SkerryError('SKERRY_CORRUPT', 'a client was introduced before the server was ready');
    }
    const connection = dispatcher.connect({
      name: message.client,
      principal: message.principal,
      allowed: allowedIndexes(message.allowed, dispatcher),
      onBroken: (error) => this.#break(message.channel, error),
    });
    try {
      const carried = await this.#link.carrier.openServer(message, descriptors, connection);
      connection.use(carried.end);
      const { descriptors: handed, token } = carried;
      // Nothing is started before the kernel is sure to hear of it: else a successor would start it again.
      const accept = { t: 'accept', channel: message.channel, ...(token === undefined ? {} : { token }) };
      this.#link.send(accept, handed, handed, () => {
        carried.start();
        connection.join();
      });
      return { carried, connection };
    } catch (error) {
      dispatcher.disconnect(connection);
      throw error;
    }
  }

  #break(channel: number, error: unknown): void {
    this.#served.delete(channel);
    this.#link.send({ t: 'broken', channel, error: errorInfo(error) });
  }
}

function allowedIndexes(allowed: readonly string[] | true, dispatcher: Dispatcher): ReadonlySet<number> | undefined {
  if (allowed === true) return undefined;
  const names = dispatcher.options.handlers.map((handler) => handler.name);
  return new Set(allowed.map((name) => names.indexOf(name)).filter((index) => index >= 0));
}
