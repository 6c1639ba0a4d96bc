/**
 * Open loop: calls are sent when their time has come, whether or not earlier ones have been answered.
 *
 * A closed loop hides a stall, since it stops asking while it waits (coordinated omission). Here each call has an intended time,
 * start + i / rate. Two ways to wait for it:
 *
 *   timer   the event loop sleeps between calls: what a quiet program does, for rates up to 1,000/s. Node's timers are late by up to
 *           a millisecond, which is not the subject's fault: the latency counts from the actual send.
 *   busy    the event loop runs on (setImmediate) and sends in each turn what is due: for rates at which calls are due all the time.
 *           The latency counts from the *intended* time, so a stall is charged to every call that it delayed.
 */
import { check, sample } from './sample.ts';
import type { EchoSubject } from './subject.ts';

export interface OpenLoop {
  readonly perSecond: number;
  readonly calls: number;
  readonly wait: 'timer' | 'busy';
}

export interface OpenLoopResult {
  /** Latency of each answered call in us, sorted. */
  readonly latenciesUs: Float64Array;
  /** Calls that the subject refused because its queue was full. */
  readonly refused: number;
}

export function openLoop(subject: EchoSubject, name: string, loop: OpenLoop): Promise<OpenLoopResult> {
  const { perSecond, calls, wait } = loop;
  const value = sample();
  const latencies = new Float64Array(calls);
  let sent = 0;
  let answered = 0;
  let refused = 0;
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const intended = (index: number): number => start + (index * 1000) / perSecond;

    async function one(since: number): Promise<void> {
      try {
        check(name, await subject.call(value));
        latencies[answered++] = (performance.now() - since) * 1000;
      } catch (error) {
        if (subject.isRefusal?.(error) !== true) throw error;
        refused++;
      }
      if (answered + refused === calls) resolve({ latenciesUs: latencies.slice(0, answered).sort(), refused });
    }
    function send(): void {
      const now = performance.now();
      while (sent < calls && intended(sent) <= now) {
        const since = wait === 'busy' ? intended(sent) : performance.now();
        sent++;
        one(since).catch(reject);
      }
      if (sent === calls) return;
      if (wait === 'busy') setImmediate(send);
      else setTimeout(send, Math.max(1, intended(sent) - performance.now()));
    }
    send();
  });
}
