// What the operating system says of processes: who lives, which descriptors and maps are open.

import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export function isAlive(pid: number): boolean {
  try {
    const state = /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return state !== undefined && state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}

/** Children of this process and theirs, by pid. */
export function descendants(of = process.pid): number[] {
  return descendantsIn(of, (state) => state !== 'Z');
}

/** Those that have ended and that nobody has waited for. */
export function zombies(of = process.pid): number[] {
  const living = new Set(descendants(of));
  return descendantsIn(of, () => true).filter((pid) => !living.has(pid));
}

function descendantsIn(of: number, wanted: (state: string) => boolean): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const status = readFileSync(`/proc/${entry}/status`, 'utf8');
      if (!wanted(/^State:\s+(\w)/m.exec(status)?.[1] ?? '')) continue;
      parents.set(Number(entry), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]));
    } catch {}
  }
  const found: number[] = [];
  const visit = (parent: number): void => {
    for (const [pid, its] of parents) {
      if (its !== parent) continue;
      found.push(pid);
      visit(pid);
    }
  };
  visit(of);
  return found;
}

export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Lines of /proc/<pid>/maps that show a region. */
export function mappedRegions(pid: number): number {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .filter((line) => line.includes('/memfd:')).length;
}

/** Waits until `condition` holds. @throws Error naming `what` after `timeoutMs`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(5);
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
