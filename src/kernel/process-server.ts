// The process server as the kernel sees it: it is told what happens to instances, and when it dies, its successor is told how things
// stand. Servers that run, and their calls, do not notice either.

import { restartDelayMs } from '../base/backoff.ts';
import { nowMs } from '../base/clock.ts';
import { readShare } from '../base/process-stat.ts';
import { Ticker } from '../base/ticker.ts';
import { HEARTBEAT_MS, watchForHangs } from '../memory/hang-watch.ts';
import type { Descriptor, DoubtListener, NativeAddon } from '../memory/native.ts';
import type { Region } from '../memory/region.ts';
import { watchPulse } from '../memory/status.ts';
import type { FromKernel, InstanceEvent } from '../protocol/control.ts';
import { brief } from './messages.ts';
import type { Process } from './process-record.ts';
import { sendTo } from './send.ts';
import type { Slot } from './slots.ts';

/** One that was ready for so long has not died of its start. */
const STABLE_MS = 500;
/** How long one may take from its start until it has read the system module. */
const DECLARE_MS = 30_000;

/** What the process server looks at an instance with: its status region, its bell, its black box. */
export function eyesOf({ status, bell, box }: Process): Descriptor[] {
  return [status?.descriptor, bell, box].filter((one) => one !== undefined);
}

export class ProcessServerSeat {
  readonly #slot: Slot;
  readonly #end: (proc: Process, why: string) => void;
  /** It knows of the slots; before that it is told nothing of them. */
  #hears = false;
  #unstable = 0;
  #declareTimer: NodeJS.Timeout | undefined;
  /** It has been told something since it was looked at last. */
  #asked = false;
  /** Begins to look for hangs. */
  #watch = (): void => {};
  #unwatch = (): void => {};

  /** @param end kills a process, if it still lives. */
  constructor(slot: Slot, end: (proc: Process, why: string) => void) {
    this.#slot = slot;
    this.#end = end;
  }

  get hears(): boolean {
    return this.#hears;
  }

  born(proc: Process): void {
    const why = `it has not read the system module within ${DECLARE_MS} ms`;
    this.#declareTimer = setTimeout(() => this.#end(proc, why), DECLARE_MS);
  }

  /**
   * Nobody else looks after it, from when it has declared on: until then DECLARE_MS holds. Over streams it is not known whether its loop
   * turns.
   */
  watch(proc: Process, status: Region, addon: NativeAddon, bell: Descriptor): void {
    const onHung = (ms: number) =>
      this.#end(
        proc,
        `hung: its event loop has made no turn for ${Math.round(ms)} ms (the system module and its onDeath run there)`,
      );
    const ticker = new Ticker();
    const share = () => readShare(proc.pid);
    const isAsked = () => {
      const asked = this.#asked;
      this.#asked = false;
      return asked;
    };
    const onDoubt = (region: Region, ms: number, look: DoubtListener) => watchPulse(addon, region, ms, look);
    const ring = () => void addon.ring(bell);
    const watched = { heartbeatMs: HEARTBEAT_MS, status: () => status, share, isAsked, onDoubt, ring, onHung };
    this.#watch = () => {
      this.#unwatch = watchForHangs(watched, (ms, act) => ticker.every(ms, act), nowMs);
    };
  }

  tell(slot: number, event: InstanceEvent, descriptors: readonly Descriptor[] = []): void {
    const { process } = this.#slot;
    const isItsOwn = slot === this.#slot.number;
    if (process !== undefined && (this.#hears || isItsOwn)) this.#say(process, { t: 'instance', slot, event }, descriptors);
  }

  /** What is not of one slot; a successor is told it when it has declared. */
  tellAll(message: FromKernel): void {
    const { process } = this.#slot;
    if (process !== undefined && this.#hears) this.#say(process, message);
  }

  #say(process: Process, message: FromKernel, descriptors: readonly Descriptor[] = []): void {
    this.#asked = true;
    sendTo(process, message, descriptors);
  }

  /** It has declared its servers. @param slots what there was before it came: of a system that runs. */
  declared(slots: readonly Slot[]): void {
    const { process } = this.#slot;
    if (process === undefined) return;
    clearTimeout(this.#declareTimer);
    this.#watch();
    this.#watch = () => {};
    this.#hears = true;
    for (const slot of slots) this.#tellState(slot);
    sendTo(process, { t: 'declared', resumed: slots.length > 0 });
  }

  /** @returns how long to wait until the next one is started, ms. */
  died(readyForMs: number | undefined): number {
    clearTimeout(this.#declareTimer);
    this.#unwatch();
    this.#unwatch = () => {};
    this.#watch = () => {};
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
    if (process.status !== undefined) this.tell(number, { what: 'status' }, eyesOf(process));
    if (process.uses !== undefined) this.tell(number, { what: 'manifest', uses: [...process.uses.keys()] });
    if (ready !== undefined) this.tell(number, { what: 'ready', concurrency: ready.concurrency });
  }
}
