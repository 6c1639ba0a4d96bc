// The process server: evaluates the system module, asks the kernel to start what it declares, in order of need, and restarts what
// dies. It decides; the kernel does. Its decisions are pure functions (start-order.ts, backoff.ts).
//
//   slot: new ──spawn──▶ starting ──manifest, init, ready──▶ running ──death──▶ restart ──backoff──▶ starting
//                                                                          └──▶ zombie (too many unstable deaths)

import { availableParallelism } from 'node:os';
import { SkerryError } from '../../base/errors.ts';
import type { Link } from '../../link/link.ts';
import {
  type BirthConfig,
  type ErrorInfo,
  errorInfo,
  type InstanceEvent,
  type ServerDeclaration,
} from '../../protocol/control.ts';
import { DRAIN_MS } from '../../protocol/limits.ts';
import { type CurrentCall, enableCallContext, getCurrentCall } from '../../rpc/call-context.ts';
import { Dispatcher } from '../../rpc/dispatcher.ts';
import { Feed } from '../../rpc/feed.ts';
import { methodTable } from '../../server/definition.ts';
import type { Instance } from '../../server/instance.ts';
import { loadSystem } from '../../server/load.ts';
import type { ServerEntry } from '../../server/system.ts';
import { type BackoffPolicy, DEFAULT_BACKOFF, nextRestart } from './backoff.ts';
import type { InstanceState, ProcessEntry, ProcessServerApi } from './process-api.ts';
import { mayInit, stopOrder } from './start-order.ts';

const INIT_TIMEOUT_MS = 30_000;
const FIRST_SLOT = 2;
/** Changes that a slow watcher has not taken. */
const CHANGES_MAX = 1024;

interface Supervised {
  readonly name: string;
  readonly replica: number;
  readonly slot: number;
  readonly entry: ServerEntry;
  readonly policy: BackoffPolicy;
  state: InstanceState;
  pid: number;
  generation: number;
  uses: readonly string[] | undefined;
  /** The same, also after its death: for the order of the stop. */
  lastUses: readonly string[] | undefined;
  /** The kernel has been asked for a process, and has not told its death. */
  spawned: boolean;
  begun: boolean;
  readyAt: number | undefined;
  unstable: number;
  restarts: number;
  timer: NodeJS.Timeout | undefined;
  lastReason: string | undefined;
  /** An operator's kill: start again, or not. */
  wish: 'restart' | 'stay down' | undefined;
  onReady: (() => void)[];
  onDeath: (() => void)[];
}

export class ProcessServer implements Instance {
  readonly #link: Link;
  readonly #config: BirthConfig;
  readonly #bySlot = new Map<number, Supervised>();
  readonly #watchers = new Set<Feed<ProcessEntry>>();
  #booting = true;
  #stopping = false;

  constructor(link: Link, config: BirthConfig) {
    this.#link = link;
    this.#config = config;
  }

  async run(): Promise<void> {
    try {
      const system = await loadSystem(this.#config.systemUrl);
      const declarations = this.#plan(system.servers);
      this.#serve();
      this.#link.send({ t: 'declare', servers: declarations });
      if (this.#bySlot.size === 0) this.#up();
    } catch (error) {
      this.#link.send({ t: 'bootFailed', error: asInit(errorInfo(error), 'the system module could not be loaded') });
    }
  }

  init(): void {}

  onDeclared(): void {
    for (const supervised of this.#bySlot.values()) this.#spawn(supervised);
  }

  onInstance(slot: number, event: InstanceEvent): void {
    const supervised = this.#bySlot.get(slot);
    if (supervised === undefined) return;
    switch (event.what) {
      case 'born':
        supervised.pid = event.pid;
        supervised.generation = event.generation;
        return;
      case 'manifest':
        supervised.uses = event.uses;
        supervised.lastUses = event.uses;
        clearTimeout(supervised.timer);
        return this.#initWhatMay();
      case 'ready':
        return this.#onReady(supervised);
      case 'failed':
        supervised.lastReason = `${event.stage} failed: ${event.error.message}`;
        if (this.#booting) this.#bootFailed(asInit(event.error, `server "${title(supervised)}" failed at ${event.stage}`));
        return;
      case 'died':
        return this.#onDeath(supervised, event);
    }
  }

  /** Stops all, users before those they use. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const uses = new Map(
      [...this.#byName()].map(([name, all]) => [name, all.find(({ lastUses }) => lastUses !== undefined)?.lastUses]),
    );
    for (const layer of stopOrder(uses)) {
      const instances = [...this.#bySlot.values()].filter((supervised) => layer.includes(supervised.name));
      await Promise.all(instances.map((supervised) => this.#stopOne(supervised)));
    }
    this.#link.send({ t: 'stopped' });
  }

  #plan(servers: Readonly<Record<string, ServerEntry>>): ServerDeclaration[] {
    let slot = FIRST_SLOT;
    return Object.entries(servers).map(([name, entry]) => {
      const replicas = entry.replicas === 'cores' ? availableParallelism() : (entry.replicas ?? 1);
      const slots: number[] = [];
      for (let replica = 0; replica < replicas; replica++) {
        slots.push(slot);
        this.#bySlot.set(slot, supervise(name, replica, slot, entry));
        slot += 1;
      }
      const uses = Object.fromEntries((entry.uses ?? []).map((used) => [used, true as const]));
      return { name, slots, uses, env: entry.env ?? [], secrets: entry.secrets ?? [], memoryMb: entry.limits?.memoryMb ?? 0 };
    });
  }

  #serve(): void {
    enableCallContext();
    const watchers = this.#watchers;
    const list = () => this.#list();
    const api: ProcessServerApi = {
      list: () => this.#list(),
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
      kill: (name, options) => this.#kill(name, restartOf(options)),
      boot: (name) => this.#bootAgain(name),
    };
    const { infos, handlers } = methodTable(api);
    this.#link.connections.use(
      new Dispatcher({ server: 'process', handlers, concurrency: 64, status: this.#link.carrier.status }),
    );
    this.#link.carrier.address().then((address) => {
      this.#link.send({
        t: 'ready',
        methods: infos,
        concurrency: 64,
        queueMax: 1024,
        ...(address === undefined ? {} : { address }),
      });
    });
  }

  #list(): ProcessEntry[] {
    const kernel: ProcessEntry = { name: 'kernel', replica: 0, pid: process.ppid, state: 'running', restarts: 0 };
    const own: ProcessEntry = { name: 'process', replica: 0, pid: process.pid, state: 'running', restarts: 0 };
    return [kernel, own, ...[...this.#bySlot.values()].map(entryOf)];
  }

  #change(supervised: Supervised, state: InstanceState): void {
    supervised.state = state;
    for (const feed of this.#watchers) feed.push(entryOf(supervised));
  }

  /** @param name `geo` for all replicas, `geo.1` for one. */
  async #kill(name: string, restart: boolean): Promise<void> {
    await Promise.all(
      this.#named(name).map((supervised) => {
        if (!supervised.spawned) {
          clearTimeout(supervised.timer); // it waits for its next start, or is down
          if (restart) this.#spawn(supervised);
          else if (supervised.state !== 'zombie') this.#zombie(supervised, 'stopped by an operator');
          return undefined;
        }
        supervised.wish = restart ? 'restart' : 'stay down';
        return new Promise<void>((resolve) => {
          supervised.onDeath.push(resolve);
          this.#link.send({ t: 'kill', slot: supervised.slot, reason: 'killed by an operator', ordered: true });
        });
      }),
    );
  }

  async #bootAgain(name: string): Promise<void> {
    const idle = this.#named(name).filter(({ spawned }) => !spawned);
    await Promise.all(
      idle.map((supervised) => {
        supervised.unstable = 0;
        this.#spawn(supervised);
        return new Promise<void>((resolve) => {
          supervised.onReady.push(resolve);
          supervised.onDeath.push(resolve); // what comes of it is in its state
        });
      }),
    );
  }

  #named(name: string): Supervised[] {
    const found = [...this.#bySlot.values()].filter((supervised) => supervised.name === name || title(supervised) === name);
    if (found.length > 0) return found;
    const names = [...this.#byName().keys()].join(', ');
    throw new SkerryError('SKERRY_NOT_FOUND', `there is no server "${name}" in this system; it has: ${names}`);
  }

  #byName(): Map<string, Supervised[]> {
    const byName = new Map<string, Supervised[]>();
    for (const supervised of this.#bySlot.values())
      byName.set(supervised.name, [...(byName.get(supervised.name) ?? []), supervised]);
    return byName;
  }

  #spawn(supervised: Supervised): void {
    clearTimeout(supervised.timer);
    this.#change(supervised, supervised.generation === 0 ? 'new' : 'restart');
    supervised.begun = false;
    supervised.readyAt = undefined;
    supervised.wish = undefined;
    supervised.spawned = true;
    this.#link.send({ t: 'spawn', slot: supervised.slot });
    this.#timeInit(supervised);
  }

  /** For its import from the spawn, for its init from when it may begin: not for what it waits for. */
  #timeInit(supervised: Supervised): void {
    clearTimeout(supervised.timer);
    const timeoutMs = supervised.entry.initTimeoutMs ?? INIT_TIMEOUT_MS;
    supervised.timer = setTimeout(() => this.#initTimedOut(supervised, timeoutMs), timeoutMs);
  }

  #initTimedOut(supervised: Supervised, timeoutMs: number): void {
    const stage = supervised.uses === undefined ? 'import' : 'init';
    const message = `server "${title(supervised)}" was not ready within ${timeoutMs} ms: its ${stage} has not ended`;
    supervised.lastReason = message;
    if (this.#booting) return this.#bootFailed({ name: 'SkerryError', code: 'SKERRY_INIT', message });
    this.#link.send({ t: 'kill', slot: supervised.slot, reason: message, ordered: false });
  }

  /** Those whose needs are met are told to initialise. After boot nobody waits: clients do. */
  #initWhatMay(): void {
    const byName = this.#byName();
    const uses = new Map([...byName].map(([name, all]) => [name, all.find((one) => one.uses !== undefined)?.uses]));
    const ready = new Set([...byName].filter(([, all]) => all.every((one) => one.state === 'running')).map(([name]) => name));
    const begun = new Set(
      [...byName]
        .filter(([, all]) => all.every((one) => one.begun || one.uses === undefined) && all.some((one) => one.begun))
        .map(([name]) => name),
    );
    const free = this.#booting ? new Set([...mayInit(uses, ready, begun), ...begun]) : new Set(byName.keys());
    for (const supervised of this.#bySlot.values()) {
      if (supervised.begun || supervised.uses === undefined || supervised.state === 'zombie' || !free.has(supervised.name))
        continue;
      supervised.begun = true;
      this.#timeInit(supervised);
      this.#link.send({ t: 'init', slot: supervised.slot });
    }
  }

  #onReady(supervised: Supervised): void {
    if (this.#stopping) return; // it has been asked to stop, and its timer ends it if it does not
    clearTimeout(supervised.timer);
    this.#change(supervised, 'running');
    supervised.readyAt = performance.now();
    for (const heard of supervised.onReady.splice(0)) heard();
    if (!this.#booting) return;
    const missing = this.#missingUse(supervised);
    if (missing !== undefined) return this.#bootFailed(missing);
    if ([...this.#bySlot.values()].every((one) => one.state === 'running')) this.#up();
    else this.#initWhatMay();
  }

  #missingUse(supervised: Supervised): ErrorInfo | undefined {
    const names = this.#byName();
    const unknown = supervised.uses?.find((used) => !names.has(used));
    if (unknown === undefined) return undefined;
    const message = `server "${supervised.name}" uses "${unknown}", which this system does not have; it has: ${[...names.keys()].join(', ')}`;
    return { name: 'SkerryError', code: 'SKERRY_INIT', message };
  }

  #onDeath(supervised: Supervised, event: Extract<InstanceEvent, { what: 'died' }>): void {
    clearTimeout(supervised.timer);
    for (const heard of supervised.onDeath.splice(0)) heard();
    const { readyAt, wish } = supervised;
    supervised.pid = 0;
    supervised.spawned = false;
    supervised.uses = undefined;
    if (event.error === undefined || supervised.readyAt !== undefined) supervised.lastReason = event.reason;
    if (this.#stopping) {
      this.#change(supervised, 'zombie');
      return;
    }
    if (this.#booting) {
      const error = event.error ?? { name: 'SkerryError', message: `it ended by ${event.reason} before it was ready` };
      return this.#bootFailed(asInit(error, `server "${title(supervised)}" died during boot (${event.reason})`));
    }
    if (wish === 'stay down') return this.#zombie(supervised, 'stopped by an operator');
    supervised.restarts += 1;
    if (wish === 'restart') return this.#spawn(supervised);
    const readyFor = readyAt === undefined ? undefined : performance.now() - readyAt;
    const { unstable, afterMs } = nextRestart(supervised.policy, supervised.unstable, readyFor);
    supervised.unstable = unstable;
    if (afterMs === undefined)
      return this.#zombie(supervised, `${unstable} deaths in a row, the last by ${supervised.lastReason}`);
    if (afterMs === 0) return this.#spawn(supervised);
    this.#change(supervised, 'restart');
    supervised.timer = setTimeout(() => this.#spawn(supervised), afterMs);
  }

  #zombie(supervised: Supervised, why: string): void {
    this.#change(supervised, 'zombie');
    const message = `server "${title(supervised)}" is down until an operator starts it again: ${why}`;
    this.#link.send({ t: 'zombie', slot: supervised.slot, error: { name: 'SkerryError', code: 'SKERRY_SERVER_DOWN', message } });
  }

  #stopOne(supervised: Supervised): Promise<void> {
    clearTimeout(supervised.timer);
    if (supervised.pid === 0) return Promise.resolve();
    const drainMs = supervised.entry.drainMs ?? DRAIN_MS;
    const { slot } = supervised;
    return new Promise((resolve) => {
      supervised.onDeath.push(resolve);
      this.#link.send({ t: 'stopInstance', slot, drainMs });
      supervised.timer = setTimeout(
        () => {
          this.#link.send({ t: 'kill', slot, reason: `did not stop within ${2 * drainMs} ms`, ordered: true });
        },
        2 * drainMs + 200,
      );
    });
  }

  #up(): void {
    this.#booting = false;
    this.#link.send({ t: 'up' });
  }

  #bootFailed(error: ErrorInfo): void {
    if (!this.#booting) return;
    this.#booting = false;
    this.#stopping = true;
    this.#link.send({ t: 'bootFailed', error });
  }
}

function supervise(name: string, replica: number, slot: number, entry: ServerEntry): Supervised {
  return {
    name,
    replica,
    slot,
    entry,
    policy: { ...DEFAULT_BACKOFF, ...entry.restart },
    state: 'new',
    pid: 0,
    generation: 0,
    uses: undefined,
    lastUses: undefined,
    spawned: false,
    begun: false,
    readyAt: undefined,
    unstable: 0,
    restarts: 0,
    timer: undefined,
    lastReason: undefined,
    wish: undefined,
    onReady: [],
    onDeath: [],
  };
}

function title({ name, replica, entry }: Supervised): string {
  return (entry.replicas ?? 1) === 1 ? name : `${name}.${replica}`;
}

function entryOf({ name, replica, pid, state, restarts, lastReason }: Supervised): ProcessEntry {
  return { name, replica, pid, state, restarts, ...(lastReason === undefined ? {} : { lastReason }) };
}

/** @throws SKERRY_INVALID */
function restartOf(options: unknown): boolean {
  const { restart = true, ...others } = Object(options ?? {}) as { restart?: unknown };
  if (typeof restart === 'boolean' && Object.keys(others).length === 0 && (options === undefined || typeof options === 'object'))
    return restart;
  throw new SkerryError(
    'SKERRY_INVALID',
    'kill(name, { restart }): restart must be true (default) or false; there is no other option',
  );
}

/** A failure to start is SKERRY_INIT whatever it was; its own words and stack are kept. */
function asInit(error: ErrorInfo, what: string): ErrorInfo {
  return { ...error, code: 'SKERRY_INIT', message: `${what}: ${error.message}` };
}
