// A server and its clients over a rig, as the kernel would put them together: channels, a dispatcher for each run, deaths, successors.

import { nowMs } from '../../src/base/clock.ts';
import { SkerryError } from '../../src/base/errors.ts';
import type { Suspect } from '../../src/channel/transport.ts';
import { Call } from '../../src/rpc/call.ts';
import { enableCallContext } from '../../src/rpc/call-context.ts';
import { Channel } from '../../src/rpc/channel.ts';
import type { Connection } from '../../src/rpc/connection.ts';
import { Deadlines } from '../../src/rpc/deadlines.ts';
import { Dispatcher } from '../../src/rpc/dispatcher.ts';
import { type Rig, type RigClient, type RigInstance, type RigServer, sleep } from './rig.ts';

enableCallContext();

export interface Method {
  /** Whatever arguments it names: nothing but the dispatcher calls it, with what a test has sent. */
  readonly run: (...args: never[]) => unknown;
  readonly idempotent?: boolean;
  readonly stream?: boolean;
}
export type Methods = Record<string, Method | Method['run']>;

export interface WorldOptions {
  readonly concurrency?: number;
  readonly queueMax?: number;
  /** Names; undefined: all. */
  readonly allowed?: readonly string[];
}

export interface TestCallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export class World {
  readonly rig: Rig;
  readonly deadlines = new Deadlines();
  readonly clients: TestClient[] = [];
  readonly broken: SkerryError[] = [];
  #names: string[] = [];
  #methods: Methods = {};
  #options: WorldOptions = {};
  readonly #alive = setInterval(() => {}, 1000);
  dispatcher!: Dispatcher;
  instance!: RigInstance;

  constructor(rig: Rig) {
    this.rig = rig;
  }

  /** A world with one client and a running server. */
  static async open(rig: Rig, methods: Methods, options: WorldOptions = {}): Promise<World> {
    const world = new World(rig);
    world.client();
    world.define(methods, options);
    await world.run();
    return world;
  }

  define(methods: Methods, options: WorldOptions = {}): void {
    this.#methods = methods;
    this.#names = Object.keys(methods);
    this.#options = options;
  }

  get only(): TestClient {
    return this.clients[0] as TestClient;
  }

  client(): TestClient {
    const client = new TestClient(this);
    this.clients.push(client);
    return client;
  }

  method(name: string): { index: number; idempotent: boolean } {
    const method = this.#methods[name];
    return { index: this.#names.indexOf(name), idempotent: typeof method === 'object' && method.idempotent === true };
  }

  get options(): WorldOptions {
    return this.#options;
  }

  get allowed(): ReadonlySet<number> | undefined {
    const { allowed } = this.#options;
    return allowed === undefined ? undefined : new Set(allowed.map((name) => this.#names.indexOf(name)));
  }

  /** A run of the server: the first, or the successor after `kill`. Suspects are held until all clients are introduced. */
  async run(): Promise<void> {
    const instance = this.rig.instance();
    this.instance = instance;
    const handlers = Object.entries(this.#methods).map(([name, method]) => {
      const { run, stream = false } = typeof method === 'function' ? { run: method } : method;
      return { name, stream, input: undefined, run: run as (...args: unknown[]) => unknown };
    });
    this.dispatcher = new Dispatcher({
      server: 'test',
      handlers,
      concurrency: this.#options.concurrency ?? 64,
      status: instance.status,
    });
    this.dispatcher.hold();
    for (const client of this.clients) await client.introduce(this.dispatcher, instance);
    this.dispatcher.release();
  }

  /** The instance is killed; every client decides the fate of its calls. */
  async kill({ reason = 'SIGKILL', ordered = false } = {}): Promise<void> {
    for (const client of this.clients) client.server?.kill();
    for (const client of this.clients) await client.died(reason, ordered);
  }

  /** Closes everything. @returns what was not given back. */
  async close(): Promise<readonly string[]> {
    const over = new SkerryError('SKERRY_ABORTED', 'the test is over');
    for (const client of this.clients) client.close(over);
    let leaks = this.rig.leaks();
    for (let i = 0; i < 100 && leaks.length > 0; i++) {
      await sleep(5);
      leaks = this.rig.leaks();
    }
    clearInterval(this.#alive);
    return leaks;
  }
}

export class TestClient {
  readonly channel: Channel;
  /** Reasons to stay alive: calls pending. */
  holds = 0;
  server: RigServer | undefined;
  connection: Connection | undefined;
  readonly #world: World;
  readonly #rig: RigClient;
  #suspects: readonly Suspect[] = [];

  constructor(world: World) {
    this.#world = world;
    const life = {
      hold: () => {
        this.holds += 1;
      },
      drop: () => {
        this.holds -= 1;
      },
    };
    this.channel = new Channel({
      name: 'test.0',
      deadlines: world.deadlines,
      life,
      onBroken: (error) => world.broken.push(error),
    });
    this.#rig = world.rig.client(this.channel);
    this.channel.use(this.#rig.end);
  }

  get end(): RigClient['end'] {
    return this.#rig.end;
  }

  async introduce(dispatcher: Dispatcher, instance: RigInstance): Promise<void> {
    const world = this.#world;
    if (world.options.queueMax !== undefined) this.channel.queueMax = world.options.queueMax;
    const connection = dispatcher.connect({
      principal: 'test',
      allowed: world.allowed,
      onBroken: (error) => world.broken.push(error),
    });
    this.connection = connection;
    this.server = await this.#rig.introduce(instance, connection, this.#suspects);
    connection.use(this.server.end).join();
    this.server.start();
  }

  async died(reason: string, ordered: boolean): Promise<void> {
    if (this.server === undefined) return;
    await this.#rig.ended();
    this.server = undefined;
    this.#suspects = this.channel.died({ reason, ordered });
  }

  call(name: string, ...args: unknown[]): Promise<unknown> {
    return this.callWith({}, name, ...args);
  }

  callWith(options: TestCallOptions, name: string, ...args: unknown[]): Promise<unknown> {
    return this.channel.call(this.#call(options, name, args));
  }

  stream(name: string, ...args: unknown[]): AsyncIterableIterator<unknown> {
    return this.streamWith({}, name, ...args);
  }

  streamWith(options: TestCallOptions, name: string, ...args: unknown[]): AsyncIterableIterator<unknown> {
    return this.channel.stream(this.#call(options, name, args));
  }

  notify(name: string, ...args: unknown[]): Promise<void> {
    return this.notifyWith({}, name, ...args);
  }

  notifyWith(options: TestCallOptions, name: string, ...args: unknown[]): Promise<void> {
    return this.channel.notify(this.#call(options, name, args));
  }

  /** The client is gone; the kernel has told the server. */
  leave(): void {
    this.#world.clients.splice(this.#world.clients.indexOf(this), 1);
    this.close(new SkerryError('SKERRY_ABORTED', 'the client left'));
  }

  /** The kernel says that no successor comes. */
  down(): void {
    this.channel.down(new SkerryError('SKERRY_SERVER_DOWN', 'the server is down'));
  }

  close(error: SkerryError): void {
    this.connection?.close(error);
    this.channel.close(error);
  }

  #call({ timeoutMs = 15_000, signal }: TestCallOptions, name: string, args: readonly unknown[]): Call {
    const { index, idempotent } = this.#world.method(name);
    const deadline = timeoutMs > 0 ? nowMs() + timeoutMs : 0;
    return new Call(`test.${name}`, index & 0xffff, idempotent, deadline, timeoutMs, undefined, args, undefined, signal);
  }
}
