// The call that a handler serves, as currentCall() shows it. Made for each call where the context is on; costly parts only when asked for.

import { nowMs } from '../base/clock.ts';
import { type CurrentCall, runInCall } from './call-context.ts';
import type { Running } from './running.ts';
import type { CallExtra } from './wire.ts';

/** Who counts what runs. */
export interface Pausing {
  pause(running: Running, on: boolean): void;
}

/** What a handler can learn about its call; made for each call, costly parts only when asked for. */
export class ServedCall implements CurrentCall {
  readonly method: string;
  readonly principal: string;
  readonly deadline: number;
  readonly #extra: CallExtra | undefined;
  readonly #running: Running;
  readonly #host: Pausing;
  readonly #server: string;

  constructor(
    server: string,
    method: string,
    principal: string,
    deadline: number,
    extra: CallExtra | undefined,
    running: Running,
    host: Pausing,
  ) {
    this.#host = host;
    this.#server = server;
    this.method = method;
    this.principal = principal;
    this.deadline = deadline === 0 ? Number.POSITIVE_INFINITY : deadline;
    this.#extra = extra;
    this.#running = running;
  }

  get signal(): AbortSignal {
    const running = this.#running;
    if (running.controller === undefined) {
      running.controller = new AbortController();
      if (running.abortedFor !== undefined) running.controller.abort(running.abortedFor);
    }
    return running.controller.signal;
  }

  get remainingMs(): number {
    return Math.max(0, this.deadline - nowMs());
  }

  idle(on: boolean): void {
    this.#host.pause(this.#running, on);
  }

  get settled(): boolean {
    return this.#running.done;
  }

  get trace(): string | undefined {
    return this.#extra?.trace;
  }

  get path(): readonly string[] {
    return [...(this.#extra?.path ?? []), this.#server];
  }
}

/** The body of a generator runs when an item is asked for: that, too, happens within its call. */
export function iterateInCall(call: CurrentCall, iterable: AsyncIterable<unknown>): AsyncIterable<unknown> {
  const iterator = runInCall(call, () => iterable[Symbol.asyncIterator]());
  const within: AsyncIterator<unknown> = {
    next: () => runInCall(call, () => iterator.next()),
    return: () => runInCall(call, () => iterator.return?.() ?? Promise.resolve({ done: true, value: undefined })),
  };
  return { [Symbol.asyncIterator]: () => within };
}
