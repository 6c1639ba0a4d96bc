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

/** One at a time. */
export function openLoop(subject: EchoSubject, name: string, loop: OpenLoop): Promise<OpenLoopResult> {
  return generator.run(subject, name, loop);
}

/** One for all runs: functions and objects that are made anew for a run are unknown to the compiler, which begins anew in each. */
class Generator {
  readonly #value = sample();
  #subject: EchoSubject | undefined;
  #name = '';
  #perSecond = 0;
  #calls = 0;
  #isBusy = false;
  /** The number of the run: what an earlier one, that failed, still hears of counts no more. */
  #run = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #start = 0;
  #sent = 0;
  #answered = 0;
  #refused = 0;
  #latenciesUs = new Float64Array(0);
  #resolve: (result: OpenLoopResult) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  run(subject: EchoSubject, name: string, { perSecond, calls, wait }: OpenLoop): Promise<OpenLoopResult> {
    this.#run++;
    this.#subject = subject;
    this.#name = name;
    this.#perSecond = perSecond;
    this.#calls = calls;
    this.#isBusy = wait === 'busy';
    this.#sent = 0;
    this.#answered = 0;
    this.#refused = 0;
    this.#latenciesUs = new Float64Array(calls);
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#start = performance.now();
      this.#send();
    });
  }

  readonly #send = (): void => {
    const now = performance.now();
    while (this.#sent < this.#calls && this.#intended() <= now) {
      const since = this.#isBusy ? this.#intended() : performance.now();
      this.#sent++;
      this.#one(since, this.#run).catch(this.#reject);
    }
    if (this.#sent === this.#calls) return;
    if (this.#isBusy) this.#immediate = setImmediate(this.#send);
    else this.#timer = setTimeout(this.#send, Math.max(1, this.#intended() - performance.now()));
  };

  /** When the next call is due. */
  #intended(): number {
    return this.#start + (this.#sent * 1000) / this.#perSecond;
  }

  async #one(since: number, run: number): Promise<void> {
    const subject = this.#subject as EchoSubject;
    try {
      const answer = await subject.call(this.#value);
      if (run !== this.#run) return;
      check(this.#name, answer);
      this.#latenciesUs[this.#answered++] = (performance.now() - since) * 1000;
    } catch (error) {
      if (run !== this.#run) return;
      if (subject.isRefusal?.(error) !== true) {
        clearTimeout(this.#timer);
        clearImmediate(this.#immediate);
        throw error;
      }
      this.#refused++;
    }
    if (this.#answered + this.#refused < this.#calls) return;
    this.#resolve({ latenciesUs: this.#latenciesUs.slice(0, this.#answered).sort(), refused: this.#refused });
  }
}

const generator = new Generator();
