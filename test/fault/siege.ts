// A system under load whose servers are killed at random moments: real SIGKILLs, while so many requests are in flight all the time.
//
//   lanes ──request(id)──▶ servers ──first effect──▶ oracle's file
//     │                       ✝ killer: a pid from the process list, at any moment of its life, also before it is ready
//     └── outcome of each id ────────── compared ──────────┘

import { setTimeout as sleep } from 'node:timers/promises';
import { boot, type OperatingSystem, SkerryError } from 'skerry';
import countingSystem from '../fixtures/fault/counting.system.ts';
import { type Executions, Oracle } from './oracle.ts';
import { descendants, isAlive, until } from './processes.ts';
import { beyond, FROM, Random, SEED } from './random.ts';

export type Transport = 'ring' | 'stream';
export const TRANSPORTS: readonly Transport[] = ['ring', 'stream'];

export type CountingSystem = OperatingSystem<(typeof countingSystem)['servers']>;

/** A request that was answered, by an instance; or rejected. */
export type Outcome = { readonly pid: number } | { readonly error: unknown };

export interface Siege {
  readonly transport: Transport;
  readonly victim: 'one' | 'two';
  readonly kills: number;
  /** The kills go on, to four times their number at most, until one has hit a request that was being executed. */
  readonly untilHit?: boolean;
  /** Requests in flight. */
  readonly lanes: number;
  /** One request. Its id is in the oracle's file if it was executed. Whatever it throws is its outcome. */
  request(servers: CountingSystem['servers'], id: number, random: Random): Promise<{ readonly pid: number }>;
}

export interface Aftermath {
  /** By id, from 0. */
  readonly outcomes: readonly Outcome[];
  readonly executions: Executions;
  /** Kills that hit a living process. */
  readonly kills: number;
}

const HANG_MS = 15_000;

/** @throws Error when a request has no outcome HANG_MS after the last kill, or a process is left at the end. */
export async function besiege(siege: Siege): Promise<Aftermath> {
  const nothing = beyond(siege.kills);
  if (nothing !== false) throw new Error(`nobody would be killed: ${nothing}`);
  const oracle = new Oracle();
  const sys = await boot(countingSystem, { transport: siege.transport, env: { ...process.env, SKERRY_ORACLE: oracle.path } });
  const before = descendants();
  const outcomes: (Outcome | undefined)[] = [];
  const answeredBy = new Set<number>();
  let over = false;
  const lane = async (): Promise<void> => {
    while (!over) {
      const id = outcomes.length;
      outcomes.push(undefined);
      try {
        const answer = await siege.request(sys.servers, id, new Random(SEED, id));
        answeredBy.add(answer.pid);
        outcomes[id] = { pid: answer.pid };
      } catch (error) {
        outcomes[id] = { error };
      }
      if ((id & 255) === 255) await sleep(0); // others of this process have their turn
    }
  };
  let kills = 0;
  try {
    const lanes = Promise.all(Array.from({ length: siege.lanes }, lane));
    const killed = new Set<number>();
    const isEnough = (step: number) =>
      siege.untilHit !== true ||
      step >= 4 * siege.kills ||
      outcomes.some((outcome) => outcome !== undefined && 'error' in outcome);
    for (let step = FROM; step < siege.kills || !isEnough(step); step++)
      kills += await killOnce(sys, siege.victim, new Random(SEED, step), answeredBy, killed);
    await sleep(50);
    over = true;
    const hung = await Promise.race([lanes.then(() => false), sleep(HANG_MS, true, { ref: false })]);
    if (hung)
      throw new Error(`requests hang: ${outcomes.flatMap((outcome, id) => (outcome === undefined ? [id] : [])).join(', ')}`);
  } finally {
    over = true;
    before.push(...descendants());
    await sys.stop();
  }
  await until('no process is left', () => !before.some(isAlive));
  const executions = oracle.read();
  oracle.remove();
  return { outcomes: outcomes as Outcome[], executions, kills };
}

/** Kills one instance of the server: most often one that has answered already, sometimes one that is still starting. */
async function killOnce(
  sys: CountingSystem,
  victim: string,
  random: Random,
  answered: ReadonlySet<number>,
  killed: Set<number>,
): Promise<number> {
  const early = random.chance(0.2);
  const waitMs = random.chance(0.3) ? 0 : random.int(0, early ? 80 : 25);
  const which = random.u32();
  let pid = 0;
  await until(
    `an instance of "${victim}" ${early ? 'is born' : 'answers'}`,
    async () => {
      const instances = (await sys.processes.list()).filter(
        (entry) => entry.name === victim && entry.pid !== 0 && !killed.has(entry.pid),
      );
      const candidates = instances.filter((entry) => early || answered.has(entry.pid));
      pid = candidates[which % Math.max(1, candidates.length)]?.pid ?? 0;
      return pid !== 0;
    },
    HANG_MS,
  );
  await sleep(waitMs);
  killed.add(pid);
  try {
    process.kill(pid, 'SIGKILL');
    return 1;
  } catch {
    return 0;
  }
}

/** @returns why a rejected request is not what a death allows, or nothing. */
export function wrongRejection(error: unknown, codes: readonly string[]): string | undefined {
  if (!(error instanceof SkerryError)) return `not a SkerryError: ${String(error)}`;
  if (!codes.includes(error.code)) return `${error.code}: ${error.message}`;
  if (error.maybeExecuted !== true) return `${error.code} without maybeExecuted`;
  return undefined;
}
