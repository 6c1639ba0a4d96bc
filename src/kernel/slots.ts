// Slots: a server's places, one for each replica. A slot outlives its instances: it is what clients have channels to.

import type { DeathEvent, ErrorInfo, ServerDeclaration } from '../protocol/control.ts';
import { interfaceHash, type MethodInfo } from '../protocol/methods.ts';
import type { Channel } from './channels.ts';
import type { Process } from './process-record.ts';

export const PROCESS_SERVER_SLOT = 0;
export const CALLER_SLOT = 1;
export const FIRST_SERVER_SLOT = 2;

export interface Ready {
  readonly methods: readonly MethodInfo[];
  readonly hash: number;
  readonly concurrency: number;
  readonly queueMax: number;
  readonly address: string | undefined;
}

export interface Slot {
  readonly number: number;
  readonly replica: number;
  readonly server: ServerDeclaration;
  readonly channels: Set<Channel>;
  generation: number;
  process: Process | undefined;
  /** Set while an instance is ready for introductions. */
  ready: Ready | undefined;
  /** The last method table that was known, also while no instance runs. */
  methods: readonly MethodInfo[] | undefined;
  /** Of the same instance. */
  concurrency: number;
  /** What the module declared when it was loaded first; later instances must declare no more. */
  declaredUses: ReadonlyMap<string, readonly string[] | true> | undefined;
  down: ErrorInfo | undefined;
  /** The end of its last instance, until there is another: whoever was to be told may have died too. */
  died: DeathEvent | undefined;
  /** What the process server wants its successor to know of this slot. */
  note: string | undefined;
  holding: boolean;
}

export function makeSlot(number: number, replica: number, server: ServerDeclaration): Slot {
  return {
    number,
    replica,
    server,
    channels: new Set(),
    generation: 0,
    process: undefined,
    ready: undefined,
    methods: undefined,
    concurrency: 0,
    declaredUses: undefined,
    down: undefined,
    died: undefined,
    note: undefined,
    holding: false,
  };
}

export function readyOf(
  methods: readonly MethodInfo[],
  concurrency: number,
  queueMax: number,
  address: string | undefined,
): Ready {
  return { methods, hash: interfaceHash(methods), concurrency, queueMax, address };
}
