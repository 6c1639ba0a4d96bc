// What people read: the table of outcomes, what stands out, and the last line for programs.

import type { LeakRecord, StepRecord, WorldRecord } from './record.ts';
import type { Row, Spread, Summary } from './summary.ts';

const NOTABLE_MAX = 40;

export function table({ rows, total }: Summary): string[] {
  const head = [
    'kind',
    'inj',
    'act',
    'detected by',
    'undet',
    'recov',
    'visible',
    'silent',
    'hung',
    'timed out',
    'lost',
    'doubled',
    'denied',
    'phantom',
    'others',
    'CRASH',
    'detect ms p50/p99/max',
    'recover ms p50/p99/max',
  ];
  const lines = [head, ...[...rows, total].map(cells)];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const isLeft = (column: number) => column === 0 || column === 3;
  return lines.map((line) =>
    line
      .map((cell, column) => (isLeft(column) ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number)))
      .join('  '),
  );
}

export function legend(): string[] {
  return [
    'inj, act: injected, activated. undet: active, and nobody noticed though somebody should. recov: a later probe through the service was answered.',
    'visible, silent: faults with calls rejected; with answers that were wrong. denied: executed, though rejected as not executed.',
    'timed out: calls of the load that only their deadline has ended; answers are withheld by wrong, missing, flips and words.',
    'phantom: executed, and never asked for. others: processes that died with the victim and were not meant. CRASH: the system ended.',
  ];
}

/** Steps that one should look at: how to have each again stands in front. */
export function notable(steps: readonly StepRecord[], leaks: readonly LeakRecord[], worlds: readonly WorldRecord[]): string[] {
  const lines = steps
    .filter((step) => {
      const { lost, doubled, denied, phantom } = step.findings;
      return !step.recovered || step.systemCrash || step.hung + lost + doubled + denied + phantom + step.collateral > 0;
    })
    .map(({ step, kind, victim, note, recovered, systemCrash, hung, findings, collateral }) => {
      const counts = Object.entries({ hung, ...findings, others: collateral }).filter(([, count]) => count > 0);
      const what = [
        ...(systemCrash ? ['SYSTEM CRASH'] : []),
        ...(recovered ? [] : ['not recovered']),
        ...counts.map(([name, count]) => `${count} ${name}`),
      ];
      return `--from ${step} --count 1: ${kind} of ${victim}: ${what.join(', ')} (${note})`;
    });
  const leaky = leaks.filter(({ what }) => what !== '').map(({ beforeStep, what }) => `leaks before step ${beforeStep}: ${what}`);
  const examples = worlds.flatMap((world) => [
    ...world.examples,
    ...(world.left > 0 ? [`${world.left} processes were left after the stop`] : []),
    ...(world.hung > 0 ? [`${world.hung} calls hung beside the steps`] : []),
  ]);
  const all = [...lines, ...leaky, ...examples];
  return all.length <= NOTABLE_MAX ? all : [...all.slice(0, NOTABLE_MAX), `… and ${all.length - NOTABLE_MAX} more`];
}

/** Of a run's last line. */
export function totals({ total, leaked, unmeasured, calls, effects, errors, rows }: Summary): Record<string, unknown> {
  const { injected, activated, detected, undetected, recovered, systemCrashes } = total;
  const { visible, silent, hung, timedOut, lost, doubled, denied, phantom, collateral } = total;
  return {
    injected,
    activated,
    recovered,
    systemCrashes,
    hung,
    lost,
    doubled,
    leaked,
    detected: Object.values(detected).reduce((sum, count) => sum + count, 0),
    detectedBy: detected,
    undetected,
    visible,
    silent,
    timedOut,
    denied,
    phantom,
    collateral,
    calls,
    effects,
    unmeasured,
    errors,
    kinds: Object.fromEntries(rows.map(({ kind, ...rest }) => [kind, rest])),
  };
}

function cells(row: Row): string[] {
  const by = Object.entries(row.detected)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`);
  return [
    row.kind,
    String(row.injected),
    String(row.activated),
    by.length === 0 ? '-' : by.join(', '),
    ...[row.undetected, row.recovered, row.visible, row.silent, row.hung, row.timedOut, row.lost, row.doubled].map(String),
    ...[row.denied, row.phantom, row.collateral, row.systemCrashes].map(String),
    inMs(row.detectMs),
    inMs(row.recoverMs),
  ];
}

function inMs(spread: Spread | undefined): string {
  return spread === undefined ? '-' : [spread.p50, spread.p99, spread.max].map((ms) => ms.toFixed(ms < 10 ? 1 : 0)).join(' / ');
}
