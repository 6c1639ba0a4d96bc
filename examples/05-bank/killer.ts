// Kills the processes of a system, one now and then: a server is drawn, then one of its processes, whatever it does, also while it starts.
// The kernel is not among them: nothing outlives it.

import { setTimeout as pause } from 'node:timers/promises';
import type { OperatingSystem } from 'skerry';
import { drawing } from './random.ts';

/** `process` is the process server, `spare` a warm spare. */
const VICTIMS = ['ledger', 'teller', 'auditor', 'process', 'spare'];
const PAUSE_MS = { least: 300, most: 700 };
/** How long it waits for a victim that has no process at the time. */
const VICTIM_WAIT_MS = 200;

type Processes = Pick<OperatingSystem['processes'], 'usage'>;

/** The process ids of each server that has one, the kernel's too; none when the process server has just died of our question. */
export async function pidsByName(processes: Processes): Promise<Map<string, number[]>> {
  const pids = new Map<string, number[]>();
  for (const { name, pid } of await processes.usage().catch(() => []))
    if (pid !== 0) pids.set(name, [...(pids.get(name) ?? []), pid]);
  return pids;
}

/** Kills until `over` aborts. @param kills by server; filled while it goes on. */
export async function runKiller(
  processes: Processes,
  { seed, kills, over, say }: { seed: number; kills: Map<string, number>; over: AbortSignal; say: (line: string) => void },
): Promise<void> {
  const draw = drawing(seed);
  for (;;) {
    await pause(PAUSE_MS.least + draw(PAUSE_MS.most - PAUSE_MS.least + 1), undefined, { signal: over }).catch(() => {});
    if (over.aborted) return;
    const name = VICTIMS[draw(VICTIMS.length)];
    const pid = await findVictim(processes, name, draw(2 ** 16));
    if (pid === undefined || !endProcess(pid)) continue;
    kills.set(name, (kills.get(name) ?? 0) + 1);
    say(`kill -9 ${pid} (${name})`);
  }
}

async function findVictim(processes: Processes, name: string, which: number): Promise<number | undefined> {
  for (const deadline = Date.now() + VICTIM_WAIT_MS; Date.now() < deadline; await pause(10)) {
    const pids = (await pidsByName(processes)).get(name);
    if (pids !== undefined) return pids[which % pids.length];
  }
  return undefined;
}

/** @returns whether there was such a process. */
function endProcess(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
