// What a handler can learn about the call it serves, across its awaits.
//
// AsyncLocalStorage costs 130 to 180 ns a call on Node 20, so only processes that need it pay: those whose server uses others
// (deadline and path must be inherited), and those that import `skerry/context`.

import { AsyncLocalStorage } from 'node:async_hooks';

/** The call that is being served. */
export interface CurrentCall {
  /** Aborts when the caller gives up (it cancels, or sees its deadline pass) or dies. A caller that hangs gives nothing up: see `deadline`. */
  readonly signal: AbortSignal;
  /** Monotonic ms of the machine (see `remainingMs`); Infinity: none. */
  readonly deadline: number;
  /** Milliseconds left; never below 0. */
  readonly remainingMs: number;
  /** On whose behalf the call is made: fixed by the kernel for the channel. */
  readonly principal: string;
  /** W3C traceparent, when the caller sent one. */
  readonly trace: string | undefined;
  /** Servers that the call has come through, the first caller first; this server is the last. */
  readonly path: readonly string[];
  readonly method: string;
  /** Its handler has ended: what its code goes on to do belongs to nobody's call, and inherits neither deadline nor path. */
  readonly settled: boolean;
  /**
   * @internal A stream waits for something that is not its own work, or goes on: meanwhile it takes no place among those that run.
   */
  idle(on: boolean): void;
}

let storage: AsyncLocalStorage<CurrentCall> | undefined;

export function enableCallContext(): void {
  storage ??= new AsyncLocalStorage();
}

export function callContextEnabled(): boolean {
  return storage !== undefined;
}

/** The call that this code serves, or undefined outside of any. */
export function getCurrentCall(): CurrentCall | undefined {
  return storage?.getStore();
}

export function runInCall<T>(call: CurrentCall, run: () => T): T {
  return storage === undefined ? run() : storage.run(call, run);
}
