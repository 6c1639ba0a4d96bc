/** Sixteen servers that nobody calls: what `idle` boots. */
import { system } from 'skerry';

const load = () => import('./echo.server.ts');

const servers = {
  s00: { load },
  s01: { load },
  s02: { load },
  s03: { load },
  s04: { load },
  s05: { load },
  s06: { load },
  s07: { load },
  s08: { load },
  s09: { load },
  s10: { load },
  s11: { load },
  s12: { load },
  s13: { load },
  s14: { load },
  s15: { load },
};

export const IDLE_NAMES = Object.keys(servers) as (keyof typeof servers)[];

export default system(import.meta.url, servers);
