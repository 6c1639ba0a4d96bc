// The process server's methods: what operators ask and order. It decides nothing: orders go to the supervisor.

import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../../base/clock.ts';
import { SkerryError } from '../../base/errors.ts';
import { show } from '../../base/options.ts';
import type { Link } from '../../link/link.ts';
import type { BirthConfig } from '../../protocol/control.ts';
import { formatEndpoint } from '../../protocol/endpoint.ts';
import { OPERATOR } from '../../protocol/principal.ts';
import { type CurrentCall, enableCallContext, getCurrentCall } from '../../rpc/call-context.ts';
import { Dispatcher } from '../../rpc/dispatcher.ts';
import { Feed } from '../../rpc/feed.ts';
import { methodTable } from '../../server/definition.ts';
import { callOnce, checkInvoke, Invoker } from './invoker.ts';
import type { LogBook } from './log-book.ts';
import { OperatorSocket } from './operator-socket.ts';
import type {
  InstanceStatus,
  LogLine,
  LogQuery,
  ProcessEntry,
  ProcessServerApi,
  ProcessUsage,
  SystemInfo,
  TracedCall,
} from './process-api.ts';
import type { ProgramsApi } from './programs-api.ts';
import { Quarantine } from './quarantine.ts';
import { endpointOf, entryOf, type Supervised } from './supervised.ts';
import type { Supervisor } from './supervisor.ts';
import { systemName } from './system-name.ts';
import { recentCalls, trace } from './tracer.ts';
import { type Subject, UsageReader } from './usage.ts';

const CONCURRENCY = 64;
const QUEUE_MAX = 1024;
/** Changes and lines that a slow consumer has not taken. */
const CHANGES_MAX = 1024;
const LINES_MAX = 4096;
const LAST_MAX = 10_000;
const LAST_DEFAULT = 100;
const LAST_OF_STATUS = 10;

/** What is neither asked of the supervisor nor ordered from it. */
export interface Orders {
  readonly systemModules: ReadonlySet<string>;
  inspect(supervised: Supervised, on: boolean): Promise<string>;
  /** Durations are taken of all its calls. */
  trace(supervised: Supervised, on: boolean): void;
  stopSystem(): void;
}

export class Operations {
  readonly #supervisor: Supervisor;
  readonly #orders: Orders;
  readonly #link: Link;
  readonly #book: LogBook;
  readonly #config: BirthConfig;
  readonly #watchers = new Set<Feed<ProcessEntry>>();
  readonly #usage = new UsageReader();
  readonly #startedAtMs = nowMs();
  #socket: OperatorSocket | undefined;
  readonly quarantine: Quarantine;
  #tracers = 0;
  /** Instances that have been told to take the time of all calls, by slot. */
  readonly #tracedNow = new Map<number, { readonly supervised: Supervised; readonly generation: number }>();
  /** The pids of processes that are no instances yet. */
  spares: readonly number[] = [];

  constructor(supervisor: Supervisor, orders: Orders, link: Link, book: LogBook, config: BirthConfig) {
    this.#supervisor = supervisor;
    this.#orders = orders;
    this.#link = link;
    this.#book = book;
    this.#config = config;
    this.quarantine = new Quarantine({
      pardon: (id) => link.send({ t: 'pardon', id }),
      call: (server, method, args, principal) => callOnce(link.clients, server, method, args, principal),
      warn: (line) => void process.stderr.write(`${line}\n`),
    });
  }

  /** From now on operators are answered: who has an introduction, and who may open the socket. */
  serve(programs: ProgramsApi): void {
    enableCallContext();
    const { carrier, connections } = this.#link;
    const { infos, handlers } = methodTable({ ...this.#api(), ...programs });
    const dispatcher = new Dispatcher({ server: 'process', handlers, concurrency: CONCURRENCY, status: carrier.status });
    connections.use(dispatcher);
    carrier.onIdle?.(dispatcher.recount);
    carrier.address().then((address) => {
      const at = address === undefined ? {} : { address };
      this.#link.send({ t: 'ready', methods: infos, concurrency: CONCURRENCY, queueMax: QUEUE_MAX, ...at });
    });
    const folder = process.env.SKERRY_OPERATOR_DIR;
    if (folder === undefined) return;
    this.#socket = new OperatorSocket(dispatcher, infos, { concurrency: CONCURRENCY, queueMax: QUEUE_MAX }, process.ppid);
    const { name } = this.#info();
    this.#socket.listen(folder, name).catch((error: Error) => {
      process.stderr.write(`skerry: no operator's socket for system "${name}": ${error.message}\n`);
    });
  }

  changed(entry: ProcessEntry): void {
    for (const feed of this.#watchers) feed.push(entry);
  }

  /** The socket's name is free again. */
  close(): void {
    this.#socket?.close();
  }

  #api(): Omit<ProcessServerApi, keyof ProgramsApi> {
    const supervisor = this.#supervisor;
    const watchers = this.#watchers;
    const list = () => this.#list();
    const logs = (query: LogQuery) => this.#logs(query);
    const traced = (name?: string, options?: { readonly method?: string }) => this.#trace(name, options);
    const invoker = new Invoker(this.#link.clients);
    return {
      list,
      async *watch() {
        const feed = new Feed<ProcessEntry>(CHANGES_MAX);
        watchers.add(feed);
        try {
          yield* list();
          yield* feed.items(getCurrentCall() as CurrentCall);
        } finally {
          watchers.delete(feed);
        }
      },
      kill: (name, options) => supervisor.kill(name, flagOf('kill', 'restart', options, true)),
      boot: (name) => supervisor.boot(name),
      restart: (name) => supervisor.restart(name),
      info: () => this.#info(),
      usage: () => this.#usages(),
      status: (name) => this.#status(name),
      async *logs(query) {
        yield* logs(checkQuery(query));
      },
      async *trace(name, options) {
        yield* traced(name, options);
      },
      modules: () => this.#modules(),
      inspect: async (name, options) => {
        const off = flagOf('inspect', 'off', options, false);
        const found = supervisor.named(name);
        if (found.length === 1) return this.#orders.inspect(found[0] as Supervised, !off);
        const names = found.map(({ replica }) => `${name}.${replica}`).join(', ');
        throw new SkerryError('SKERRY_INVALID', `server "${name}" has ${found.length} replicas; which one? ${names}`);
      },
      quarantine: () => this.quarantine.list(),
      quarantinedArguments: (id) => this.quarantine.arguments(id),
      retryQuarantined: (id) => this.quarantine.retry(id),
      dropQuarantined: (id) => this.quarantine.drop(id),
      stop: () => this.#orders.stopSystem(),
      async *invoke(server, method, args, options = {}) {
        checkInvoke(server, method, args, options);
        yield* invoker.invoke(server, method, args, options);
      },
    };
  }

  #list(): ProcessEntry[] {
    const kernel: ProcessEntry = { name: 'kernel', replica: 0, pid: process.ppid, state: 'running', restarts: 0 };
    const own: ProcessEntry = {
      name: 'process',
      replica: 0,
      pid: process.pid,
      state: 'running',
      restarts: this.#config.endpoint.generation - 1,
    };
    return [kernel, own, ...this.#supervisor.all.map(entryOf)];
  }

  #info(): SystemInfo {
    const { systemUrl, systemSince } = this.#config;
    const { transport } = this.#link.carrier;
    const name = systemName(systemUrl, process.env.SKERRY_NAME);
    return { name, url: systemUrl, pid: process.ppid, transport, startedAt: systemSince };
  }

  #usages(): ProcessUsage[] {
    const { endpoint } = this.#config;
    const [kernel, own] = this.#list() as [ProcessEntry, ProcessEntry];
    const sinceMs = nowMs() - (Date.now() - this.#config.systemSince);
    const system = [
      { entry: kernel, endpoint: '-', principal: '-', status: undefined, readyAtMs: sinceMs },
      { entry: own, endpoint: formatEndpoint(endpoint), principal: OPERATOR, status: undefined, readyAtMs: this.#startedAtMs },
    ];
    const spares = this.spares.map((pid, replica) => ({
      entry: { name: 'spare', replica, pid, state: 'new' as const, restarts: 0 },
      endpoint: '-',
      principal: '-',
      status: undefined,
      readyAtMs: undefined,
    }));
    return this.#usage.usage([...system, ...this.#supervisor.all.map(subjectOf), ...spares]);
  }

  #status(name: string): InstanceStatus[] {
    const wanted = this.#supervisor.named(name);
    return this.#usages()
      .slice(2)
      .flatMap((usage, index) => {
        const supervised = this.#supervisor.all[index] as Supervised;
        if (!wanted.includes(supervised)) return [];
        const { since, lastDeath, lastUses = [], entry, box } = supervised;
        const log = this.#book.last(LAST_OF_STATUS, (line) => line.name === usage.name && line.replica === usage.replica);
        const death = lastDeath === undefined ? {} : { lastDeath };
        return [{ ...usage, since, ...death, uses: lastUses, limits: entry.limits ?? {}, calls: recentCalls(box), log }];
      });
  }

  async *#trace(name: string | undefined, options: { readonly method?: string } = {}): AsyncGenerator<TracedCall[], void> {
    const { method, ...others } = Object(options) as { method?: unknown };
    const isFine = (name === undefined || typeof name === 'string') && (method === undefined || typeof method === 'string');
    if (!isFine || Object.keys(others).length > 0)
      throw new SkerryError('SKERRY_INVALID', `trace('server', { method?: 'name' }); it was given ${show([name, method])}`);
    if (this.#link.carrier.transport !== 'ring')
      throw new SkerryError('SKERRY_UNSUPPORTED', 'calls are traced in shared memory, which the stream transport does without');
    const { signal } = getCurrentCall() as CurrentCall;
    const all = name === undefined ? this.#supervisor.all : this.#supervisor.named(name);
    const turn = (ms: number) => {
      for (const supervised of all) if (this.#traced(supervised)) this.#orders.trace(supervised, true);
      return pause(ms, signal);
    };
    this.#tracers += 1;
    try {
      yield* trace(all, (called) => method === undefined || called === method, turn);
    } finally {
      this.#tracers -= 1;
      if (this.#tracers === 0) {
        for (const { supervised } of this.#tracedNow.values()) this.#orders.trace(supervised, false);
        this.#tracedNow.clear();
      }
    }
  }

  /** @returns whether this instance has to be told: it is another than was told last. */
  #traced(supervised: Supervised): boolean {
    const { slot, generation, readyAt } = supervised;
    if (readyAt === undefined || this.#tracedNow.get(slot)?.generation === generation) return false;
    this.#tracedNow.set(slot, { supervised, generation });
    return true;
  }

  #modules(): Record<string, string[]> {
    const system = this.#orders.systemModules;
    const modules: Record<string, string[]> = { '': [...system] };
    for (const { name, modules: loaded } of this.#supervisor.all)
      modules[name] = [...new Set([...(modules[name] ?? []), ...[...loaded].filter((url) => !system.has(url))])];
    return modules;
  }

  async *#logs({ name, last = LAST_DEFAULT, follow = false }: LogQuery): AsyncGenerator<LogLine, void> {
    if (this.#link.carrier.transport !== 'ring')
      throw new SkerryError(
        'SKERRY_UNSUPPORTED',
        'lines are kept where the addon reads them; over streams they go to the output of the program that booted the system, and no further',
      );
    const wanted = name === undefined ? undefined : new Set(this.#supervisor.named(name).map(keyOf));
    const isWanted = (line: LogLine) => wanted === undefined || wanted.has(keyOf(line));
    const feed = new Feed<LogLine>(LINES_MAX);
    const leave = this.#book.listen((line) => {
      if (isWanted(line)) feed.push(line);
    });
    try {
      yield* this.#book.last(last, isWanted);
      if (follow) yield* feed.items(getCurrentCall() as CurrentCall);
    } finally {
      leave();
    }
  }
}

function subjectOf(supervised: Supervised): Subject {
  const { name, status, readyAt, pid } = supervised;
  const readyAtMs = readyAt === undefined || pid === 0 ? undefined : nowMs() - (performance.now() - readyAt);
  return { entry: entryOf(supervised), endpoint: endpointOf(supervised), principal: `server:${name}`, status, readyAtMs };
}

function keyOf({ name, replica }: { readonly name: string; readonly replica: number }): string {
  return `${name}.${replica}`;
}

/** @throws SKERRY_INVALID */
function flagOf(method: string, flag: string, options: unknown, normal: boolean): boolean {
  const { [flag]: value = normal, ...others } = Object(options ?? {}) as Record<string, unknown>;
  if (typeof value === 'boolean' && Object.keys(others).length === 0 && (options === undefined || typeof options === 'object'))
    return value;
  const message = `${method}(name, { ${flag} }): ${flag} must be true or false (default ${normal}); there is no other option`;
  throw new SkerryError('SKERRY_INVALID', message);
}

/** @throws SKERRY_INVALID */
function checkQuery(query: LogQuery = {}): LogQuery {
  const { name, last, follow, ...others } = Object(query) as LogQuery;
  const isFine =
    (name === undefined || typeof name === 'string') &&
    (last === undefined || (Number.isInteger(last) && last >= 0 && last <= LAST_MAX)) &&
    (follow === undefined || typeof follow === 'boolean') &&
    Object.keys(others).length === 0;
  if (isFine) return query;
  const valid = `{ name?: string, last?: an integer from 0 to ${LAST_MAX}, follow?: boolean }`;
  throw new SkerryError('SKERRY_INVALID', `logs(query): the query must be ${valid}; it is ${JSON.stringify(query)}`);
}

/** @returns false when the call is over. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal }).catch(() => false);
}
