// The server's side: takes requests from all channels of an instance, runs the handlers, answers.
//
// At most `concurrency` handlers run at once; what is beyond stays unstarted in the clients' rings. Suspects (calls that a
// predecessor died with) go first, one at a time, with nothing else in flight; until every client of the predecessor has said what it
// has (`settling`), nothing is started at all. Rights and principal come from the kernel's introduction, never from a record.

import { nowMs } from '../base/clock.ts';
import { SkerryError } from '../base/errors.ts';
import type { Decoder } from '../channel/codec/decoder.ts';
import type { ServerEnd, ServerEvents } from '../channel/transport.ts';
import type { StatusCounters } from '../memory/status.ts';
import { CALLS_MAX } from '../protocol/limits.ts';
import { Kind } from '../protocol/record.ts';
import { type CurrentCall, callContextEnabled, runInCall } from './call-context.ts';
import { checkInput, type InputSchema } from './input.ts';
import { type CallExtra, readExtra, writeResult } from './wire.ts';

export interface Handler {
  readonly name: string;
  readonly stream: boolean;
  readonly input: InputSchema | undefined;
  readonly run: (...args: unknown[]) => unknown;
}

export interface DispatcherOptions {
  /** `geo`: for messages and the call path. */
  readonly server: string;
  readonly handlers: readonly Handler[];
  readonly concurrency: number;
  readonly status: StatusCounters;
}

export interface Caller {
  readonly principal: string;
  /** Method indexes that this client may call; undefined: all. */
  readonly allowed: ReadonlySet<number> | undefined;
  readonly onBroken: (error: SkerryError) => void;
}

/** A server end that counts what waits in it. */
export interface CountingServerEnd extends ServerEnd {
  readonly unstarted: number;
}

/** How often the depth of the queue is counted while calls are started. */
const QUEUED_EVERY_MS = 0.5;
const QUIET_MS = 2;

export class Dispatcher {
  readonly options: DispatcherOptions;
  readonly #connections = new Set<Connection>();
  #running = 0;
  /** Reasons to hold everything back. */
  #settling = 0;
  #draining = false;
  #suspects = 0;
  /** A suspect has been asked for, or runs: nothing else starts. */
  #suspectRuns = false;
  #queuedAtMs = 0;

  constructor(options: DispatcherOptions) {
    this.options = options;
  }

  get running(): number {
    return this.#running;
  }

  connect(caller: Caller): Connection {
    return new Connection(this, caller);
  }

  /** Counts a connection from when it has its end; until then there is nothing to read. */
  join(connection: Connection): void {
    this.#connections.add(connection);
  }

  disconnect(connection: Connection): void {
    this.#connections.delete(connection);
    const { status } = this.options;
    status.queued = this.#queued();
    status.publish();
  }

  /** A successor holds all requests back until the predecessor's clients have settled. */
  hold(): void {
    this.#settling += 1;
  }

  release(): void {
    this.#settling -= 1;
    this.next();
  }

  /**
   * Serves what has been published, until nothing runs and nothing waits, or the time is over; starts nothing from then on. Nothing is
   * twice nothing, QUIET_MS apart: a call may be on its way while the order to stop has been faster.
   */
  async drain(longestMs: number): Promise<void> {
    const until = nowMs() + longestMs;
    for (let quiet = 0; quiet < 2 && nowMs() < until; ) {
      quiet = this.#running === 0 && this.#queued() === 0 ? quiet + 1 : 0;
      await new Promise((resolve) => {
        setTimeout(resolve, QUIET_MS);
      });
    }
    this.#draining = true;
  }

  ready(): boolean {
    return (
      this.#running < this.options.concurrency &&
      this.#suspects === 0 &&
      !this.#suspectRuns &&
      this.#settling === 0 &&
      !this.#draining
    );
  }

  /** Suspects came with a channel (positive), or were dropped (negative). */
  countSuspects(change: number): void {
    this.#suspects += change;
  }

  suspectAsked(): void {
    this.#suspects -= 1;
    this.#suspectRuns = true;
  }

  /** It left before it could be started. */
  suspectGone(): void {
    this.#suspectRuns = false;
  }

  starting(): void {
    this.#running += 1;
    const { status } = this.options;
    status.running = this.#running;
    status.started = (status.started + 1) | 0;
    status.publish();
  }

  countQueue(now: number): void {
    const { status } = this.options;
    if (now - this.#queuedAtMs >= QUEUED_EVERY_MS) {
      this.#queuedAtMs = now;
      status.queued = this.#queued();
    }
  }

  ended(failed: boolean): void {
    const wasFull = this.#running >= this.options.concurrency;
    this.#running -= 1;
    const { status } = this.options;
    status.running = this.#running;
    if (failed) status.failed = (status.failed + 1) | 0;
    if (this.#running === 0 || wasFull) {
      status.queued = this.#queued();
      if (this.#running === 0) {
        this.#suspectRuns = false;
      }
      this.next();
    }
    status.publish();
  }

  /** Looks what may start now. */
  next(): void {
    if (this.#settling > 0 || this.#draining || this.#suspectRuns) return;
    if (this.#suspects > 0) {
      if (this.#running === 0) for (const connection of this.#connections) if (connection.startSuspect()) return;
      return;
    }
    for (const connection of this.#connections) connection.end.resume();
  }

  #queued(): number {
    let queued = 0;
    for (const connection of this.#connections) queued += connection.end.unstarted;
    return queued;
  }
}

interface Running {
  readonly callId: number;
  readonly handler: Handler;
  answered: boolean;
  controller: AbortController | undefined;
  /** A stream that waits for credit. */
  onCredit: (() => void) | undefined;
}

/** One client's calls in this server. */
export class Connection implements ServerEvents {
  end!: CountingServerEnd;
  readonly #dispatcher: Dispatcher;
  readonly #caller: Caller;
  /** Suspects that have not been asked for; what the end says of itself may be a lie of the client. */
  #suspects = 0;
  /** A suspect of this client has been asked for and not come yet (over a stream it may still be on its way). */
  #suspectDue = false;
  /** By slot of the call id. */
  readonly #running: (Running | undefined)[] = new Array(CALLS_MAX).fill(undefined);
  #closed = false;
  #orphaned = false;

  constructor(dispatcher: Dispatcher, caller: Caller) {
    this.#dispatcher = dispatcher;
    this.#caller = caller;
  }

  use(end: CountingServerEnd): this {
    this.end = end;
    this.#dispatcher.join(this);
    this.#suspects = end.suspectsWaiting;
    this.#dispatcher.countSuspects(this.#suspects);
    return this;
  }

  ready(): boolean {
    return this.#dispatcher.ready();
  }

  startSuspect(): boolean {
    if (this.#suspects === 0) return false;
    this.#suspects -= 1;
    this.#dispatcher.suspectAsked();
    this.#suspectDue = true;
    this.end.startSuspect();
    return true;
  }

  onStart(): void {
    this.#suspectDue = false;
    this.#dispatcher.starting();
  }

  onRequest(kind: number, flags: number, method: number, callId: number, body: Decoder): void {
    let begun = false;
    try {
      const deadline = body.f64();
      const extra = readExtra(body, flags);
      const args = body.args();
      body.end();
      const handler = this.#dispatcher.options.handlers[method];
      const now = nowMs();
      this.#dispatcher.countQueue(now);
      if (this.#orphaned && kind === Kind.call) return;
      const refusal = this.#refuse(kind, handler, method, callId, deadline, now);
      if (refusal === undefined) {
        begun = true;
        this.#run(handler as Handler, kind === Kind.notify, callId, deadline, extra, args);
      } else if (kind === Kind.call) {
        this.#sendError(callId, refusal);
      }
    } finally {
      if (!begun) this.#dispatcher.ended(true);
    }
  }

  onControl(): void {
    for (const running of this.#running) {
      if (running === undefined) continue;
      if (this.end.isCancelled(running.callId)) {
        this.#abort(running, new SkerryError('SKERRY_ABORTED', `the caller gave up ${this.#label(running.handler)}`));
      } else {
        running.onCredit?.();
      }
    }
  }

  onUnsent(callId: number, error: SkerryError): void {
    this.#sendError(callId, error);
  }

  onCorrupt(error: SkerryError): void {
    this.close(error);
    this.#caller.onBroken(error);
  }

  /** The client is dead: its handlers' signals abort, its unstarted calls are dropped, notifications that it had published are run. */
  orphan(reason: SkerryError): void {
    if (this.#closed || this.#orphaned) return;
    if (this.end.orphan === undefined) return this.close(reason);
    this.#orphaned = true;
    this.#dispatcher.countSuspects(-this.#suspects);
    this.#suspects = 0;
    for (const running of this.#running) if (running !== undefined) this.#abort(running, reason);
    this.end.orphan(() => this.close(reason));
  }

  /** The channel is over or broken: its handlers' signals abort, what is unstarted is dropped. */
  close(reason: SkerryError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#dispatcher.disconnect(this);
    this.#dispatcher.countSuspects(-this.#suspects);
    if (this.#suspectDue) this.#dispatcher.suspectGone();
    this.end.close();
    for (const running of this.#running) if (running !== undefined) this.#abort(running, reason);
    this.#dispatcher.next();
  }

  #refuse(
    kind: number,
    handler: Handler | undefined,
    method: number,
    callId: number,
    deadline: number,
    now: number,
  ): SkerryError | undefined {
    const { server, handlers } = this.#dispatcher.options;
    if (kind !== Kind.call && kind !== Kind.notify) {
      throw new SkerryError(
        'SKERRY_CORRUPT',
        `${server} was sent a request of kind ${kind}; valid are ${Kind.call} and ${Kind.notify}`,
      );
    }
    if (handler === undefined) {
      const names = handlers.map((known) => known.name).join(', ');
      return new SkerryError('SKERRY_NOT_FOUND', `${server} has no method number ${method}; it has ${handlers.length}: ${names}`);
    }
    const { allowed } = this.#caller;
    if (allowed !== undefined && !allowed.has(method)) {
      return new SkerryError('SKERRY_DENIED', `${this.#caller.principal} may not call ${server}.${handler.name}`);
    }
    if (kind === Kind.call && this.end.isCancelled(callId)) {
      return new SkerryError('SKERRY_ABORTED', `${server}.${handler.name} was given up by its caller before it started`);
    }
    if (kind === Kind.call && this.#running[callId % CALLS_MAX] !== undefined) {
      throw new SkerryError('SKERRY_CORRUPT', `${server} was sent call ${callId} twice`);
    }
    if (deadline > 0 && deadline <= now) {
      return new SkerryError('SKERRY_TIMEOUT', `${server}.${handler.name} was not started before its deadline`, {
        maybeExecuted: false,
      });
    }
    return undefined;
  }

  #run(
    handler: Handler,
    isNotify: boolean,
    callId: number,
    deadline: number,
    extra: CallExtra | undefined,
    args: unknown[],
  ): void {
    const running: Running = { callId, handler, answered: isNotify, controller: undefined, onCredit: undefined };
    if (!isNotify) this.#running[callId % CALLS_MAX] = running;
    let result: unknown;
    try {
      if (handler.input !== undefined) {
        result = this.#checked(handler, handler.input, running, deadline, extra, args);
      } else {
        result = this.#invoke(handler, running, deadline, extra, args);
      }
    } catch (error) {
      this.#fail(running, error);
      return;
    }
    if (handler.stream) {
      this.#stream(running, result);
    } else if (isThenable(result)) {
      result.then(
        (value) => this.#finish(running, value),
        (error) => this.#fail(running, error),
      );
    } else {
      this.#finish(running, result);
    }
  }

  #checked(
    handler: Handler,
    input: InputSchema,
    running: Running,
    deadline: number,
    extra: CallExtra | undefined,
    args: unknown[],
  ): unknown {
    const checked = checkInput(input, args, this.#label(handler));
    if (!(checked instanceof Promise)) return this.#invoke(handler, running, deadline, extra, checked);
    if (!handler.stream) return checked.then((valid) => this.#invoke(handler, running, deadline, extra, valid));
    const connection = this;
    return (async function* () {
      yield* connection.#invoke(handler, running, deadline, extra, await checked) as AsyncIterable<unknown>;
    })();
  }

  #invoke(handler: Handler, running: Running, deadline: number, extra: CallExtra | undefined, args: readonly unknown[]): unknown {
    if (!callContextEnabled()) return handler.run(...args);
    const { server } = this.#dispatcher.options;
    const call = new ServedCall(server, handler.name, this.#caller.principal, deadline, extra, running);
    const result = runInCall(call, () => handler.run(...args));
    return handler.stream ? iterateInCall(call, result as AsyncIterable<unknown>) : result;
  }

  #finish(running: Running, value: unknown): void {
    if (!running.answered) {
      try {
        this.end.send(Kind.reply, running.callId, writeResult, value);
      } catch (error) {
        this.#fail(running, error);
        return;
      }
    }
    this.#done(running, false);
  }

  #fail(running: Running, error: unknown): void {
    if (!running.answered) this.#sendError(running.callId, error);
    this.#done(running, true);
  }

  #done(running: Running, failed: boolean): void {
    running.answered = true;
    this.#free(running);
    this.#dispatcher.ended(failed);
  }

  /** Answered: the client may use the slot again. */
  #free(running: Running): void {
    const slot = running.callId % CALLS_MAX;
    if (this.#running[slot] === running) this.#running[slot] = undefined;
  }

  #sendError(callId: number, error: unknown): void {
    try {
      this.end.send(
        Kind.error,
        callId,
        writeResult,
        error instanceof Error ? error : new Error(`a handler threw ${describe(error)}`),
      );
    } catch (unsendable) {
      const message = error instanceof Error ? error.message : String(error);
      const plain = new SkerryError(
        'SKERRY_UNSENDABLE',
        `the error of a handler could not travel (${(unsendable as Error).message}): ${message}`,
      );
      this.end.send(Kind.error, callId, writeResult, plain);
    }
  }

  /** Answers at once; the handler keeps its place until it settles, since only its author knows how to stop it. */
  #abort(running: Running, reason: SkerryError): void {
    if (!running.answered) {
      running.answered = true;
      this.#free(running);
      if (!this.#closed) this.#sendError(running.callId, reason);
    }
    running.controller?.abort(reason);
    running.onCredit?.();
  }

  async #stream(running: Running, result: unknown): Promise<void> {
    const { callId } = running;
    let sent = 0;
    try {
      const iterator = (result as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      for (;;) {
        while (!running.answered && (sent >= this.end.creditOf(callId) || this.end.blocked)) await this.#credit(running);
        if (running.answered) {
          await iterator.return?.();
          break;
        }
        const step = await iterator.next();
        if (running.answered) continue;
        if (step.done === true) {
          this.end.send(Kind.end, callId, writeResult, step.value);
          running.answered = true;
          break;
        }
        try {
          this.end.send(Kind.item, callId, writeResult, step.value);
        } catch (unsendable) {
          await iterator.return?.();
          throw unsendable;
        }
        sent += 1;
      }
      this.#done(running, false);
    } catch (error) {
      this.#fail(running, error);
    }
  }

  #credit(running: Running): Promise<void> {
    return new Promise((resolve) => {
      running.onCredit = () => {
        running.onCredit = undefined;
        resolve();
      };
    });
  }

  #label(handler: Handler): string {
    return `${this.#dispatcher.options.server}.${handler.name}`;
  }
}

/** What a handler can learn about its call; made for each call, costly parts only when asked for. */
class ServedCall implements CurrentCall {
  readonly method: string;
  readonly principal: string;
  readonly deadline: number;
  readonly #extra: CallExtra | undefined;
  readonly #running: Running;
  readonly #server: string;

  constructor(
    server: string,
    method: string,
    principal: string,
    deadline: number,
    extra: CallExtra | undefined,
    running: Running,
  ) {
    this.#server = server;
    this.method = method;
    this.principal = principal;
    this.deadline = deadline === 0 ? Number.POSITIVE_INFINITY : deadline;
    this.#extra = extra;
    this.#running = running;
  }

  get signal(): AbortSignal {
    this.#running.controller ??= new AbortController();
    return this.#running.controller.signal;
  }

  get remainingMs(): number {
    return Math.max(0, this.deadline - nowMs());
  }

  get trace(): string | undefined {
    return this.#extra?.trace;
  }

  get path(): readonly string[] {
    return [...(this.#extra?.path ?? []), this.#server];
  }
}

/** The body of a generator runs when an item is asked for: that, too, happens within its call. */
function iterateInCall(call: CurrentCall, iterable: AsyncIterable<unknown>): AsyncIterable<unknown> {
  const iterator = runInCall(call, () => iterable[Symbol.asyncIterator]());
  const within: AsyncIterator<unknown> = {
    next: () => runInCall(call, () => iterator.next()),
    return: () => runInCall(call, () => iterator.return?.() ?? Promise.resolve({ done: true, value: undefined })),
  };
  return { [Symbol.asyncIterator]: () => within };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value instanceof Promise ||
    (typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function')
  );
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `the string ${JSON.stringify(value)}` : `${typeof value} ${String(value)}`;
}
