// Adds up what campaigns tell: by kind, and in all. Pure.

import { percentile } from '../bench/stats.ts';
import { KINDS } from './kinds/index.ts';
import type { LeakRecord, StepRecord, WorldRecord } from './record.ts';

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Of one kind, or of all. */
export interface Row {
  readonly kind: string;
  readonly injected: number;
  readonly activated: number;
  /** By what, and how often. */
  readonly detected: Readonly<Record<string, number>>;
  /** Activated, of a kind that is to be found out, and nobody noticed. */
  readonly undetected: number;
  readonly recovered: number;
  /** Faults with at least one call rejected, and with at least one wrong answer. */
  readonly visible: number;
  readonly silent: number;
  readonly hung: number;
  /** Calls of the load that only their deadline has ended. */
  readonly timedOut: number;
  readonly lost: number;
  readonly doubled: number;
  readonly denied: number;
  readonly phantom: number;
  readonly collateral: number;
  readonly systemCrashes: number;
  readonly detectMs: Spread | undefined;
  readonly recoverMs: Spread | undefined;
}

export interface Summary {
  readonly rows: readonly Row[];
  readonly total: Row;
  readonly leaked: number;
  readonly looksForLeaks: number;
  /** Looks for leaks that failed. */
  readonly unmeasured: number;
  /** Calls that were rejected, of the load and of probes, by code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly effects: number;
}

const EXPECTED = new Map(KINDS.map(({ name, expected }) => [name, expected.length > 0]));

export function summarise(steps: readonly StepRecord[], leaks: readonly LeakRecord[], worlds: readonly WorldRecord[]): Summary {
  const names = [...new Set(steps.map(({ kind }) => kind))];
  const ordered = KINDS.map(({ name }) => name).filter((name) => names.includes(name));
  const timeouts = added(worlds.map((world) => world.timeouts ?? {}));
  const rows = ordered.map((name) =>
    rowOf(
      name,
      steps.filter(({ kind }) => kind === name),
      timeouts[name] ?? 0,
    ),
  );
  const sum = (of: (world: WorldRecord) => number) => worlds.reduce((all, world) => all + of(world), 0);
  const timedOut = Object.values(timeouts).reduce((all, count) => all + count, 0);
  const all = rowOf('all', steps, timedOut);
  const total: Row = {
    ...all,
    hung: all.hung + sum(({ hung }) => hung),
    lost: all.lost + sum(({ findings }) => findings.lost),
    doubled: all.doubled + sum(({ findings }) => findings.doubled),
    denied: all.denied + sum(({ findings }) => findings.denied),
    phantom: all.phantom + sum(({ findings }) => findings.phantom),
  };
  return {
    rows,
    total,
    leaked: leaks.reduce((most, { leaked }) => Math.max(most, leaked), 0) + sum(({ left }) => left),
    looksForLeaks: leaks.length,
    unmeasured: leaks.filter(({ isUnmeasured }) => isUnmeasured).length,
    errors: added(worlds.map(({ errors }) => errors)),
    calls: sum(({ tally }) => tally.asked),
    effects: sum(({ effects }) => effects),
  };
}

function added(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of counts) for (const [name, count] of Object.entries(one)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

function rowOf(kind: string, steps: readonly StepRecord[], timedOut: number): Row {
  const count = (of: (step: StepRecord) => number | boolean) => steps.reduce((sum, step) => sum + Number(of(step)), 0);
  const detected: Record<string, number> = {};
  for (const { detectedBy } of steps) if (detectedBy !== undefined) detected[detectedBy] = (detected[detectedBy] ?? 0) + 1;
  return {
    kind,
    injected: steps.length,
    activated: count(({ activated }) => activated),
    detected,
    undetected: count((step) => step.activated && step.detectedBy === undefined && EXPECTED.get(step.kind) === true),
    recovered: count(({ recovered }) => recovered),
    visible: count(({ visible }) => visible > 0),
    silent: count(({ silent }) => silent > 0),
    hung: count(({ hung }) => hung),
    timedOut,
    lost: count(({ findings }) => findings.lost),
    doubled: count(({ findings }) => findings.doubled),
    denied: count(({ findings }) => findings.denied),
    phantom: count(({ findings }) => findings.phantom),
    collateral: count(({ collateral }) => collateral),
    systemCrashes: count(({ systemCrash }) => systemCrash),
    detectMs: spread(steps.map(({ detectMs }) => detectMs)),
    recoverMs: spread(steps.map(({ recoverMs }) => recoverMs)),
  };
}

export function spread(values: readonly (number | undefined)[]): Spread | undefined {
  const sorted = Float64Array.from(values.filter((value) => value !== undefined)).sort();
  if (sorted.length === 0) return undefined;
  return {
    count: sorted.length,
    p50: percentile(sorted, 50),
    p99: percentile(sorted, 99),
    max: sorted[sorted.length - 1] as number,
  };
}
