// The programs that the process server has asked for. The kernel starts them and says what became of them; it knows of no allow-list, and
// their streams never pass through it.
//
// When the kernel ends, their launchers' sockets close, and they end.

import type { Descriptor, NativeAddon } from '../memory/native.ts';
import { findPrebuilt } from '../memory/prebuilt.ts';
import type { LaunchEvent, LaunchRequest } from '../protocol/program.ts';
import { type Launched, launch } from './launcher.ts';

export class Programs {
  readonly #addon: NativeAddon | undefined;
  readonly #tell: (id: number, event: LaunchEvent) => void;
  readonly #running = new Map<number, { launched?: Launched }>();

  constructor(addon: NativeAddon | undefined, tell: (id: number, event: LaunchEvent) => void) {
    this.#addon = addon;
    this.#tell = tell;
  }

  /** @param descriptors of its streams; they are the caller's to close. */
  launch({ id, hasStdin, ...what }: LaunchRequest, descriptors: readonly Descriptor[]): void {
    const { file: launcher, reason } = findPrebuilt('launcher');
    const numbers = descriptors.map((descriptor) => this.#addon?.fileNumber(descriptor) as number);
    if (numbers.length !== (hasStdin ? 3 : 2) || this.#running.has(id))
      throw new Error(`program ${id} came with ${numbers.length} descriptors, or twice`);
    if (launcher === undefined) return this.#tell(id, { what: 'failed', step: 'find', error: reason });
    const [stdout, stderr] = numbers.slice(-2) as [number, number];
    const stdio = [hasStdin ? (numbers[0] as number) : 'ignore', stdout, stderr] as const;
    const tell = (event: LaunchEvent) => {
      if (this.#running.get(id) === run) this.#tell(id, event);
    };
    const over = (event: LaunchEvent) => {
      tell(event);
      if (this.#running.get(id) === run) this.#running.delete(id);
    };
    const run: { launched?: Launched } = {};
    this.#running.set(id, run);
    const { path, args, env, cwd, limits } = what;
    try {
      run.launched = launch(
        { launcher, path, args, env, cwd, limits, stdio },
        {
          onStarted: (pid) => tell({ what: 'started', pid }),
          onFailed: (step, error) => over({ what: 'failed', step, error }),
          onEnded: (end) => over({ what: 'ended', ...end }),
        },
      );
    } catch (error) {
      over({ what: 'failed', step: 'spawn', error: (error as Error).message });
    }
  }

  /** Of a process server that is gone: nobody hears what becomes of them. */
  endAll(): void {
    for (const { launched } of this.#running.values()) launched?.signal('SIGKILL');
    this.#running.clear();
  }

  /** @param signal its name, or `end`: SIGTERM, and SIGKILL after the grace. One that has ended hears nothing. */
  signal(id: number, signal: string): void {
    const launched = this.#running.get(id)?.launched;
    if (signal === 'end') launched?.end();
    else launched?.signal(signal as NodeJS.Signals);
  }
}
