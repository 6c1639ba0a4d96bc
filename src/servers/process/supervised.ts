// What the process server knows of a slot: a server's replica, through all its instances.

import type { Region } from '../../memory/region.ts';
import { formatEndpoint } from '../../protocol/endpoint.ts';
import type { RestartPolicy } from '../../server/supervision.ts';
import type { ServerEntry } from '../../server/system.ts';
import { type BackoffPolicy, DEFAULT_BACKOFF } from './backoff.ts';
import type { Death, InstanceState, ProcessEntry } from './process-api.ts';

/** `together`: whoever restarts its group starts it. */
export type Wish = 'restart' | 'stay down' | 'together';

export interface Supervised {
  readonly name: string;
  readonly replica: number;
  readonly slot: number;
  readonly entry: ServerEntry;
  readonly policy: BackoffPolicy & Pick<RestartPolicy, 'type'>;
  state: InstanceState;
  /** When it was entered, ms since 1970. */
  since: number;
  pid: number;
  generation: number;
  /** The running instance's status region; undefined over streams. */
  status: Region | undefined;
  /** Its calls and last words; undefined over streams. */
  box: Region | undefined;
  /** Wakes its loop; undefined over streams. */
  ring: (() => void) | undefined;
  uses: readonly string[] | undefined;
  /** The same, also after its death: for the order of the stop. */
  lastUses: readonly string[] | undefined;
  /** The kernel has been asked for a process, and has not told its death. */
  spawned: boolean;
  begun: boolean;
  readyAt: number | undefined;
  unstable: number;
  restarts: number;
  timer: NodeJS.Timeout | undefined;
  /** Why the present instance does not get ready, as it or its timer says. */
  failure: string | undefined;
  lastReason: string | undefined;
  lastDeath: Death | undefined;
  /** What its instances have loaded, as far as it is told. */
  readonly modules: Set<string>;
  /** What follows its death, when that was ordered. */
  wish: Wish | undefined;
  /** Servers of its group that have to run before it is initialised. */
  after: readonly string[];
  /** The restart of a group that it takes part in: the last one counts. */
  together: object | undefined;
  onReady: (() => void)[];
  onDeath: (() => void)[];
  onInspecting: ((url: string) => void)[];
}

export function supervise(name: string, replica: number, slot: number, entry: ServerEntry): Supervised {
  return {
    name,
    replica,
    slot,
    entry,
    policy: { ...DEFAULT_BACKOFF, ...entry.restart },
    state: 'new',
    since: Date.now(),
    pid: 0,
    generation: 0,
    status: undefined,
    box: undefined,
    ring: undefined,
    uses: undefined,
    lastUses: undefined,
    spawned: false,
    begun: false,
    readyAt: undefined,
    unstable: 0,
    restarts: 0,
    timer: undefined,
    failure: undefined,
    lastReason: undefined,
    lastDeath: undefined,
    modules: new Set(),
    wish: undefined,
    after: [],
    together: undefined,
    onReady: [],
    onDeath: [],
    onInspecting: [],
  };
}

/** As messages name it: `geo`, or `geo.1` where there are several. */
export function title({ name, replica, entry }: Supervised): string {
  return (entry.replicas ?? 1) === 1 ? name : `${name}.${replica}`;
}

export function entryOf({ name, replica, pid, state, restarts, lastReason }: Supervised): ProcessEntry {
  return { name, replica, pid, state, restarts, ...(lastReason === undefined ? {} : { lastReason }) };
}

export function endpointOf({ slot, generation }: Supervised): string {
  return formatEndpoint({ node: 0, slot, generation });
}
