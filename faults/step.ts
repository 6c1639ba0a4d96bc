// One fault: drawn, done, watched until it is found out and a probe has been answered, told.
//
//   hostage, self ──▶ inject ──▶ hostage rejected | order answered | what was killed is replaced ──▶ probe ──▶ checker
//      a call that the victim runs,       which of them comes first is the detection
//      and never answers
//
// Everything has an end: calls have deadlines, waits too, and what outlasts them counts as hung.

import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../src/base/clock.ts';
import { call } from '../src/index.ts';
import { isAlive } from '../test/fault/processes.ts';
import { Random } from '../test/fault/random.ts';
import type { Findings } from './checker.ts';
import { detectionOfDeath, detectionOfOrder, type Ended, noteOf, reasonOf } from './detection.ts';
import type { Rejection } from './journal.ts';
import type { Detection, Kind, Scene, ServerName, Victim } from './kinds/kind.ts';
import { Probing } from './probe.ts';
import type { StepRecord } from './record.ts';
import type { Ordered } from './system/fault-port.ts';
import type { World } from './world.ts';

const VICTIM_MS = 15_000;
const HOSTAGE_MS = 30_000;
const RECOVER_MS = 15_000;
const SUCCESSOR_MS = 3_000;
/** A call without an outcome so long after its deadline hangs. */
const HANG_SLACK_MS = 3_000;
const POLL_MS = 5;
const GAP_MAX_MS = 40;
/** A call of the load takes less, but where a fault is in its way. */
const CALL_MS = 500;

/** What is drawn for a step, the same whatever came before it. */
interface Draw {
  readonly kind: Kind;
  readonly name: ServerName;
  readonly key: string;
  readonly gapMs: number;
  readonly seed: number;
  readonly random: Random;
}

interface Found {
  readonly by: Detection;
  readonly atMs: number;
}

export function draw(seed: number, step: number, kinds: readonly Kind[]): Draw {
  const random = new Random(seed, step);
  const kind = random.pick(kinds);
  return {
    kind,
    name: random.pick(kind.victims),
    key: `key ${random.int(0, 99)}`,
    gapMs: random.int(0, GAP_MAX_MS),
    seed: random.u32(),
    random,
  };
}

export class Step implements Scene {
  readonly step: number;
  readonly random: Random;
  victim!: Victim;
  readonly #world: World;
  readonly #draw: Draw;
  readonly #release = new AbortController();
  readonly #killed = new Set<number>();
  readonly #notes: string[] = [];
  #hostage: Ended | undefined;
  #ordered = false;
  #order: Ended<Ordered> | undefined;
  #signalMs: number | undefined;
  #hung = 0;

  constructor(world: World, step: number, drawn: Draw) {
    this.#world = world;
    this.step = step;
    this.random = drawn.random;
    this.#draw = drawn;
  }

  async run(): Promise<StepRecord> {
    const { kind, name, key, gapMs } = this.#draw;
    const world = this.#world;
    const before = this.#counts();
    world.journal.takeRejections();
    await sleep(gapMs);
    this.victim = await this.#take(name, key);
    const pids = await this.#pids();
    const restarts = await this.#restarts();
    const probing = new Probing(world.sys, world.journal, key);
    const startMs = nowMs();
    try {
      await kind.inject(this);
      const watched = await this.#watch(startMs);
      const activeMs = world.markOf(this.step) ?? this.#signalMs;
      const sinceMs = Math.max(watched?.atMs ?? 0, activeMs ?? startMs);
      const recoveredMs = await probing.answered(sinceMs, nowMs() + RECOVER_MS);
      await probing.end();
      const collateral = await this.#collateral(pids);
      world.journal.countHung();
      world.checker.check();
      const after = this.#counts();
      // What was asked for long before is of an earlier step.
      const rejections = world.journal.takeRejections().filter(({ begunMs }) => begunMs > startMs - CALL_MS);
      const found = watched ?? this.#byOthers(rejections, activeMs ?? startMs);
      const silent = after.wrong - before.wrong + this.#silent();
      const visible = rejections.length + (this.#order?.error === undefined ? 0 : 1);
      const hasEffect = found !== undefined || visible > 0 || silent > 0 || collateral > 0;
      const activated = activeMs !== undefined && (kind.active === 'done' ? await this.#isDone(restarts) : hasEffect);
      return {
        step: this.step,
        kind: kind.name,
        victim: name,
        activated,
        ...(found === undefined ? {} : { detectedBy: found.by }),
        ...(found === undefined || activeMs === undefined ? {} : { detectMs: found.atMs - activeMs }),
        ...(recoveredMs === undefined ? {} : { recoverMs: recoveredMs - (activeMs ?? startMs) }),
        recovered: recoveredMs !== undefined,
        visible,
        silent,
        hung: after.hung - before.hung + this.#hung,
        findings: difference(after.findings, before.findings),
        collateral,
        systemCrash: world.crashed !== undefined,
        note: this.#notes.join('; '),
      };
    } finally {
      this.#release.abort();
      await probing.end();
      world.forgetMarks();
    }
  }

  order(misdeed: string): void {
    const { kind, seed } = this.#draw;
    this.#ordered = true;
    const server = call(this.#world.sys.servers[this.victim.name], { key: this.victim.key, timeoutMs: kind.orderMs });
    this.#bounded(server.inject(this.step, misdeed, seed), kind.orderMs).then((ended) => {
      this.#order = ended;
    });
  }

  signal(pid: number, signal: NodeJS.Signals): boolean {
    if (pid === 0 || !isAlive(pid)) return false;
    const atMs = nowMs();
    try {
      process.kill(pid, signal);
    } catch {
      return false;
    }
    this.#signalMs ??= atMs;
    const willHang = signal === 'SIGSTOP' && pid !== this.victim.pid; // a victim may be woken again
    if (signal === 'SIGKILL' || willHang) this.#killed.add(pid);
    return true;
  }

  async instance(name: ServerName): Promise<Victim> {
    if (name === this.victim.name) return this.victim;
    const { key } = this.#draw;
    const { pid } = await this.#self(name, key);
    return { name, key, pid };
  }

  async successor(): Promise<number> {
    const { name, pid } = this.victim;
    const replica = (await this.#world.processes()).find((one) => one.pid === pid)?.replica;
    for (const end = nowMs() + SUCCESSOR_MS; nowMs() < end; await sleep(1)) {
      const now = (await this.#world.processes()).find((one) => one.name === name && one.replica === replica)?.pid ?? 0;
      if (now !== 0 && now !== pid) return now;
    }
    return 0;
  }

  async processServer(): Promise<number> {
    return (await this.#world.processes()).find(({ name }) => name === 'process')?.pid ?? 0;
  }

  async spares(): Promise<readonly number[]> {
    const end = nowMs() + 3_000;
    for (;;) {
      const pids = await this.#world.sparePids();
      if (pids.length > 0 || nowMs() > end) return pids;
      await sleep(20);
    }
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  /** An instance of that server that lives, with a hostage in it. */
  async #take(name: ServerName, key: string): Promise<Victim> {
    const end = nowMs() + VICTIM_MS;
    for (;;) {
      this.#hostage = undefined;
      const { signal } = this.#release;
      const hostage = call(this.#world.sys.servers[name], { key, timeoutMs: HOSTAGE_MS, signal }).hostage();
      const settled = this.#bounded(hostage, HOSTAGE_MS).then((ended) => {
        this.#hostage ??= ended;
      });
      try {
        const { pid } = await this.#self(name, key); // behind the hostage, which has been started then
        if (this.#hostage === undefined) return { name, key, pid };
      } catch (error) {
        if (nowMs() > end || this.#world.crashed !== undefined) throw error;
      }
      await Promise.race([settled, sleep(POLL_MS)]);
    }
  }

  async #self(name: ServerName, key: string): Promise<{ pid: number }> {
    const ended = await this.#bounded(call(this.#world.sys.servers[name], { key, timeoutMs: 5_000 }).self(), 5_000);
    if (ended.value === undefined) throw ended.error ?? new Error(`${name} does not say who it is`);
    return ended.value;
  }

  /** Waits until the fault has been found out, or nothing more can come of it. */
  async #watch(startMs: number): Promise<Found | undefined> {
    const { kind } = this.#draw;
    const untilMs = nowMs() + kind.orderMs + kind.afterMs + HANG_SLACK_MS;
    const quietMs = nowMs() + kind.afterMs;
    for (; nowMs() < untilMs && this.#world.crashed === undefined; await sleep(1)) {
      const hostage = this.#hostage;
      if (hostage !== undefined) {
        const reason = reasonOf(hostage.error);
        this.note(reason ?? String(hostage.error));
        return { by: reason === undefined ? 'validation' : detectionOfDeath(reason), atMs: hostage.atMs };
      }
      if (this.#ordered) {
        const order = this.#order;
        if (order === undefined || nowMs() < order.atMs + kind.afterMs) continue;
        await sleep(1); // of a death both hear, one after the other
        if (this.#hostage !== undefined) continue;
        this.note(order.error === undefined ? noteOf(order.value) : firstLine(order.error));
        const by = detectionOfOrder(order);
        return by === undefined ? undefined : { by, atMs: order.atMs };
      }
      if (this.#killed.size > 0) {
        if (await this.#areReplaced()) return { by: 'exit', atMs: nowMs() };
        await sleep(POLL_MS);
      } else if (kind.expected.length === 0 || this.#signalMs === undefined) {
        if (nowMs() > quietMs) return undefined;
      }
    }
    this.note(`nothing was noticed within ${Math.round(nowMs() - startMs)} ms`);
    return undefined;
  }

  async #areReplaced(): Promise<boolean> {
    const [all, spares] = await Promise.all([this.#world.processes(), this.#world.sparePids()]);
    const runs = all.every(({ state }) => state === 'running' || state === 'sleeping');
    return runs && spares.length > 0 && ![...all.map(({ pid }) => pid), ...spares].some((pid) => this.#killed.has(pid));
  }

  /** Nobody whom the campaign had put there has noticed: those who were served at the time may have. */
  #byOthers(rejections: readonly Rejection[], fromMs: number): Found | undefined {
    const [first] = rejections.filter(({ atMs }) => atMs >= fromMs);
    if (first === undefined) return undefined;
    const by = detectionOfOrder(first);
    this.note(`a call was rejected: ${firstLine(first.error)}`);
    return by === undefined ? undefined : { by, atMs: first.atMs };
  }

  /** `starting` has hit one that was not ready yet; others were done if they were marked. */
  async #isDone(restarts: number): Promise<boolean> {
    if (this.#draw.kind.name !== 'starting') return true;
    const died = (await this.#restarts()) - restarts;
    const wasReady = (await this.#world.status(this.victim.name)).every(({ lastDeath }) => lastDeath?.wasReady !== false);
    this.note(`${died} deaths${wasReady ? ', the second when it was ready' : ''}`);
    return died >= 2 && !wasReady;
  }

  /** Of all replicas of the victim's server together. */
  async #restarts(): Promise<number> {
    const all = await this.#world.processes();
    return all.filter(({ name }) => name === this.victim.name).reduce((sum, one) => sum + one.restarts, 0);
  }

  /** The order was answered, with something else. */
  #silent(): number {
    const value = this.#order?.value;
    if (value === undefined) return this.#order !== undefined && this.#order.error === undefined ? 1 : 0;
    if (noteOf(value).includes('could be written') || noteOf(value) === 'opened') return 1;
    return value.step === this.step && value.seed === this.#draw.seed ? 0 : 1;
  }

  async #pids(): Promise<Map<string, number>> {
    const all = await this.#world.processes();
    return new Map(all.map(({ name, replica, pid }) => [`${name}.${replica}`, pid]));
  }

  async #collateral(before: ReadonlyMap<string, number>): Promise<number> {
    const now = await this.#pids();
    const died = [...before].filter(
      ([name, pid]) => pid !== 0 && pid !== this.victim.pid && !this.#killed.has(pid) && now.get(name) !== pid,
    );
    if (died.length === 0) return 0;
    const reasons = await this.#world.processes();
    for (const [name] of died) {
      const entry = reasons.find((one) => `${one.name}.${one.replica}` === name);
      this.note(`also ${name} died: ${entry?.lastReason ?? 'unknown'}`);
    }
    return died.length;
  }

  #counts(): { wrong: number; hung: number; findings: Findings } {
    const { wrong, hung } = this.#world.journal.tally;
    return { wrong, hung, findings: { ...this.#world.checker.findings } };
  }

  /** How a call of the campaign's own ends; one that does not end by itself counts as hung. */
  #bounded<T>(promise: Promise<T>, timeoutMs: number): Promise<Ended<T>> {
    const ended = promise.then(
      (value): Ended<T> => ({ atMs: nowMs(), value }),
      (error): Ended<T> => ({ atMs: nowMs(), error }),
    );
    const over = new AbortController();
    const late = sleep(timeoutMs + HANG_SLACK_MS, undefined, {
      ref: false,
      signal: AbortSignal.any([over.signal, this.#release.signal]),
    }).then(
      (): Ended<T> => {
        this.#hung += 1;
        return { atMs: nowMs(), hung: true, error: new Error('it has no outcome') };
      },
      () => ended,
    );
    ended.then(() => over.abort());
    return Promise.race([ended, late]);
  }
}

function difference(after: Findings, before: Findings): Findings {
  return {
    lost: after.lost - before.lost,
    doubled: after.doubled - before.doubled,
    denied: after.denied - before.denied,
    phantom: after.phantom - before.phantom,
  };
}

function firstLine(error: unknown): string {
  return String(error).split('\n', 1)[0] ?? '';
}
