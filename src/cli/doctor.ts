// skerry doctor: what this machine offers, which limits it lets Skerry enforce, and why something is not there.

import { availableParallelism } from 'node:os';
import { defaultBudget } from '../kernel/budget.ts';
import { loadNative } from '../memory/load-native.ts';
import { findPrebuilt } from '../memory/prebuilt.ts';
import type { Command } from './command.ts';
import { examineLimits, type Finding } from './doctor-limits.ts';

const MiB = 1024 * 1024;
/** What Skerry is tested on; 20 works as well. */
const SUPPORTED = [22, 24, 26];

export const doctor: Command = {
  usage: 'skerry doctor [--json]',
  about: 'says what this machine offers, and why something is not there',
  options: { json: { type: 'boolean' } },
  words: [0, 0],
  help: ['--json       one object, for programs'],
  execute: async (_words, { json }) => report(json === true),
};

/** @returns the exit code: 0, also where something is not there. */
function report(asJson: boolean): number {
  const findings = examine();
  if (asJson) {
    const object = Object.fromEntries(findings.map(({ what, ok, text }) => [what, { ok, text }]));
    process.stdout.write(`${JSON.stringify(object)}\n`);
    return 0;
  }
  const width = Math.max(...findings.map(({ what }) => what.length)) + 2;
  for (const { what, ok, text } of findings) process.stdout.write(`${ok ? 'ok' : 'no'}  ${what.padEnd(width)}${text}\n`);
  return 0;
}

function examine(): Finding[] {
  const { addon, reason } = loadNative();
  const major = Number(process.versions.node.split('.')[0]);
  const cores = availableParallelism();
  const budgetMb = Math.floor(defaultBudget() / MiB);
  const without = 'over streams: calls of some 70 us; no protection of memory by the MMU, no message at a stray write';
  return [
    {
      what: 'node',
      ok: major >= 20,
      text: `${process.version} (${process.platform}-${process.arch})${SUPPORTED.includes(major) ? '' : `; tested are ${SUPPORTED.join(', ')}, and 20 works`}`,
    },
    { what: 'addon', ok: addon !== undefined, text: addon === undefined ? reason : 'loaded' },
    {
      what: 'regions',
      ok: addon !== undefined,
      text: addon === undefined ? 'not without the addon' : 'memfd with seals: one writer, all others read-only',
    },
    { what: 'transport', ok: addon !== undefined, text: addon === undefined ? `stream, ${without}` : 'ring (shared memory)' },
    {
      what: 'ends with its caller',
      ok: true,
      text: addon === undefined ? 'by a thread that watches the parent' : 'by the parent-death signal',
    },
    programs(addon !== undefined),
    { what: 'cores', ok: cores > 1, text: cores > 1 ? String(cores) : '1: servers take turns, and wait asleep' },
    { what: 'memory', ok: budgetMb >= 64, text: `${budgetMb} MB for shared regions (half of what machine and cgroup have free)` },
    ...examineLimits(addon !== undefined),
  ];
}

/** createProcess() takes the launcher to start a program, and the addon for its output. */
function programs(hasAddon: boolean): Finding {
  const launcher = findPrebuilt('launcher');
  const why = launcher.reason ?? (hasAddon ? undefined : 'not without the addon');
  return {
    what: 'programs',
    ok: why === undefined,
    text: why ?? 'createProcess() runs what the system allows, by the native launcher',
  };
}
