// The client's side of an `async *` method: a queue of items that arrived, with credit given back as they are taken.
//
// The server may be STREAM_CREDIT items ahead. The deadline of a stream is one for each item: it runs while the consumer waits.
// Items that were published before the server died are handed out, then the coded error.
//
// The program holds a handle; the consumer belongs to the call. A handle that nobody holds any more ends its stream, as `return()` does.

import { nowMs } from '../base/clock.ts';
import { SkerryError } from '../base/errors.ts';
import { keepLayout } from '../base/keep-layout.ts';
import { STREAM_CREDIT, TIMEOUT_MS } from '../protocol/limits.ts';

interface Waiter {
  resolve(result: IteratorResult<unknown, unknown>): void;
  reject(error: unknown): void;
}

export interface StreamHooks {
  /** Items that the server may send in all. */
  onCredit(total: number): void;
  /** The consumer left early. */
  onReturn(): void;
  /** Somebody waits for an item, or nobody does any more: only the former keeps the process alive. */
  onWaiting(waiting: boolean): void;
  note(deadline: number): void;
}

type State = 'open' | 'done' | 'failed';

export class StreamConsumer {
  readonly #hooks: StreamHooks;
  readonly #timeoutMs: number;
  readonly #items: unknown[] = [];
  readonly #waiters: Waiter[] = [];
  #state: State = 'open';
  #end: unknown;
  #taken = 0;
  #credit = STREAM_CREDIT;
  #waiting = false;
  #forgotten = false;
  /** Monotonic ms until which the next item must come; 0: nobody waits. */
  deadline = 0;

  constructor(request: { readonly timeoutMs: number }, hooks: StreamHooks) {
    this.#hooks = hooks;
    this.#timeoutMs = request.timeoutMs;
  }

  push(item: unknown): void {
    if (this.#state !== 'open') return;
    if (this.#items.length >= 2 * STREAM_CREDIT)
      throw new SkerryError('SKERRY_CORRUPT', 'a stream sent more items than it had credit for');
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#items.push(item);
      return;
    }
    this.#took();
    this.#wait();
    waiter.resolve({ done: false, value: item });
    if (this.#forgotten) this.forget();
  }

  /** What the program is given. */
  handle(): AsyncIterableIterator<unknown> {
    const handle = new StreamHandle(this);
    forgotten.register(handle, this);
    return handle;
  }

  /** The program has no handle any more: the stream ends, when nobody waits for an item of it. */
  forget(): void {
    this.#forgotten = true;
    if (this.#waiters.length === 0) this.return();
  }

  finish(value: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'done';
    this.#end = value;
    this.deadline = 0;
    for (const [index, waiter] of this.#waiters.entries())
      waiter.resolve({ done: true, value: index === 0 ? this.#takeEnd() : undefined });
    this.#waiters.length = 0;
    this.#tell();
  }

  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#end = error;
    this.deadline = 0;
    const first = this.#waiters.shift();
    if (first !== undefined) {
      this.#state = 'done';
      first.reject(error);
    }
    for (const waiter of this.#waiters) waiter.resolve({ done: true, value: undefined });
    this.#waiters.length = 0;
    this.#tell();
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift();
      this.#took();
      return Promise.resolve({ done: false, value });
    }
    if (this.#state === 'failed') {
      this.#state = 'done';
      return Promise.reject(this.#takeEnd());
    }
    if (this.#state === 'done') return Promise.resolve({ done: true, value: this.#takeEnd() });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#wait();
    });
  }

  return(value?: unknown): Promise<IteratorResult<unknown, unknown>> {
    if (this.#state === 'open') {
      this.#hooks.onReturn();
      this.finish(undefined);
    }
    this.#state = 'done';
    this.#end = undefined;
    this.#items.length = 0;
    return Promise.resolve({ done: true, value });
  }

  #took(): void {
    this.#taken += 1;
    if (this.#state !== 'open' || this.#credit - this.#taken > STREAM_CREDIT / 2) return;
    this.#credit = this.#taken + STREAM_CREDIT;
    this.#hooks.onCredit(this.#credit);
  }

  #wait(): void {
    this.deadline = this.#waiters.length > 0 && this.#timeoutMs > 0 ? nowMs() + this.#timeoutMs : 0;
    if (this.deadline !== 0) this.#hooks.note(this.deadline);
    this.#tell();
  }

  #tell(): void {
    const waiting = this.#waiters.length > 0;
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    this.#hooks.onWaiting(waiting);
  }

  #takeEnd(): unknown {
    const value = this.#end;
    this.#end = undefined;
    return value;
  }
}

class StreamHandle implements AsyncIterableIterator<unknown> {
  readonly #consumer: StreamConsumer;

  constructor(consumer: StreamConsumer) {
    this.#consumer = consumer;
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    return this.#consumer.next();
  }

  return(value?: unknown): Promise<IteratorResult<unknown, unknown>> {
    return this.#consumer.return(value);
  }

  throw(error?: unknown): Promise<IteratorResult<unknown, unknown>> {
    this.#consumer.return();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const forgotten = new FinalizationRegistry<StreamConsumer>((consumer) => consumer.forget());

const nothing = (): void => {};
const sample = new StreamConsumer(
  { timeoutMs: TIMEOUT_MS },
  { onCredit: nothing, onReturn: nothing, onWaiting: nothing, note: nothing },
);
sample.deadline = 0.5;
keepLayout(new StreamHandle(sample));
