// The servers of bulk enrichment, for the systems that have them.
//
//   web ──────────▶ enrich ◀──┐              POST /enrich: no rules, a client must not choose code
//   the command ──▶ enrich    │
//   the command ──▶ jobs ─────┤              with --rules
//                     ├─────▶ rules, rules   run the module, row after row
//                     └─────▶ judge          runs one row in a new process, to see whether it is guilty

import type { ServerEntry } from 'skerry';
import type { RulesOptions } from './rules.server.ts';

/** One for each core, in the background: what somebody waits for comes first. */
export const enrich = {
  load: () => import('./enrich.server.ts'),
  replicas: 'cores',
  priority: 'background',
} as const satisfies ServerEntry;

export const jobs = {
  load: () => import('./jobs.server.ts'),
  priority: 'background',
} as const satisfies ServerEntry;

/** Every death restarts an instance at once: here deaths are expected, and say nothing of the server. */
const restart = { stableMs: 0 };

/** Several, so that a chunk with a guilty row does not hold up the others. In the background a row may wait for a processor too. */
export const rules = {
  load: () => import('./rules.server.ts'),
  replicas: 2,
  priority: 'background',
  limits: { memoryMb: 128, heartbeatMs: 1_000 },
  restart,
} as const satisfies ServerEntry<RulesOptions>;

/** Not in the background: a row that gets no processor time must not count as one that hangs. */
export const judge = {
  load: () => import('./rules.server.ts'),
  limits: { memoryMb: 128, heartbeatMs: 500 },
  restart,
} as const satisfies ServerEntry<RulesOptions>;
