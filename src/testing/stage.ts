// A server in this isolate, for tests: run by the dispatcher, behind the inline transport and the real codec. It can crash, and its
// successor finds the calls as between processes: what was not started waits, what was is decided by its method.

import { SkerryError } from '../base/errors.ts';
import { InlineInstance, inlineClient, introduceInline } from '../channel/inline/pair.ts';
import type { StreamClientEnd } from '../channel/stream/client-end.ts';
import type { Suspect } from '../channel/transport.ts';
import { StatusCounters } from '../memory/status.ts';
import type { MethodInfo } from '../protocol/methods.ts';
import { Channel } from '../rpc/channel.ts';
import type { Connection } from '../rpc/connection.ts';
import { Deadlines } from '../rpc/deadlines.ts';
import { Dispatcher } from '../rpc/dispatcher.ts';
import type { Connector, ReplicaEvents } from '../rpc/remote-server.ts';
import { type AnyServer, concurrencyOf, methodTable, queueMaxOf } from '../server/definition.ts';

const ALIVE_MS = 0x7fff_ffff;

interface Instance {
  readonly inline: InlineInstance;
  readonly dispatcher: Dispatcher;
  readonly infos: readonly MethodInfo[];
  readonly concurrency: number;
}

interface Client {
  readonly principal: string;
  readonly channel: Channel;
  readonly end: StreamClientEnd;
  readonly events: ReplicaEvents;
  suspects: readonly Suspect[];
  connection: Connection | undefined;
  kill: () => void;
}

export class Stage {
  readonly #name: string;
  readonly #definition: AnyServer;
  readonly #init: () => Promise<unknown>;
  readonly #deadlines = new Deadlines();
  readonly #clients = new Set<Client>();
  /** Keeps the process alive while calls are pending. */
  readonly #alive = setInterval(() => {}, ALIVE_MS).unref();
  #holds = 0;
  #instance: Instance | undefined;
  #stopped = false;
  /** Why no instance comes. */
  #down: SkerryError | undefined;

  /** @param init runs the definition's init with a fresh context. */
  constructor(name: string, definition: AnyServer, init: () => Promise<unknown>) {
    this.#name = name;
    this.#definition = definition;
    this.#init = init;
  }

  /** Runs an instance, the first or a successor. @throws whatever init throws; SKERRY_INIT */
  async start(): Promise<void> {
    this.#down = undefined;
    const api = await this.#init();
    if (typeof api !== 'object' || api === null)
      throw new SkerryError('SKERRY_INIT', `the init function of server "${this.#name}" must return an object with methods`);
    const { infos, handlers } = methodTable(api);
    const status = new StatusCounters(undefined);
    const concurrency = concurrencyOf(this.#definition.manifest);
    const dispatcher = new Dispatcher({ server: this.#name, handlers, concurrency, status });
    this.#instance = { inline: new InlineInstance(status), dispatcher, infos, concurrency };
    dispatcher.hold(); // suspects of all clients come first
    for (const client of this.#clients) this.#introduce(client, this.#instance);
    dispatcher.release();
  }

  /** The instance is gone as by a signal; its calls are decided, and the next one may start. */
  async crash(reason: string): Promise<void> {
    const clients = [...this.#clients];
    this.#instance = undefined;
    for (const client of clients) client.kill();
    for (const client of clients) {
      await client.end.ended(); // what it had sent arrives
      client.connection = undefined;
      client.suspects = client.channel.died({ reason, ordered: false });
      client.events.onDied();
    }
  }

  /** No instance comes any more. */
  down(error: SkerryError): void {
    this.#down = error;
    for (const { channel, events } of this.#clients) {
      events.onDown(error);
      channel.down(error);
    }
  }

  /** Running calls first. */
  async stop(drainMs: number): Promise<void> {
    this.#stopped = true;
    await this.#instance?.dispatcher.drain(drainMs);
    const over = new SkerryError('SKERRY_SERVER_DOWN', `the mounted server "${this.#name}" has been stopped`);
    for (const { connection, channel } of this.#clients) {
      connection?.close(over);
      channel.close(over);
    }
    this.#clients.clear();
    clearInterval(this.#alive);
  }

  connectorFor(principal: string): Connector {
    return {
      deadlines: this.#deadlines,
      connect: async () => ({
        slots: [{ slot: 0, replica: 0, runs: true }],
        methods: this.#instance?.infos,
        concurrency: this.#instance?.concurrency ?? 0,
      }),
      open: async (name, _slot, _hash, events) => this.#open(name, principal, events),
      leave: (channel, error) => channel.close(error),
    };
  }

  #open(name: string, principal: string, events: ReplicaEvents): Channel {
    if (this.#stopped) throw new SkerryError('SKERRY_SERVER_DOWN', `the mounted server "${this.#name}" has been stopped`);
    const channel = new Channel({
      name,
      deadlines: this.#deadlines,
      life: { hold: () => this.#hold(1), drop: () => this.#hold(-1) },
      onBroken: (error) => events.onClosed(error),
    });
    const end = inlineClient(channel);
    channel.use(end);
    channel.queueMax = queueMaxOf(this.#definition.manifest);
    const client: Client = { principal, channel, end, events, suspects: [], connection: undefined, kill: () => {} };
    this.#clients.add(client);
    if (this.#instance !== undefined) this.#introduce(client, this.#instance);
    const down = this.#down;
    if (down !== undefined)
      queueMicrotask(() => {
        events.onDown(down); // when the caller has the channel
        channel.down(down);
      });
    return channel;
  }

  #introduce(client: Client, { inline, dispatcher, infos, concurrency }: Instance): void {
    client.events.onOpened(infos, concurrency);
    const connection = dispatcher.connect({ principal: client.principal, allowed: undefined, onBroken: client.events.onClosed });
    const { end, kill } = introduceInline(client.end, inline, connection, client.suspects.length);
    client.suspects = [];
    client.connection = connection;
    client.kill = kill;
    connection.use(end).join();
    end.start();
  }

  #hold(change: number): void {
    this.#holds += change;
    if (this.#holds > 0) this.#alive.ref();
    else this.#alive.unref();
  }
}
