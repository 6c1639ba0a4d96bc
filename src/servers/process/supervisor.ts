// The supervisor: which instance is started when, what each death leads to, in which order all stop. It decides and remembers; what it wants
// done it says in messages to the kernel. Its decisions are pure functions (start-order.ts, death-decision.ts, supervision.ts).
//
//   slot: new ──spawn──▶ starting ──manifest, init, ready──▶ running ──death──▶ restart ──backoff──▶ starting
//                                                                          └──▶ zombie (too many unstable deaths)

import { availableParallelism } from 'node:os';
import { SkerryError } from '../../base/errors.ts';
import { readTexts } from '../../memory/black-box.ts';
import type { DeathEvent, ErrorInfo, FromProcessServer, InstanceEvent, ServerDeclaration } from '../../protocol/control.ts';
import { DRAIN_MS } from '../../protocol/limits.ts';
import type { DeathPolicy } from '../../server/supervision.ts';
import type { ServerEntry, System } from '../../server/system.ts';
import { decide } from './death-decision.ts';
import type { Death, InstanceState, ProcessEntry } from './process-api.ts';
import { noteOf, recall } from './remember.ts';
import { mayInit, stopOrder } from './start-order.ts';
import { entryOf, type Supervised, supervise, title, type Wish } from './supervised.ts';
import { type Group, groupsOf } from './supervision.ts';
import { recentCalls } from './tracer.ts';

/** Of what an instance has said last, this much is kept after its end. */
const SAID = 10;
const INIT_TIMEOUT_MS = 30_000;
const FIRST_SLOT = 2;
/** It was asked for by a process server that died before the kernel had read that. */
const UNSEEN: DeathEvent = { what: 'died', reason: 'it was not started: the process server died', ordered: false };
/** Of a server that the system module no longer has: its instances go on, and cannot be started again. */
const GONE: ServerEntry = { load: () => Promise.reject(new Error('the system module no longer has this server')) };

export interface SupervisorEvents {
  /** To the kernel. */
  send(message: FromProcessServer): void;
  changed(entry: ProcessEntry): void;
  /** The system cannot come up. */
  onBootFailed(error: ErrorInfo): void;
}

export class Supervisor {
  readonly #events: SupervisorEvents;
  readonly #bySlot = new Map<number, Supervised>();
  #entries: Readonly<Record<string, ServerEntry>> = {};
  /** The innermost group of each server that is in one. */
  #groups: ReadonlyMap<string, Group> = new Map();
  #policy: DeathPolicy | undefined;
  /** How the last instances ended of slots where none runs; whether the predecessor knew is in its note. */
  readonly #ends = new Map<Supervised, DeathEvent>();
  /** Slots that a predecessor has had. */
  readonly #kept = new Set<number>();
  #booting = true;
  #stopping = false;

  constructor(events: SupervisorEvents) {
    this.#events = events;
  }

  /** All slots, those of a server side by side. */
  get all(): readonly Supervised[] {
    return [...this.#bySlot.values()];
  }

  bySlot(slot: number): Supervised | undefined {
    return this.#bySlot.get(slot);
  }

  /** What the kernel is to know of the system's servers. */
  plan({ servers, supervision, onDeath }: System): ServerDeclaration[] {
    this.#entries = servers;
    this.#groups = groupsOf(supervision);
    this.#policy = onDeath;
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
      return {
        name,
        slots,
        uses,
        env: entry.env ?? [],
        secrets: entry.secrets ?? [],
        memoryMb: entry.limits?.memoryMb ?? 0,
        openFiles: entry.limits?.openFiles ?? 0,
        background: entry.priority === 'background',
      };
    });
  }

  /** Starts all, or, in a successor, goes on. */
  begin(resumed: boolean): void {
    if (resumed) return this.#resume();
    for (const supervised of this.#bySlot.values()) this.#spawn(supervised);
    if (this.#bySlot.size === 0) this.#up();
  }

  /** The system runs: its state has been told as if it had just come about. What does not run is what nobody has restarted. */
  #resume(): void {
    for (const supervised of this.#bySlot.values()) {
      const { slot, state, spawned, pid } = supervised;
      if (!this.#kept.has(slot))
        this.#bySlot.delete(slot); // the system module has changed: a server that the system does not have
      else if (pid !== 0 && supervised.wish !== undefined)
        void this.#stopOne(supervised); // that order goes on
      else if (state === 'running' || state === 'zombie') continue;
      else if (pid !== 0) this.#timeInit(supervised);
      else if (spawned) this.onDeath(supervised, this.#ends.get(supervised) ?? UNSEEN);
      else this.#spawn(supervised); // its death is known, and counted
    }
    this.#ends.clear();
  }

  /** @param event what the kernel has kept for a successor. */
  keep(slot: number, { name, replica, generation, runs, isDown, note, died }: Extract<InstanceEvent, { what: 'kept' }>): void {
    this.#booting = false;
    this.#kept.add(slot);
    const planned = this.#bySlot.get(slot);
    const isSame = planned?.name === name && planned.replica === replica;
    const supervised = isSame ? planned : supervise(name, replica, slot, this.#entries[name] ?? GONE);
    this.#bySlot.set(slot, supervised);
    if (note !== undefined) recall(supervised, note, generation);
    if (isDown) supervised.state = 'zombie';
    else if (generation > 0) supervised.state = 'restart';
    supervised.spawned ||= runs;
    supervised.generation = generation;
    if (died !== undefined) this.#ends.set(supervised, died);
  }

  onManifest(supervised: Supervised, uses: readonly string[]): void {
    supervised.uses = uses;
    supervised.lastUses = uses;
    clearTimeout(supervised.timer);
    this.#initWhatMay();
  }

  onFailed(supervised: Supervised, { stage, error }: Extract<InstanceEvent, { what: 'failed' }>): void {
    supervised.failure = `${stage} failed: ${error.message}`;
    supervised.lastReason = supervised.failure;
    if (this.#booting) this.#bootFailed(asInit(error, `server "${title(supervised)}" failed at ${stage}`));
  }

  /** Nothing is started any more. */
  stopStarting(): void {
    this.#stopping = true;
  }

  /** Users before those they use. */
  async stopAll(): Promise<void> {
    const uses = new Map(
      [...this.#byName()].map(([name, all]) => [name, all.find(({ lastUses }) => lastUses !== undefined)?.lastUses]),
    );
    for (const layer of stopOrder(uses)) {
      const instances = this.all.filter((supervised) => layer.includes(supervised.name));
      await Promise.all(instances.map((supervised) => this.#stopOne(supervised)));
    }
  }

  /** @param name `geo` for all replicas, `geo.1` for one. */
  async kill(name: string, restart: boolean): Promise<void> {
    await Promise.all(
      this.named(name).map((supervised) => {
        if (!supervised.spawned) {
          clearTimeout(supervised.timer); // it waits for its next start, or is down
          if (restart) this.#spawn(supervised, true);
          else if (supervised.state !== 'zombie') this.#zombie(supervised, 'stopped by an operator');
          return undefined;
        }
        this.#wish(supervised, restart ? 'restart' : 'stay down');
        return new Promise<void>((resolve) => {
          supervised.onDeath.push(resolve);
          this.#events.send({ t: 'kill', slot: supervised.slot, reason: 'killed by an operator', ordered: true });
        });
      }),
    );
  }

  async boot(name: string): Promise<void> {
    const idle = this.named(name).filter(({ spawned }) => !spawned);
    await Promise.all(
      idle.map((supervised) => {
        supervised.unstable = 0;
        this.#spawn(supervised, true);
        return this.#settled(supervised);
      }),
    );
  }

  /** Politely, one replica after the other, so that the others serve meanwhile. */
  async restart(name: string): Promise<void> {
    for (const supervised of this.named(name)) {
      if (supervised.spawned) {
        this.#wish(supervised, 'restart');
        await this.#stopOne(supervised);
      } else {
        supervised.unstable = 0;
        this.#spawn(supervised, true);
      }
      await this.#settled(supervised);
    }
  }

  /** It is ready, or has died: what came of it is in its state. */
  #settled(supervised: Supervised): Promise<void> {
    return new Promise((resolve) => {
      supervised.onReady.push(resolve);
      supervised.onDeath.push(resolve);
    });
  }

  /** @throws SKERRY_NOT_FOUND */
  named(name: string): Supervised[] {
    const found = this.all.filter((supervised) => supervised.name === name || title(supervised) === name);
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

  /** @param fresh by an operator's order: what it loads may have changed, so no spare is taken that has loaded some of it. */
  #spawn(supervised: Supervised, fresh = false): void {
    clearTimeout(supervised.timer);
    supervised.begun = false;
    supervised.readyAt = undefined;
    supervised.wish = undefined;
    supervised.after = [];
    supervised.together = undefined;
    supervised.failure = undefined;
    supervised.spawned = true;
    this.#enter(supervised, supervised.generation === 0 ? 'new' : 'restart');
    this.#events.send({ t: 'spawn', slot: supervised.slot, fresh, note: noteOf(supervised) });
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
    supervised.failure = message;
    supervised.lastReason = message;
    if (this.#booting) return this.#bootFailed({ name: 'SkerryError', code: 'SKERRY_INIT', message });
    this.#events.send({ t: 'kill', slot: supervised.slot, reason: message, ordered: false });
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
      if (!supervised.after.every((name) => byName.get(name)?.every(runsOrIsDown) !== false)) continue;
      supervised.begun = true;
      this.#timeInit(supervised);
      this.#events.send({ t: 'init', slot: supervised.slot });
    }
  }

  onReady(supervised: Supervised): void {
    if (this.#stopping) return; // it has been asked to stop, and its timer ends it if it does not
    clearTimeout(supervised.timer);
    if (this.#kept.has(supervised.slot) && supervised.readyAt !== undefined) supervised.state = 'running';
    else {
      supervised.readyAt = performance.now();
      this.#change(supervised, 'running');
    }
    for (const heard of supervised.onReady.splice(0)) heard();
    if (!this.#booting) return this.#initWhatMay(); // of its group, those after it
    const missing = this.#missingUse(supervised);
    if (missing !== undefined) return this.#bootFailed(missing);
    if (this.all.every((one) => one.state === 'running')) this.#up();
    else this.#initWhatMay();
  }

  #missingUse(supervised: Supervised): ErrorInfo | undefined {
    const names = this.#byName();
    const unknown = supervised.uses?.find((used) => !names.has(used));
    if (unknown === undefined) return undefined;
    const message = `server "${supervised.name}" uses "${unknown}", which this system does not have; it has: ${[...names.keys()].join(', ')}`;
    return { name: 'SkerryError', code: 'SKERRY_INIT', message };
  }

  onDeath(supervised: Supervised, event: DeathEvent): void {
    clearTimeout(supervised.timer);
    for (const heard of supervised.onDeath.splice(0)) heard();
    const { readyAt, wish } = supervised;
    supervised.pid = 0;
    supervised.spawned = false;
    supervised.uses = undefined;
    supervised.lastDeath = deathOf(supervised, event);
    supervised.status?.release();
    supervised.status = undefined;
    supervised.box?.release();
    supervised.box = undefined;
    supervised.lastReason = supervised.failure ?? event.reason;
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
    if (wish === 'together') return this.#change(supervised, 'restart');
    if (wish === 'restart') return this.#spawn(supervised, true);
    this.#decide(supervised, readyAt === undefined ? undefined : performance.now() - readyAt);
  }

  #decide(supervised: Supervised, readyForMs: number | undefined): void {
    const { name, replica, policy, unstable: unstableBefore, lastReason: reason = '' } = supervised;
    const decided = decide({ server: name, replica, reason, readyForMs, unstableBefore }, policy, this.#policy, warn);
    const { unstable, afterMs, escalates, why } = decided;
    const group = this.#groups.get(name);
    supervised.unstable = unstable;
    if (unstable === 0) group?.sawStable();
    if (afterMs === undefined) {
      if (!escalates || group === undefined) return this.#zombie(supervised, why);
      return this.#groupFailed(group, `${title(supervised)}: ${why}`);
    }
    const together = group?.affectedBy(name) ?? [name];
    if (group !== undefined && group.strategy !== 'oneForOne') {
      this.#change(supervised, 'restart');
      return void this.#restartTogether(together, afterMs);
    }
    if (afterMs === 0) return this.#spawn(supervised);
    this.#change(supervised, 'restart');
    supervised.timer = setTimeout(() => this.#spawn(supervised), afterMs);
  }

  /** A member has died too often: the group is restarted as a whole, or, if that has happened too often, the group around it has failed. */
  #groupFailed(group: Group, why: string): void {
    const { afterMs } = group.failed();
    const names = group.parent?.affectedBy(group) ?? group.servers;
    if (afterMs !== undefined) {
      warn(`skerry: ${why}; restarting ${names.join(', ')} together`);
      for (const supervised of this.#ofNames(names)) supervised.unstable = 0;
      return void this.#restartTogether(names, afterMs);
    }
    if (group.parent !== undefined) return this.#groupFailed(group.parent, why);
    warn(`skerry: ${why}; ${names.join(', ')} are down until an operator starts them again`);
    void this.#stopTogether(names).then((stopped) => {
      for (const supervised of stopped)
        if (supervised.together === stopped) this.#zombie(supervised, `its group has failed: ${why}`);
    });
  }

  /** Stops what runs of these, then starts all of them in this order. Who is down by an operator's order stays so. */
  async #restartTogether(names: readonly string[], afterMs: number): Promise<void> {
    const notBefore = performance.now() + afterMs;
    const stopped = await this.#stopTogether(names);
    await new Promise((resolve) => {
      setTimeout(resolve, Math.max(0, notBefore - performance.now()));
    });
    for (const supervised of stopped) {
      if (this.#stopping || supervised.spawned || supervised.together !== stopped) continue;
      this.#spawn(supervised);
      supervised.after = names.slice(0, names.indexOf(supervised.name));
    }
  }

  /** Politely, the last first. @returns those that were to be stopped; `together` of those that no other restart has taken over is this list. */
  async #stopTogether(names: readonly string[]): Promise<readonly Supervised[]> {
    const all = this.#ofNames(names).filter(({ state, wish }) => state !== 'zombie' && wish !== 'stay down');
    for (const supervised of all) {
      clearTimeout(supervised.timer);
      supervised.together = all;
      if (supervised.spawned) this.#wish(supervised, 'together');
    }
    for (const name of [...names].reverse())
      await Promise.all(all.filter((supervised) => supervised.name === name).map((supervised) => this.#stopOne(supervised)));
    return all;
  }

  #ofNames(names: readonly string[]): Supervised[] {
    const byName = this.#byName();
    return names.flatMap((name) => byName.get(name) ?? []);
  }

  #wish(supervised: Supervised, wish: Wish): void {
    supervised.wish = wish;
    this.#remember(supervised);
  }

  #change(supervised: Supervised, state: InstanceState): void {
    this.#enter(supervised, state);
    this.#remember(supervised);
  }

  /** What follows is said to the kernel in the same message as its note. */
  #enter(supervised: Supervised, state: InstanceState): void {
    supervised.state = state;
    supervised.since = Date.now();
    this.#events.changed(entryOf(supervised));
  }

  #remember(supervised: Supervised): void {
    this.#events.send({ t: 'remember', slot: supervised.slot, note: noteOf(supervised) });
  }

  #zombie(supervised: Supervised, why: string): void {
    supervised.together = undefined;
    this.#enter(supervised, 'zombie');
    const message = `server "${title(supervised)}" is down until an operator starts it again: ${why}`;
    this.#events.send({
      t: 'zombie',
      slot: supervised.slot,
      error: { name: 'SkerryError', code: 'SKERRY_SERVER_DOWN', message },
      note: noteOf(supervised),
    });
    if (!this.#booting && !this.#stopping) this.#initWhatMay(); // nobody waits for it
  }

  #stopOne(supervised: Supervised): Promise<void> {
    clearTimeout(supervised.timer);
    if (!supervised.spawned || (this.#stopping && supervised.pid === 0)) return Promise.resolve();
    const drainMs = supervised.entry.drainMs ?? DRAIN_MS;
    const { slot } = supervised;
    return new Promise((resolve) => {
      supervised.onDeath.push(resolve);
      this.#events.send({ t: 'stopInstance', slot, drainMs });
      supervised.timer = setTimeout(
        () => {
          this.#events.send({ t: 'kill', slot, reason: `did not stop within ${2 * drainMs} ms`, ordered: true });
        },
        2 * drainMs + 200,
      );
    });
  }

  #up(): void {
    this.#booting = false;
    this.#events.send({ t: 'up' });
  }

  #bootFailed(error: ErrorInfo): void {
    if (!this.#booting) return;
    this.#booting = false;
    this.#stopping = true;
    this.#events.onBootFailed(error);
  }
}

function runsOrIsDown({ state }: Supervised): boolean {
  return state === 'running' || state === 'zombie';
}

function warn(line: string): void {
  process.stderr.write(`${line}\n`);
}

function deathOf({ readyAt, box }: Supervised, { reason, ordered, error }: DeathEvent): Death {
  const left = box === undefined ? {} : { calls: recentCalls(box), said: readTexts(box).slice(-SAID) };
  return {
    time: Date.now(),
    reason: ordered && reason === 'exit code 0' ? 'stopped by an operator' : reason,
    wasReady: readyAt !== undefined,
    upMs: readyAt === undefined ? 0 : Math.round(performance.now() - readyAt),
    ...(error?.stack === undefined ? {} : { stack: error.stack }),
    ...left,
  };
}

/** A failure to start is SKERRY_INIT whatever it was; its own words and stack are kept. */
export function asInit(error: ErrorInfo, what: string): ErrorInfo {
  return { ...error, code: 'SKERRY_INIT', message: `${what}: ${error.message}` };
}
