// A server as its clients see it: a name, its replicas with a channel each, and the choice among them.
//
// A call goes to the running replica with the least to do (calls waiting and running there); with a `key` always to the same one. Calls
// to a replica that died stay in its mailbox for the successor; new calls go to the others, or wait there when there is no other.

import { nowMs } from '../base/clock.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import { SkerryError } from '../base/errors.ts';
import { encodeRecord } from '../channel/encode-record.ts';
import { TIMEOUT_MS } from '../protocol/limits.ts';
import { interfaceHash, type MethodInfo } from '../protocol/methods.ts';
import { onAbort } from './abort-listeners.ts';
import { Call } from './call.ts';
import { getCurrentCall } from './call-context.ts';
import { abortError, type Channel, timeoutError, withFate } from './channel.ts';
import type { Deadlines } from './deadlines.ts';
import { type CallExtra, writeArgs } from './wire.ts';

/** A replica as its client is first told of it. */
export interface Place {
  readonly slot: number;
  readonly replica: number;
  /** An instance is ready. */
  readonly runs: boolean;
  /** Why none comes until an operator acts. */
  readonly down?: SkerryError;
}

export interface Directory {
  readonly slots: readonly Place[];
  /** The method table, when an instance has been ready already. */
  readonly methods: readonly MethodInfo[] | undefined;
  /** How many calls such an instance runs at once; 0 while none has been ready. */
  readonly concurrency: number;
}

export interface ReplicaEvents {
  /** An instance has been introduced; calls that waited go to it. */
  onOpened(methods: readonly MethodInfo[], concurrency: number): void;
  onDied(): void;
  /** No successor comes until an operator acts. */
  onDown(error: SkerryError): void;
  /** One is on its way after all. */
  onRevived(): void;
  /** The channel is of no more use: the next call opens another. */
  onClosed(error: SkerryError): void;
}

/** How channels come into being; the link to the kernel implements it. */
export interface Connector {
  readonly deadlines: Deadlines;
  connect(server: string): Promise<Directory>;
  /** @param hash of the method table that calls will be written for; undefined while none is known. */
  open(name: string, slot: number, hash: number | undefined, events: ReplicaEvents): Promise<Channel>;
  /** A channel is needed no more. */
  leave(channel: Channel, error: SkerryError): void;
}

export interface CallOptions {
  /** Milliseconds until SKERRY_TIMEOUT; 0: none. Default: the method's, else 30,000. For a stream: the longest wait for an item. */
  readonly timeoutMs?: number;
  /** Cancels the call, also its running handler. */
  readonly signal?: AbortSignal;
  /** Calls with the same key go to the same replica. */
  readonly key?: string;
  /** W3C traceparent. */
  readonly trace?: string;
}

type Phase = 'waiting' | 'open' | 'dead' | 'down' | 'closed';

interface Replica {
  readonly slot: number;
  readonly replica: number;
  channel: Channel | undefined;
  opening: Promise<Channel> | undefined;
  phase: Phase;
  error: SkerryError | undefined;
}

interface KnownMethod {
  readonly index: number;
  readonly info: MethodInfo;
  /** `geo.nearest` */
  readonly label: string;
}

const NO_OPTIONS: CallOptions = {};
/** A timer takes no longer one: what is later (the clocks of two processes differ by a moment) is not waited for. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class RemoteServer {
  readonly name: string;
  readonly #connector: Connector;
  #replicas: Replica[] = [];
  #methods: Map<string, KnownMethod> | undefined;
  /** The one that was called last: most often it is called again. */
  #lastKnown: KnownMethod | undefined;
  #concurrency = 0;
  #connecting: Promise<void> | undefined;
  #hash: number | undefined;
  /** Settled when the method table is known, or cannot be. */
  #known: Deferred<void> = deferred();
  #next = 0;
  /** Settled at the next change of a replica's phase; there is one only while somebody waits for it. */
  #moved: Deferred<void> | undefined;
  /** Set when the program has left this server. */
  #left: SkerryError | undefined;

  constructor(name: string, connector: Connector) {
    this.name = name;
    this.#connector = connector;
  }

  /** Calls a method: a promise for a `call`, an async iterable for a `stream`; both in one while that is not known yet. */
  invoke(method: string, args: readonly unknown[], options: CallOptions = NO_OPTIONS): Promise<unknown> | AsyncIterable<unknown> {
    if (this.#methods === undefined) return this.#invokeLater(method, args, options);
    let known = this.#lastKnown;
    if (known === undefined || known.info.name !== method) known = this.#lastKnown = this.#methods.get(method);
    if (known === undefined) return iterateLater(Promise.reject(this.#noMethod(method)));
    return this.#start(known, args, undefined, options);
  }

  async notify(method: string, args: readonly unknown[], options: CallOptions = NO_OPTIONS): Promise<void> {
    const encodedArgs = this.#methods === undefined ? encodeRecord(writeArgs, args) : undefined;
    if (this.#methods === undefined)
      await this.#limited(`${this.name}.${method}`, undefined, options, () => this.#connect(), true);
    const known = this.#methods?.get(method);
    if (known === undefined) throw this.#noMethod(method);
    const request = this.#request(known, args, encodedArgs, options, nowMs(), true);
    const replica = this.#replicaFor(options, request.extra);
    const channel =
      replica.channel ?? (await this.#limited(known.label, known.info, options, () => this.#openOnce(replica), true));
    return channel.notify(request);
  }

  /** Gives back the channels; calls that are pending, and all later ones, are rejected with `error`. */
  leave(error: SkerryError): void {
    this.#left = error;
    this.#wake();
    for (const replica of this.#replicas) {
      const { channel } = replica;
      replica.channel = undefined;
      if (channel !== undefined) this.#connector.leave(channel, error);
    }
  }

  /** How many calls its instances run at once, all together. */
  async places(): Promise<number> {
    await this.#connect();
    return this.#replicas.length * Math.max(1, this.#concurrency);
  }

  /**
   * How many replicas have an instance that runs, as far as the kernel has told; waits while none does and one is on its way. A channel
   * that was closed is opened again: who asks this may be the only one to use the server.
   *
   * @throws SkerryError when the server is unknown, has been left, or was never up and stays down
   */
  async running(): Promise<number> {
    await this.#connect();
    await Promise.all(this.#replicas.map((replica) => replica.channel ?? this.#openOnce(replica)));
    for (;;) {
      if (this.#left !== undefined) throw withFate(this.#left, false);
      const count = this.#replicas.filter(({ phase }) => phase === 'open').length;
      if (count > 0 || !this.#replicas.some(({ phase }) => phase === 'waiting')) return count;
      this.#moved ??= deferred();
      await this.#moved.promise;
    }
  }

  /** Connects now, so that the first call need not wait. */
  prepare(): Promise<void> {
    return this.#connect();
  }

  #start(
    known: KnownMethod,
    args: readonly unknown[],
    encodedArgs: Uint8Array | undefined,
    options: CallOptions,
    since = nowMs(),
  ): Promise<unknown> | AsyncIterableIterator<unknown> {
    let request: Call;
    try {
      request = this.#request(known, args, encodedArgs, options, since);
      const replica = this.#replicaFor(options, request.extra);
      const { channel } = replica;
      if (channel === undefined) return this.#startLater(known, replica, request, options);
      return known.info.kind === 'stream' ? channel.stream(request) : channel.call(request);
    } catch (error) {
      const failed = Promise.reject(error);
      return known.info.kind === 'stream' ? streamLater(failed) : failed;
    }
  }

  #startLater(
    { label, info }: KnownMethod,
    replica: Replica,
    request: Call,
    options: CallOptions,
  ): Promise<unknown> | AsyncIterableIterator<unknown> {
    const late = this.#limited(label, info, options, () => this.#openOnce(replica)).then((opened) =>
      info.kind === 'stream' ? opened.stream(request) : opened.call(request),
    );
    return info.kind === 'stream' ? streamLater(late) : late;
  }

  /** The arguments are encoded now: what the caller does to them afterwards must not matter. */
  #invokeLater(
    method: string,
    args: readonly unknown[],
    options: CallOptions,
  ): Promise<unknown> & AsyncIterableIterator<unknown> {
    let result: Promise<unknown>;
    try {
      const encodedArgs = encodeRecord(writeArgs, args);
      const since = nowMs();
      result = this.#limited(`${this.name}.${method}`, undefined, options, () => this.#connect()).then(() => {
        const known = this.#methods?.get(method);
        if (known === undefined) throw this.#noMethod(method);
        return this.#start(known, args, encodedArgs, options, since);
      });
    } catch (error) {
      result = Promise.reject(error);
    }
    return iterateLater(result);
  }

  /** A wait before anything is sent: it has the call's deadline and signal all the same. */
  async #limited<T>(
    label: string,
    info: MethodInfo | undefined,
    options: CallOptions,
    wait: () => Promise<T>,
    isNotify = false,
  ): Promise<T> {
    const { signal } = options;
    const timeoutMs = timeoutOf(info, options);
    if (signal?.aborted === true) throw abortError({ label }, signal, false);
    const given = deferred<never>();
    const current = isNotify ? undefined : getCurrentCall();
    const inherited = current === undefined || current.settled ? Number.POSITIVE_INFINITY : current.deadline - nowMs();
    const own = timeoutMs > 0 ? timeoutMs : Number.POSITIVE_INFINITY;
    const expire = () => given.reject(timeoutError({ label, timeoutMs: own <= inherited ? own : 0 }, this.name, false));
    const leastMs = Math.max(0, Math.min(own, inherited));
    // Without a deadline, too, something keeps the process alive: the kernel's answer alone does not.
    const timer = leastMs > TIMER_MAX_MS ? setInterval(() => {}, TIMER_MAX_MS) : setTimeout(expire, leastMs);
    const unlisten = signal === undefined ? undefined : onAbort(signal, () => given.reject(abortError({ label }, signal, false)));
    try {
      return await Promise.race([wait(), given.promise]);
    } finally {
      clearTimeout(timer);
      unlisten?.();
    }
  }

  /** A notification inherits the trace alone: nobody waits for it, so it neither expires nor takes part in a circle of waiting. */
  #request(
    known: KnownMethod,
    args: readonly unknown[],
    encodedArgs: Uint8Array | undefined,
    options: CallOptions,
    since: number,
    isNotify = false,
  ): Call {
    const { info } = known;
    let timeoutMs = timeoutOf(info, options);
    let deadline = timeoutMs > 0 && info.kind === 'call' && !isNotify ? since + timeoutMs : 0;
    let extra: CallExtra | undefined;
    const current = getCurrentCall();
    const trace = options.trace ?? current?.trace;
    if (current !== undefined && !current.settled && !isNotify) {
      if (current.deadline !== Number.POSITIVE_INFINITY && (deadline === 0 || current.deadline < deadline)) {
        deadline = current.deadline;
        if (info.kind === 'call') timeoutMs = 0; // not its own deadline; a stream has one for each item all the same
      }
      extra = { path: current.path, ...(trace === undefined ? {} : { trace }) };
    } else if (trace !== undefined) {
      extra = { trace };
    }
    return new Call(known.label, known.index, info.idempotent, deadline, timeoutMs, extra, args, encodedArgs, options.signal);
  }

  /** The replica that should take the next call. */
  #replicaFor(options: CallOptions, extra: CallExtra | undefined): Replica {
    if (this.#left !== undefined) throw withFate(this.#left, false);
    const replicas = this.#replicas;
    if (extra?.path !== undefined && this.#concurrency === 1 && replicas.length === 1) this.#checkPath(extra.path);
    const chosen = options.key === undefined ? this.#leastLoaded() : replicas[hash(options.key) % replicas.length];
    if (chosen === undefined) throw new SkerryError('SKERRY_NOT_FOUND', `server ${this.name} has no replicas`);
    if (chosen.phase === 'down' && chosen.error !== undefined) throw withFate(chosen.error, false);
    return chosen;
  }

  /** @throws SKERRY_DEADLOCK when the call comes from this server itself. */
  #checkPath(before: readonly string[]): void {
    if (!before.includes(this.name)) return;
    const path = [...before, this.name];
    throw new SkerryError(
      'SKERRY_DEADLOCK',
      `${this.name} takes one call at a time and would wait for itself: ${path.join(' → ')}`,
      { data: { path }, maybeExecuted: false },
    );
  }

  #leastLoaded(): Replica | undefined {
    const replicas = this.#replicas;
    if (replicas.length === 1) return replicas[0];
    return this.#leastLoadedOf(replicas);
  }

  #leastLoadedOf(replicas: readonly Replica[]): Replica | undefined {
    let best: Replica | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    this.#next = (this.#next + 1) % replicas.length;
    for (let i = 0; i < replicas.length; i++) {
      const replica = replicas[(this.#next + i) % replicas.length] as Replica;
      const rank = PHASE_RANK[replica.phase] + (replica.channel?.load ?? 0);
      if (rank < bestRank) {
        best = replica;
        bestRank = rank;
      }
    }
    return best;
  }

  #connect(): Promise<void> {
    if (this.#left !== undefined) return Promise.reject(withFate(this.#left, false));
    this.#connecting ??= this.#connectOnce().catch((error) => {
      this.#connecting = undefined;
      throw error;
    });
    return this.#connecting;
  }

  async #connectOnce(): Promise<void> {
    const { slots, methods, concurrency } = await this.#connector.connect(this.name);
    const before = this.#replicas;
    const someRun = slots.some(({ runs }) => runs);
    this.#replicas = slots.map((place) => before.find(({ slot }) => slot === place.slot) ?? newReplica(place, someRun));
    this.#known = deferred();
    this.#known.promise.catch(() => {});
    if (methods !== undefined) this.#learn(methods, concurrency);
    await Promise.all(this.#replicas.map((replica) => replica.channel ?? this.#openOnce(replica)));
    const down = this.#replicas.find(({ error }) => error !== undefined)?.error;
    if (down !== undefined && this.#replicas.every(({ phase }) => phase === 'down')) throw withFate(down, false);
    await this.#known.promise;
  }

  #openOnce(replica: Replica): Promise<Channel> {
    replica.opening ??= this.#open(replica).finally(() => {
      replica.opening = undefined;
    });
    return replica.opening;
  }

  async #open(replica: Replica): Promise<Channel> {
    if (replica.phase === 'closed') this.#move(replica, 'waiting');
    const channel = await this.#connector.open(`${this.name}.${replica.replica}`, replica.slot, this.#hash, {
      onOpened: (methods, concurrency) => {
        this.#learn(methods, concurrency);
        this.#move(replica, 'open');
        replica.error = undefined;
      },
      onDied: () => {
        this.#move(replica, 'dead');
      },
      onDown: (error) => {
        this.#move(replica, 'down');
        replica.error = error;
        if (this.#replicas.every(({ phase }) => phase === 'down')) this.#known.reject(error); // nobody will tell the methods
      },
      onRevived: () => {
        this.#move(replica, 'waiting');
        replica.error = undefined;
      },
      onClosed: (error) => {
        this.#move(replica, 'closed');
        replica.channel = undefined;
        this.#known.reject(error);
        if (error.code === 'SKERRY_VERSION') this.#forget();
      },
    });
    if (this.#left !== undefined) {
      this.#connector.leave(channel, this.#left);
      throw this.#left;
    }
    replica.channel = channel;
    return channel;
  }

  #move(replica: Replica, phase: Phase): void {
    replica.phase = phase;
    this.#wake();
  }

  #wake(): void {
    this.#moved?.resolve();
    this.#moved = undefined;
  }

  /** @throws SKERRY_VERSION when calls are being written for another table: an index would mean another method. */
  #learn(methods: readonly MethodInfo[], concurrency: number): void {
    const hash = interfaceHash(methods);
    if (this.#hash !== undefined && this.#hash !== hash) {
      throw new SkerryError('SKERRY_VERSION', `${this.name} has another interface than the one that this client knows`);
    }
    this.#hash = hash;
    this.#concurrency = concurrency;
    this.#methods ??= new Map(methods.map((info, index) => [info.name, { index, info, label: `${this.name}.${info.name}` }]));
    this.#known.resolve();
  }

  /** The server came back with another interface: the next call learns it. */
  #forget(): void {
    this.#hash = undefined;
    this.#methods = undefined;
    this.#lastKnown = undefined;
    this.#connecting = undefined;
  }

  #noMethod(method: string): SkerryError {
    if (this.#methods === undefined) {
      const down = this.#replicas.find((replica) => replica.error !== undefined)?.error;
      return down ?? new SkerryError('SKERRY_SERVER_DOWN', `${this.name} has not been ready yet`);
    }
    const names = [...this.#methods.keys()].sort().join(', ');
    return new SkerryError('SKERRY_NOT_FOUND', `server ${this.name} has no method "${method}"; it has: ${names}`, {
      data: { server: this.name, method },
      maybeExecuted: false,
    });
  }
}

/** The first call, too, goes to a replica that runs, where there is one. */
function newReplica({ slot, replica, runs, down }: Place, someRun: boolean): Replica {
  const phase = down !== undefined ? 'down' : someRun && !runs ? 'dead' : 'waiting';
  return { slot, replica, channel: undefined, opening: undefined, phase, error: down };
}

const PHASE_RANK: Record<Phase, number> = { open: 0, waiting: 1e6, dead: 2e6, closed: 3e6, down: 4e6 };

/** A promise that is also the iterator of a stream, for a call of which nobody knows yet whether it is one. */
function iterateLater(result: Promise<unknown>): Promise<unknown> & AsyncIterableIterator<unknown> {
  const stream = () => result as Promise<AsyncIterableIterator<unknown>>;
  return Object.assign(result, {
    next: async () => (await stream()).next(),
    return: async (value?: unknown) => (await stream()).return?.(value) ?? { done: true as const, value },
    throw: async (error?: unknown) => (await stream()).throw?.(error) ?? Promise.reject(error),
    [Symbol.asyncIterator]() {
      return this;
    },
  });
}

/** The same for what is known to be a stream: an error that comes before the first item waits until somebody asks for it. */
function streamLater(result: Promise<unknown>): AsyncIterableIterator<unknown> {
  result.catch(() => {});
  const { next, return: leave, throw: fail } = iterateLater(result);
  return {
    next,
    ...(leave === undefined ? {} : { return: leave }),
    ...(fail === undefined ? {} : { throw: fail }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The caller's, else the method's, if it is known and has one. A number: an object made for each call from two others costs microseconds. */
function timeoutOf(info: MethodInfo | undefined, { timeoutMs }: CallOptions): number {
  return timeoutMs ?? (info === undefined || info.timeoutMs === 0 ? TIMEOUT_MS : info.timeoutMs);
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
