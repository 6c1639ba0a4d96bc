// A plugin host: a server for each plugin, with limits; and a bystander, who must notice nothing.

import { server, system } from 'skerry';
import type { Plugin } from './plugin.server.ts';

const hosted = (plugin: () => Promise<{ default: Plugin }>) => ({
  load: () => import('./plugin.server.ts'),
  options: { plugin },
  limits: { memoryMb: 256, heartbeatMs: 1000 },
  drainMs: 100, // one that waits for ever does not hold up the stop
});

const bystander = server(() => ({ echo: (n: number): number => n }));

export default system(import.meta.url, {
  good: hosted(() => import('./plugins/good.ts')),
  throws: hosted(() => import('./plugins/throws.ts')),
  waits: hosted(() => import('./plugins/waits.ts')),
  loops: hosted(() => import('./plugins/loops.ts')),
  hoards: hosted(() => import('./plugins/hoards.ts')),
  aborts: hosted(() => import('./plugins/aborts.ts')),
  bystander: { load: async () => ({ default: bystander }) },
});
