// Warm spares: processes that have come as far as an instance can without knowing which it is. The runtime is loaded, the system's
// module is evaluated; what is left at a birth is the server's own module and its init.
//
//   started ──prepare──▶ warm ──taken──▶ an instance
//
// A process is started with its environment and its limits: servers that differ in them need spares of different kinds. Spares are made
// when nothing else is being started, one at a time; one that dies is replaced, and a kind whose spares do not get warm is given up.

import { restartDelayMs } from '../base/backoff.ts';
import { readProcessStat } from '../base/process-stat.ts';
import type { Descriptor } from '../memory/native.ts';
import type { SpawnedChild } from './child.ts';
import type { Exit } from './death.ts';

/** Nothing has been started for so long: it is time for spares, ms. */
const CALM_MS = 250;
/** The same for the first time: a system that has just been booted has other things to do, and many a one ends soon. */
const FIRST_CALM_MS = 1_000;
/** One that is not warm after so long never will be, ms. */
const WARM_MS = 30_000;
/** One that has been warm for so long has not died of what it has loaded, ms. */
const STABLE_MS = 5_000;
/** Spares of a kind that have died in a row before they were warm, or soon after. */
const FAILURES_MAX = 5;

/** What a process is started with, and cannot change. */
export interface Kind {
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  readonly background: boolean;
}

/** Who is told what a process says and does; changes hands when a spare becomes an instance. */
export interface Owner {
  onMessage(message: unknown, descriptors: Descriptor[]): void;
  onClose(reason: string): void;
  /** It is reaped. */
  onExit(exit: Exit): void;
}

/** A process that is no instance yet. */
export interface Unborn {
  readonly child: SpawnedChild;
  owner: Owner;
}

export interface SparesOptions {
  /** Starts a process of this kind. @throws Error when there is none to be had */
  start(kind: Kind, owner: Owner): Unborn;
  /** Says to it what it can do before it is an instance. */
  prepare(spare: Unborn): void;
  /** What it had in this process is closed. */
  forget(child: SpawnedChild): void;
  /** Their pids have changed. */
  changed(pids: readonly number[]): void;
  warn(line: string): void;
}

interface Spare extends Unborn {
  isWarm: boolean;
  warmAt: number;
  lastWords: string | undefined;
  /** It is not to be taken any more: what it has loaded is of yesterday. */
  isOld: boolean;
}

interface Shelf {
  readonly kind: Kind;
  spares: Spare[];
  failures: number;
}

export class Spares {
  readonly #options: SparesOptions;
  readonly #shelves = new Map<string, Shelf>();
  #count = 0;
  #isFirst = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SparesOptions) {
    this.#options = options;
  }

  get pids(): number[] {
    return [...this.#shelves.values()].flatMap(({ spares }) => spares.map(({ child }) => child.pid));
  }

  /** From now on there are to be so many of each of these kinds. */
  keep(count: number, kinds: readonly Kind[]): void {
    this.#count = count;
    const wanted = new Map(kinds.map((kind) => [keyOf(kind), kind]));
    for (const [key, kind] of wanted) if (!this.#shelves.has(key)) this.#shelves.set(key, { kind, spares: [], failures: 0 });
    this.calm();
  }

  /** Something is being started: spares wait until that is done. */
  calm(): void {
    this.#later(this.#isFirst ? FIRST_CALM_MS : CALM_MS);
  }

  /** @returns a warm spare of this kind, if there is one that can be expected to run. */
  take(kind: Kind): Unborn | undefined {
    const shelf = this.#shelves.get(keyOf(kind));
    if (shelf === undefined) return undefined;
    const spare = shelf.spares.find((one) => one.isWarm && !one.isOld && canRun(one));
    if (spare === undefined) return undefined;
    shelf.spares = shelf.spares.filter((other) => other !== spare);
    shelf.failures = 0;
    this.#options.changed(this.pids);
    return spare;
  }

  /** The modules of the system may have changed: those that have loaded them are replaced. */
  renew(): void {
    for (const shelf of this.#shelves.values()) {
      shelf.failures = 0; // what ended them may have been mended
      for (const spare of shelf.spares) {
        spare.isOld = true;
        spare.child.kill();
      }
    }
  }

  /** No more spares. */
  end(): void {
    this.#count = 0;
    clearTimeout(this.#timer);
    for (const { spares } of this.#shelves.values()) for (const { child } of spares) child.kill();
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#count > 0) this.#timer = setTimeout(() => this.#fill(), ms);
  }

  /** One at a time: the next one follows when this one is warm, or dead. */
  #fill(): void {
    this.#isFirst = false;
    const all = [...this.#shelves.values()];
    if (all.some(({ spares }) => spares.some(({ isWarm }) => !isWarm))) return;
    const shelf = all.find(({ spares, failures }) => spares.length < this.#count && failures < FAILURES_MAX);
    if (shelf === undefined) return;
    try {
      this.#make(shelf);
    } catch (error) {
      this.#failed(shelf, (error as Error).message);
    }
  }

  #make(shelf: Shelf): void {
    const owner: Owner = {
      onMessage: (message) => {
        const { t, error } = message as { t?: unknown; error?: { message?: unknown } };
        if (t === 'dying')
          spare.lastWords = String(error?.message)
            .replace(/\p{Cc}/gu, '?')
            .slice(0, 300);
        if (t !== 'warm') return;
        clearTimeout(timer);
        spare.isWarm = true;
        spare.warmAt = performance.now();
        this.#later(0);
      },
      onClose: () => spare.child.kill(),
      onExit: ({ code, signal }) => {
        clearTimeout(timer);
        shelf.spares = shelf.spares.filter((other) => other !== spare);
        this.#options.forget(spare.child);
        this.#options.changed(this.pids);
        const isStable = spare.isWarm && performance.now() - spare.warmAt >= STABLE_MS;
        if (isStable) shelf.failures = 0;
        if (isStable || spare.isOld || signal === 'SIGKILL')
          this.#later(CALM_MS); // somebody has killed it: that says nothing of its kind
        else this.#failed(shelf, spare.lastWords ?? signal ?? `exit code ${code}`);
      },
    };
    const spare: Spare = Object.assign(this.#options.start(shelf.kind, owner), {
      isWarm: false,
      isOld: false,
      warmAt: 0,
      lastWords: undefined,
    });
    const timer = setTimeout(() => spare.child.kill(), WARM_MS);
    shelf.spares.push(spare);
    this.#options.changed(this.pids);
    this.#options.prepare(spare);
  }

  #failed(shelf: Shelf, reason: string): void {
    if (this.#count === 0) return;
    shelf.failures += 1;
    if (shelf.failures === FAILURES_MAX)
      this.#options.warn(
        `skerry: ${FAILURES_MAX} spare processes in a row have died before they were of use (last: ${reason}); there are no more of that kind`,
      );
    this.#later(Math.max(CALM_MS, restartDelayMs(shelf.failures)));
  }
}

function keyOf({ env, memoryMb, background }: Kind): string {
  return JSON.stringify([Object.entries(env).sort(), memoryMb, background]);
}

/** Not one that somebody has stopped (it is ended), or that has ended a moment ago. Without /proc: it is believed. */
function canRun({ child }: Unborn): boolean {
  const state = readProcessStat(child.pid)?.state;
  if (state === 'T') child.kill();
  return state === undefined || !'TtZX'.includes(state);
}
