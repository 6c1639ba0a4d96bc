// The memory budget: what all regions of this system may take together. A region is asked for before it is made, because in a
// container `fallocate` past the limit ends in the OOM killer, not in an error.
//
// Default: half of what machine and cgroup have free. Both cgroup versions are read; numbers that cannot be read do not limit.

import { readFileSync } from 'node:fs';

export class MemoryBudget {
  readonly limit: number;
  #used = 0;

  constructor(limitBytes: number) {
    this.limit = limitBytes;
  }

  get used(): number {
    return this.#used;
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used = Math.max(0, this.#used - bytes);
  }
}

/** Half of what machine and cgroup have free, bytes. `read` is `readFileSync` but for tests. */
export function defaultBudget(read: (path: string) => string | undefined = readText): number {
  const free = [machineFree(read), cgroup2Free(read), cgroup1Free(read)].filter((bytes) => bytes !== undefined);
  return Math.floor(Math.min(...free, 2 ** 40) / 2);
}

function machineFree(read: (path: string) => string | undefined): number | undefined {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function cgroup2Free(read: (path: string) => string | undefined): number | undefined {
  const path = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1];
  if (path === undefined) return undefined;
  return tightest(path, (folder) => free(read, `/sys/fs/cgroup${folder}`, 'memory.max', 'memory.current'));
}

function cgroup1Free(read: (path: string) => string | undefined): number | undefined {
  const path = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1];
  if (path === undefined) return undefined;
  const at = (folder: string) => free(read, `/sys/fs/cgroup/memory${folder}`, 'memory.limit_in_bytes', 'memory.usage_in_bytes');
  // In a container the host's path is in the file and the container's own group is mounted at the root.
  return tightest(path, at);
}

/** A limit may stand at each level up to the root. */
function tightest(path: string, at: (folder: string) => number | undefined): number | undefined {
  let least: number | undefined;
  for (let folder = path === '/' ? '' : path; ; folder = folder.slice(0, folder.lastIndexOf('/'))) {
    const here = at(folder);
    if (here !== undefined && (least === undefined || here < least)) least = here;
    if (folder === '') return least;
  }
}

function free(read: (path: string) => string | undefined, folder: string, max: string, current: string): number | undefined {
  const limit = Number(read(`${folder}/${max}`) ?? Number.NaN); // "max" is NaN too: no limit
  const used = Number(read(`${folder}/${current}`) ?? Number.NaN);
  return Number.isFinite(limit) && Number.isFinite(used) ? Math.max(0, limit - used) : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
