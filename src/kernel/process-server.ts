// The process server as the kernel sees it: it is told what happens to instances, and when it dies, its successor is told how things
// stand. Servers that run, and their calls, do not notice either.

import { restartDelayMs } from '../base/backoff.ts';
import type { Descriptor } from '../memory/native.ts';
import type { FromKernel, InstanceEvent } from '../protocol/control.ts';
import { brief } from './messages.ts';
import type { Process } from './process-record.ts';
import type { Slot } from './slots.ts';

/** One that was ready for so long has not died of its start. */
const STABLE_MS = 500;

export class ProcessServerSeat {
  readonly #slot: Slot;
  readonly #send: (to: Process, message: FromKernel, descriptors?: readonly Descriptor[]) => void;
  /** It knows of the slots; before that it is told nothing of them. */
  #hears = false;
  #unstable = 0;

  constructor(slot: Slot, send: (to: Process, message: FromKernel, descriptors?: readonly Descriptor[]) => void) {
    this.#slot = slot;
    this.#send = send;
  }

  get hears(): boolean {
    return this.#hears;
  }

  tell(slot: number, event: InstanceEvent, descriptors: readonly Descriptor[] = []): void {
    const { process } = this.#slot;
    const isItsOwn = slot === this.#slot.number;
    if (process !== undefined && (this.#hears || isItsOwn)) this.#send(process, { t: 'instance', slot, event }, descriptors);
  }

  /** It has declared its servers. @param slots what there was before it came: of a system that runs. */
  declared(slots: readonly Slot[]): void {
    const { process } = this.#slot;
    if (process === undefined) return;
    this.#hears = true;
    for (const slot of slots) this.#tellState(slot);
    this.#send(process, { t: 'declared', resumed: slots.length > 0 });
  }

  /** @returns how long to wait until the next one is started, ms. */
  died(readyForMs: number | undefined): number {
    this.#hears = false;
    const isStable = readyForMs !== undefined && readyForMs >= STABLE_MS;
    this.#unstable = isStable ? 0 : this.#unstable + 1;
    return isStable ? 0 : restartDelayMs(this.#unstable);
  }

  #tellState({ number, replica, server, process, generation, ready, died, note, down }: Slot): void {
    const runs = process !== undefined;
    const end =
      runs || died === undefined ? undefined : { ...died, error: died.error === undefined ? undefined : brief(died.error) };
    this.tell(number, {
      what: 'kept',
      name: server.name,
      replica,
      generation,
      runs,
      isDown: down !== undefined,
      note,
      died: end,
    });
    if (!runs) return;
    this.tell(number, { what: 'born', pid: process.pid, generation }, process.output);
    if (process.status !== undefined && process.bell !== undefined)
      this.tell(number, { what: 'status' }, [process.status.descriptor, process.bell]);
    if (process.uses !== undefined) this.tell(number, { what: 'manifest', uses: [...process.uses.keys()] });
    if (ready !== undefined) this.tell(number, { what: 'ready' });
  }
}
