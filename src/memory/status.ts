// The status region of an instance: fixed fields without payload, written by the instance, read in place by the kernel, the process
// server and every introduced client; constant after its death, which makes the post-mortem sound.
//
//   word  name              written by
//   32    phase             the addon (uv_prepare/check): 1 running JavaScript, 2 waiting for events
//   33    turns             the addon: turns of the event loop
//   34    phaseSinceMs      the addon: monotonic ms, low 31 bits
//   40    fatalSignal       the addon's fault handler
//   41    peakRssKb         the addon's fault handler
//   64    running           the dispatcher: handlers that run now
//   65    queued            the dispatcher: unstarted calls that it sees, all clients together
//   66    started           the dispatcher: calls started, in all (u32)
//   67    failed            the dispatcher: calls that ended with an error, in all (u32)

import type { Region } from './region.ts';

export const STATUS_REGION_BYTES = 4096;

export const StatusWord = {
  phase: 32,
  turns: 33,
  phaseSinceMs: 34,
  fatalSignal: 40,
  peakRssKb: 41,
  running: 64,
  queued: 65,
  started: 66,
  failed: 67,
} as const;

export const LOOP_WORDS_OFFSET = StatusWord.phase * 4;
export const FAULT_WORDS_OFFSET = StatusWord.fatalSignal * 4;

/** The dispatcher's pen. Without a region (stream transport) the numbers go out with its frames instead. */
export class StatusCounters {
  running = 0;
  queued = 0;
  started = 0;
  failed = 0;
  readonly #words: Int32Array | undefined;

  constructor(region: Region | undefined) {
    this.#words = region?.i32;
  }

  publish(): void {
    const words = this.#words;
    if (words === undefined) return;
    words[StatusWord.running] = this.running;
    words[StatusWord.queued] = this.queued;
    words[StatusWord.started] = this.started;
    words[StatusWord.failed] = this.failed;
  }
}

/** A peer's status, as it stands now; clamped, since a peer may write anything. */
export function readStatus(region: Region): { running: number; queued: number } {
  const running = region.i32[StatusWord.running] as number;
  const queued = region.i32[StatusWord.queued] as number;
  return { running: Math.max(running, 0), queued: Math.max(queued, 0) };
}
