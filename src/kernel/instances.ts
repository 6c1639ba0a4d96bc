// Births and deaths: the slots of a system and the processes in them. An instance is started when somebody says so; its death is found here,
// and its clients and servers are told in the same turn.

import { HUNG_UP } from '../channel/control/port.ts';
import type { Descriptor, NativeAddon } from '../memory/native.ts';
import type { DeathEvent } from '../protocol/control.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import { OPERATOR } from '../protocol/principal.ts';
import type { MemoryBudget } from './budget.ts';
import { spawnChild } from './child.ts';
import type { Closer } from './closer.ts';
import { deathReason, type Exit, isNearLimit } from './death.ts';
import type { Introductions } from './introductions.ts';
import { MemoryWatch } from './memory-watch.ts';
import { newProcess, type Process } from './process-record.ts';
import { sendTo } from './send.ts';
import { FIRST_SERVER_SLOT, PROCESS_SERVER_SLOT, type Slot } from './slots.ts';
import { type Kind, type Owner, Spares, type Unborn } from './spares.ts';

/** Why a process was ended, characters: others are told. */
const REASON_MAX = 300;

export interface InstancesOptions {
  readonly addon: NativeAddon | undefined;
  readonly budget: MemoryBudget;
  /** The caller's environment: servers get what they name of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What every process gets. */
  readonly baseEnv: Readonly<Record<string, string>>;
  /** Anonymous memory of a process, bytes. */
  readonly rssAnon: (pid: number) => number;
  /** A line for who looks after this machine. */
  readonly warn: (line: string) => void;
}

export interface InstancesEvents {
  onMessage(from: Process, message: unknown, descriptors: Descriptor[]): void;
  onBorn(slot: Slot, proc: Process): void;
  /** It is reaped, or could not be started; its clients and servers have been told. @param readyForMs undefined: it never was. */
  onDied(slot: Slot, death: DeathEvent, readyForMs: number | undefined): void;
  /** Processes that are no instances yet. */
  onSpares(pids: readonly number[]): void;
}

export class Instances {
  readonly slots = new Map<number, Slot>();
  readonly #options: InstancesOptions;
  readonly #closer: Closer;
  readonly #introductions: Introductions;
  readonly #events: InstancesEvents;
  readonly #memoryWatch: MemoryWatch;
  readonly #spares: Spares;
  readonly #since = Date.now();
  /** Known once the caller has said it. */
  readonly #systemUrl: Promise<string>;

  constructor(
    options: InstancesOptions,
    systemUrl: Promise<string>,
    closer: Closer,
    introductions: Introductions,
    events: InstancesEvents,
  ) {
    this.#options = options;
    this.#systemUrl = systemUrl;
    this.#closer = closer;
    this.#introductions = introductions;
    this.#events = events;
    this.#memoryWatch = new MemoryWatch(() => this.slots.values(), options.rssAnon);
    this.#spares = new Spares({
      start: (kind, owner) => this.#start('server', 'spare', kind, owner),
      prepare: ({ child }) => void this.#systemUrl.then((systemUrl) => child.port.send({ t: 'prepare', systemUrl })),
      forget: ({ port, output }) => {
        port.close();
        for (const pipe of output) this.#closer.close(pipe);
      },
      changed: (pids) => events.onSpares(pids),
      warn: options.warn,
    });
  }

  /** @throws Error: the asker's mistake */
  slot(number: number): Slot {
    const slot = this.slots.get(number);
    if (slot === undefined) throw new Error(`no slot ${number}`);
    return slot;
  }

  /** The slots of a server, one for each replica. */
  of(name: string): Slot[] {
    return [...this.slots.values()].filter((slot) => slot.server.name === name);
  }

  killAll(): void {
    this.#spares.end();
    for (const { process } of this.slots.values()) process?.kill();
  }

  /** Kills a process, for that reason, if it still lives. */
  end(proc: Process, why: string): void {
    if (proc.dead) return;
    proc.killedFor ??= why.slice(0, REASON_MAX);
    proc.kill();
  }

  /** Who collects garbage near its memory limit makes no turn, or uses a whole core: that is a symptom. */
  causeOf(proc: Process, symptom: string): string {
    const { memoryMb } = this.slot(proc.endpoint.slot).server;
    return memoryMb > 0 && isNearLimit(this.#options.rssAnon(proc.pid), memoryMb) ? 'memory limit' : symptom;
  }

  /** A process that breaks the protocol is ended. */
  expel(proc: Process, why: string): void {
    if (proc.role !== 'client') this.end(proc, `broke the control protocol: ${why}`);
  }

  get sparePids(): readonly number[] {
    return this.#spares.pids;
  }

  /** From now on there are to be so many spares of each kind of process that the servers need. */
  keepSpares(count: number): void {
    const servers = [...this.slots.values()].filter(({ number }) => number >= FIRST_SERVER_SLOT);
    this.#spares.keep(
      count,
      servers.map(({ server }) => this.#kindOf(server)),
    );
  }

  /** @param fresh its modules may have changed: no spare that has loaded any of them. */
  async spawn(slot: Slot, fresh = false): Promise<void> {
    slot.generation += 1;
    slot.died = undefined;
    const { server, replica, number } = slot;
    const endpoint: Endpoint = { node: 0, slot: number, generation: slot.generation };
    const role = number === PROCESS_SERVER_SLOT ? 'process' : 'server';
    const kind = this.#kindOf(server);
    const owner: Owner = {
      onMessage: (message, descriptors) => this.#events.onMessage(record, message, descriptors),
      onClose: (why) => {
        // A process that closes its control socket has left the system, whatever else it does.
        if (why !== HUNG_UP) this.expel(record, why);
        else if (!record.dead) record.kill();
      },
      onExit: (exit) => this.#onDeath(slot, record, exit),
    };
    if (fresh) this.#spares.renew();
    const spare = fresh || role === 'process' ? undefined : this.#spares.take(kind);
    const born = spare ?? this.#tryStart(slot, () => this.#start(role, titleOf(slot), kind, owner));
    this.#spares.calm();
    if (born === undefined) return;
    born.owner = owner;
    const principal = role === 'process' ? OPERATOR : `server:${server.name}`;
    const record = newProcess(role, server.name, endpoint, principal, born.child);
    slot.process = record;
    if (server.memoryMb > 0) this.#memoryWatch.start();
    this.#events.onBorn(slot, record);
    const systemUrl = await this.#systemUrl;
    const replicas = this.of(server.name).length;
    const isTold = this.tellBirth(record, replica, systemUrl, this.#pick(server.secrets), replicas, server.openFiles);
    if (!isTold) this.end(record, 'it could not be told what it is: its secrets are more than a message takes');
  }

  /** @throws Error when no process is to be had */
  #start(role: 'server' | 'process', title: string, kind: Kind, owner: Owner): Unborn {
    const { addon, baseEnv } = this.#options;
    const { env, memoryMb, background } = kind;
    const child = spawnChild(
      { addon, role, env: { ...baseEnv, ...env }, memoryMb, background, title, piped: role === 'server' },
      {
        onMessage: (message, descriptors) => unborn.owner.onMessage(message, descriptors),
        onClose: (why) => unborn.owner.onClose(why),
      },
      (exit) => unborn.owner.onExit(exit),
    );
    const unborn: Unborn = { child, owner };
    return unborn;
  }

  #kindOf({ env, memoryMb, background }: Slot['server']): Kind {
    return { env: this.#pick(env), memoryMb, background };
  }

  /** A process that cannot be started is one that died at once, for that reason. */
  #tryStart(slot: Slot, start: () => Unborn): Unborn | undefined {
    try {
      return start();
    } catch (error) {
      this.#events.onDied(slot, { what: 'died', reason: (error as Error).message, ordered: false }, undefined);
      return undefined;
    }
  }

  /** Tells a process what it is. @returns false when its secrets are more than a message takes */
  tellBirth(
    to: Process,
    replica: number,
    systemUrl: string,
    secrets: Record<string, string>,
    replicas: number,
    openFiles = 0,
  ): boolean {
    return sendTo(to, {
      t: 'born',
      config: {
        role: to.role,
        name: to.name,
        replica,
        endpoint: to.endpoint,
        systemSince: this.#since,
        systemUrl,
        secrets,
        replicas,
        piped: to.output.length > 0,
        openFiles,
      },
    });
  }

  #pick(names: readonly string[]): Record<string, string> {
    const picked: Record<string, string> = {};
    for (const name of names) {
      const value = this.#options.env[name];
      if (value !== undefined) picked[name] = value;
    }
    return picked;
  }

  #onDeath(slot: Slot, proc: Process, exit: Exit): void {
    proc.dead = true;
    const { killedFor, lastRssAnon, status, lastWords } = proc;
    const reason = deathReason({
      exit,
      killedFor,
      lastWords,
      memoryMb: slot.server.memoryMb,
      lastRssAnon,
      status: status?.region,
    });
    if (slot.process === proc) {
      slot.process = undefined;
      slot.ready = undefined;
    }
    this.#introductions.serverDied(slot, proc, { reason, ordered: proc.ordered, error: lastWords });
    this.#introductions.clientDied(proc);
    this.#forget(proc);
    const readyForMs = proc.readyAt === undefined ? undefined : performance.now() - proc.readyAt;
    this.#events.onDied(slot, { what: 'died', reason, ordered: proc.ordered, error: lastWords }, readyForMs);
  }

  #forget(proc: Process): void {
    const { addon, budget } = this.#options;
    budget.give(proc.grantedBytes);
    proc.grantedBytes = 0;
    if (addon === undefined) return;
    if (proc.bell !== undefined) this.#closer.close(proc.bell);
    if (proc.box !== undefined) this.#closer.close(proc.box);
    if (proc.status !== undefined) {
      this.#closer.close(proc.status.descriptor);
      proc.status.region?.release();
    }
    for (const pipe of proc.output) this.#closer.close(pipe);
    proc.bell = undefined;
    proc.box = undefined;
    proc.status = undefined;
  }
}

function titleOf({ number, server, replica }: Slot): string {
  return number === PROCESS_SERVER_SLOT ? 'process' : `${server.name}.${replica}`;
}
