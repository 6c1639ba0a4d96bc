// The system under test. Each server has a fault port (fault-port.ts).
//
//   load, probe ──▶ front ──▶ compute (2) ──▶ ledger ──▶ a file: the acknowledged effects
//        │            └─────▶ driver ──▶ an echo server outside of the system
//        └──── also straight to compute, ledger and driver
//
// The order of the entries is that of slots.ts. Limits are there for the kinds that run into them. All are the same, so that one warm spare serves all.

import { system } from '../../src/index.ts';
import { VARIABLES } from '../environment.ts';

// In instances, and in spares before they are one: from here on its own regions are known to those who are to damage them.
if (process.title.startsWith('skerry ')) await import('./own-hands.ts');

const common = {
  env: VARIABLES,
  limits: { memoryMb: 96, openFiles: 256, cpuPercent: 80 },
  restart: { stableMs: 0, unstableMax: 1_000 },
  drainMs: 1_000,
} as const;

export default system(import.meta.url, {
  front: { load: () => import('./front.server.ts'), ...common },
  compute: { load: () => import('./compute.server.ts'), replicas: 2, ...common },
  ledger: { load: () => import('./ledger.server.ts'), ...common },
  driver: { load: () => import('./driver.server.ts'), ...common },
});
