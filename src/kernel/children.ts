// The kernel's children: those that it starts, and orphans, which its instances and programs have left behind. An orphan stays a descendant
// of the kernel so (whoever has descended from it is no operator), and is reaped when it ends.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { NativeAddon } from '../memory/native.ts';

/** Started by the kernel, and not reaped yet: libuv waits for these. */
const started = new Set<number>();

/** spawn() of Node's; every process that the kernel starts is started here. */
export function startChild(path: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(path, args, options);
  const { pid } = child;
  if (pid !== undefined) {
    started.add(pid);
    child.once('exit', () => started.delete(pid));
  }
  return child;
}

/** From now on orphans come to this process. Where the kernel does not list a process's children, they go to init, as they would. */
export function adoptOrphans(addon: NativeAddon): void {
  if (children() === undefined) return;
  addon.becomeSubreaper();
  process.on('SIGCHLD', () => {
    for (const pid of children() ?? []) if (!started.has(pid)) addon.reap(pid);
  });
}

function children(): number[] | undefined {
  try {
    const list = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').trim();
    return list === '' ? [] : list.split(' ').map(Number);
  } catch {
    return undefined;
  }
}
