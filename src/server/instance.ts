// What the main file of an instance drives: a server's instance, or the process server.

import type { Descriptor } from '../memory/native.ts';
import type { InstanceEvent } from '../protocol/control.ts';
import type { LaunchEvent } from '../protocol/program.ts';
import type { QuarantinedCall } from '../protocol/quarantine.ts';

export interface Instance {
  /** Runs until the process ends; rejects only by its own bug. */
  run(): Promise<void>;
  /** The process server says: initialise now. */
  init(): void;
  /** End: running calls first, for `drainMs` at most, then what onStop asked for. */
  stop(drainMs: number): void;
  /** @param resumed the system runs already; what runs was told by `onInstance`. */
  onDeclared?(resumed: boolean): void;
  /** @param descriptors of the event; they are the instance's from here on. */
  onInstance?(slot: number, event: InstanceEvent, descriptors: readonly Descriptor[]): void;
  onProgram?(id: number, event: LaunchEvent): void;
  onSpares?(pids: readonly number[]): void;
  onQuarantined?(call: QuarantinedCall, isNew: boolean): void;
  onPardoned?(id: number): void;
}
