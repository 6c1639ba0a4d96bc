// A campaign: one system, step after step. A system that crashes counts, and another takes its place. Leaks are looked for now and then.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../src/base/clock.ts';
import { call } from '../src/index.ts';
import type { Findings } from './checker.ts';
import { buildCrashAddon } from './crash-addon.ts';
import { type Kind, SERVERS } from './kinds/kind.ts';
import { baseline, leaksSince, type Used } from './leaks.ts';
import { Probing } from './probe.ts';
import type { StepRecord, Telling } from './record.ts';
import { draw, Step } from './step.ts';
import { Timeouts } from './timeouts.ts';
import { World } from './world.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly from: number;
  /** The step behind the last one. */
  readonly to: number;
  /** Steps between that are done already. */
  readonly done: readonly number[];
  /** Of so many campaigns that share the steps, this is which. */
  readonly shards: number;
  readonly shard: number;
  readonly kinds: readonly Kind[];
  readonly folder: string;
  tell(telling: Telling): void;
}

/** Steps between two looks for leaks. */
const LEAKS_EVERY = 25;
const WARM_UP_MS = 300;
const REPAIR_MS = 10_000;

export class Campaign {
  readonly #options: CampaignOptions;
  readonly #crashAddon: string | undefined;
  #world: World | undefined;
  #worlds = 0;
  #before: Used | undefined;
  #told: Findings = { lost: 0, doubled: 0, denied: 0, phantom: 0 };
  #hungTold = 0;
  #timeouts = new Timeouts();
  #isStopped = false;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#crashAddon = buildCrashAddon(options.folder);
  }

  async run(): Promise<void> {
    const { from, to, shard, shards } = this.#options;
    const done = new Set(this.#options.done);
    let behind = from;
    let sinceLook = 0;
    for (let step = from; step < to && !this.#isStopped; step++) {
      if (step % shards !== shard || done.has(step)) continue;
      behind = step + 1;
      const world = this.#world ?? (await this.#open());
      await this.#step(world, step);
      sinceLook += 1;
      if (world.crashed !== undefined) await this.#close();
      else if (sinceLook % LEAKS_EVERY === 0) await this.#look(world, step + 1);
    }
    if (this.#world !== undefined && sinceLook % LEAKS_EVERY !== 0) await this.#look(this.#world, behind);
    await this.#close();
  }

  /** Ends with the step in hand. */
  stop(): void {
    this.#isStopped = true;
  }

  async #step(world: World, step: number): Promise<void> {
    const { seed, kinds, tell } = this.#options;
    const drawn = draw(seed, step, kinds);
    const { hung } = world.journal.tally;
    const sinceMs = nowMs();
    let record: StepRecord;
    try {
      record = await new Step(world, step, drawn).run();
    } catch (error) {
      // No victim was to be had, or nobody answers any more: the system has not come back from what was done to it before.
      record = {
        step,
        kind: drawn.kind.name,
        victim: drawn.name,
        activated: false,
        recovered: false,
        visible: 0,
        silent: 0,
        hung: 0,
        findings: { lost: 0, doubled: 0, denied: 0, phantom: 0 },
        collateral: 0,
        systemCrash: world.crashed !== undefined,
        note: `the step failed: ${String(error)}`,
      };
    }
    if (this.#isStopped && world.crashed !== undefined) return; // the signal that stops this may have been told to the system too
    if (world.crashed !== undefined) record = { ...record, note: `${record.note}; ${world.crashed}` };
    this.#hungTold += world.journal.tally.hung - hung;
    this.#timeouts.add(drawn.kind, sinceMs, nowMs(), world.journal.takeTimeouts());
    for (const what of ['lost', 'doubled', 'denied', 'phantom'] as const) this.#told[what] += record.findings[what];
    tell({ t: 'step', record });
    if (!record.recovered && world.crashed === undefined) await this.#repair(world);
  }

  /** As an operator would: so that what follows is not blamed for it. */
  async #repair(world: World): Promise<void> {
    await Promise.race([this.#renew(world).catch(() => {}), sleep(REPAIR_MS)]);
  }

  async #open(): Promise<World> {
    const { seed, folder, from, shard } = this.#options;
    this.#worlds += 1;
    const world = await World.open({
      folder: join(folder, `system-${shard}-${this.#worlds}`),
      seed: (seed ^ (from + this.#worlds * 7_919)) >>> 0,
      crashAddon: this.#crashAddon,
    });
    this.#world = world;
    this.#told = { lost: 0, doubled: 0, denied: 0, phantom: 0 };
    this.#hungTold = 0;
    this.#timeouts = new Timeouts();
    await this.#warmUp(world);
    return world;
  }

  /** What is made once has been made, and each server has died once, before the baseline is taken. */
  async #warmUp(world: World): Promise<void> {
    world.load.start();
    await sleep(WARM_UP_MS);
    await this.#renew(world);
    await sleep(WARM_UP_MS);
    await world.load.pause();
    this.#before = await baseline(world);
    world.load.start();
  }

  /** Each server's instances are new ones, and have a channel to whom they use. */
  async #renew(world: World): Promise<void> {
    for (const name of SERVERS) await world.sys.processes.kill(name);
    const { front, compute, ledger, driver } = world.sys.servers;
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await Promise.all([front, compute, ledger, driver].map((server) => call(server, { key }).self()));
      await new Probing(world.sys, world.journal, key).end();
    }
  }

  async #look(world: World, beforeStep: number): Promise<void> {
    await world.load.pause();
    if (world.crashed !== undefined || this.#before === undefined) return;
    try {
      let leaks = await leaksSince(this.#before, world);
      if (leaks.what !== '') {
        // Rings that have grown belong to instances that live. What is there when all are new belongs to nobody.
        await this.#renew(world);
        leaks = await leaksSince(this.#before, world);
      }
      const { processes, descriptors, maps, what } = leaks;
      this.#options.tell({ t: 'leaks', record: { beforeStep, leaked: processes + descriptors + maps, what } });
    } catch (error) {
      this.#options.tell({
        t: 'leaks',
        record: { beforeStep, leaked: 0, what: `could not be measured: ${String(error)}`, isUnmeasured: true },
      });
    }
    world.load.start();
  }

  async #close(): Promise<void> {
    const world = this.#world;
    if (world === undefined) return;
    this.#world = undefined;
    await world.load.pause();
    const left = await world.stop();
    const { journal, checker } = world;
    journal.countHung();
    this.#timeouts.rest(journal.takeTimeouts());
    checker.check();
    const { lost, doubled, denied, phantom } = checker.findings;
    const told = this.#told;
    this.#options.tell({
      t: 'world',
      record: {
        tally: { ...journal.tally },
        effects: checker.effects,
        errors: Object.fromEntries(journal.errors),
        timeouts: this.#timeouts.byKind,
        findings: {
          lost: lost - told.lost,
          doubled: doubled - told.doubled,
          denied: denied - told.denied,
          phantom: phantom - told.phantom,
        },
        examples: checker.examples,
        left,
        hung: journal.tally.hung - this.#hungTold,
      },
    });
  }
}
