// One client's calls in a server: requests become running handlers, their results answers.
//
// Rights and principal come from the kernel's introduction, never from a record. Invariant: `#running[slot]` is set from a call's start
// until it is answered; a handler that goes on after it was aborted is the dispatcher's to count, not this table's.

import { nowMs } from '../base/clock.ts';
import { SkerryError } from '../base/errors.ts';
import type { Decoder } from '../channel/codec/decoder.ts';
import type { ServerEnd, ServerEvents } from '../channel/transport.ts';
import { type BlackBox, CallState, TextKind } from '../memory/black-box.ts';
import { CALLS_MAX } from '../protocol/limits.ts';
import { Flag, Kind } from '../protocol/record.ts';
import { callContextEnabled, runInCall } from './call-context.ts';
import type { Handler } from './handler.ts';
import { checkInput, type InputSchema } from './input.ts';
import type { Running } from './running.ts';
import { iterateInCall, ServedCall } from './served-call.ts';
import { type CallExtra, readExtra, writeResult } from './wire.ts';

export interface Caller {
  /** Its name: for the black box. */
  readonly name?: string;
  readonly principal: string;
  /** Method indexes that this client may call; undefined: all. */
  readonly allowed: ReadonlySet<number> | undefined;
  readonly onBroken: (error: SkerryError) => void;
}

/** What a connection needs of its dispatcher. */
export interface ConnectionHost {
  readonly options: {
    readonly server: string;
    readonly handlers: readonly Handler[];
    readonly status: { readonly debugged: boolean };
  };
  readonly box: BlackBox;
  ready(): boolean;
  /** Something runs from now on. */
  starting(): void;
  ended(failed: boolean): void;
  /** Once each half millisecond. @returns whether it did: then this call's time is taken too. */
  countQueue(now: number): boolean;
  /** A handler has taken so long. */
  took(ms: number): void;
  countSuspects(change: number): void;
  suspectAsked(): void;
  suspectGone(): void;
  /** A stream waits for its consumer (1), or goes on (-1). */
  pause(change: number): void;
  /** A handler that was aborted goes on (1), or has ended at last (-1). */
  abandon(change: number): void;
  join(connection: Connection): void;
  disconnect(connection: Connection): void;
  /** Looks what may start now. */
  next(): void;
}

const SUSPECT_MS = 1000;

/** One client's calls in this server. */
export class Connection implements ServerEvents {
  end!: ServerEnd;
  readonly #dispatcher: ConnectionHost;
  readonly #caller: Caller;
  /** Suspects that have not been asked for; what the end says of itself may be a lie of the client. */
  #suspects = 0;
  /** A suspect of this client has been asked for and not come yet (over a stream it may still be on its way). */
  #suspectDue = false;
  #suspectTimer: NodeJS.Timeout | undefined;
  /** By slot of the call id. */
  readonly #running: (Running | undefined)[] = new Array(CALLS_MAX).fill(undefined);
  #closed = false;
  #orphaned = false;

  /** Among the clients of this instance. */
  readonly #number: number;

  constructor(dispatcher: ConnectionHost, caller: Caller, number: number) {
    this.#dispatcher = dispatcher;
    this.#caller = caller;
    this.#number = number;
  }

  use(end: ServerEnd): this {
    this.end = end;
    return this;
  }

  /** The kernel is sure to hear of this channel: from now on it is served. */
  join(): void {
    if (this.#closed) return;
    this.#dispatcher.join(this);
    this.#suspects = this.end.suspectsWaiting;
    this.#dispatcher.countSuspects(this.#suspects);
    this.#dispatcher.next();
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
    if (this.#suspectDue) this.#awaitSuspect();
    return true;
  }

  /** Everybody waits for a suspect: its bytes must come soon. */
  #awaitSuspect(): void {
    clearTimeout(this.#suspectTimer);
    this.#suspectTimer = setTimeout(() => {
      this.onCorrupt(new SkerryError('SKERRY_CORRUPT', `a suspect was announced and did not come within ${SUSPECT_MS} ms`));
    }, SUSPECT_MS).unref();
  }

  onStart(): void {
    if (this.#suspectDue) clearTimeout(this.#suspectTimer);
    this.#suspectDue = false;
    this.#dispatcher.starting();
  }

  onRequest(kind: number, flags: number, method: number, callId: number, body: Decoder, now: number): void {
    let args: unknown[] | undefined;
    let deadline = 0;
    let extra: CallExtra | undefined;
    try {
      deadline = body.f64();
      if ((flags & Flag.extra) !== 0) extra = readExtra(body);
      args = body.args();
      body.end();
    } catch (error) {
      this.#endUnbegun(error);
    }
    if (this.#orphaned && kind === Kind.call) this.#dispatcher.ended(true);
    else this.#start(kind, method, callId, deadline, extra, args as unknown[], now);
  }

  /** What was to run is no call at all. */
  #endUnbegun(error: unknown): never {
    this.#dispatcher.ended(true);
    throw error;
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
    clearTimeout(this.#suspectTimer);
    this.#dispatcher.disconnect(this);
    this.#dispatcher.countSuspects(-this.#suspects);
    if (this.#suspectDue) this.#dispatcher.suspectGone();
    this.end.close();
    for (const running of this.#running) if (running !== undefined) this.#abort(running, reason);
    this.#dispatcher.next();
  }

  /**
   * Runs the handler, or refuses the call. All in one, and so too large to be inlined: it is compiled by itself, with what it calls, and
   * so is the reading of the request.
   */
  #start(
    kind: number,
    method: number,
    callId: number,
    deadline: number,
    extra: CallExtra | undefined,
    args: unknown[],
    now: number,
  ): void {
    const host = this.#dispatcher;
    const { box } = host;
    const timed = host.countQueue(now) || box.traced;
    const entry = box.begin(method, this.#number, now);
    const isNotify = kind === Kind.notify;
    if (!isNotify && kind !== Kind.call) this.#endUnbegun(this.#badKind(kind));
    const slot = callId % CALLS_MAX;
    const handler = host.options.handlers[method];
    const { allowed } = this.#caller;
    let refusal: SkerryError | undefined;
    if (handler === undefined) refusal = this.#noMethod(method);
    else if (allowed !== undefined && !allowed.has(method)) refusal = this.#denied(handler);
    else if (!isNotify && this.end.isCancelled(callId)) refusal = this.#givenUp(handler);
    else if (!isNotify && this.#running[slot] !== undefined) this.#endUnbegun(this.#sentTwice(callId));
    else if (deadline > 0 && deadline <= now && !host.options.status.debugged) refusal = this.#late(handler);
    if (refusal !== undefined || handler === undefined) {
      box.end(entry, CallState.refused, 0);
      try {
        if (!isNotify) this.#sendError(callId, refusal);
      } finally {
        host.ended(true);
      }
      return;
    }
    const running: Running = {
      callId,
      handler,
      entry,
      timedFromMs: timed ? now : 0,
      answered: isNotify,
      abandoned: false,
      paused: false,
      done: false,
      controller: undefined,
      abortedFor: undefined,
      onCredit: undefined,
    };
    if (!isNotify) this.#running[slot] = running;
    let result: unknown;
    try {
      if (handler.input !== undefined) result = this.#checked(handler, handler.input, running, deadline, extra, args);
      else result = this.#invoke(handler, running, deadline, extra, args);
    } catch (error) {
      this.#fail(running, error);
      return;
    }
    if (handler.stream) {
      this.#stream(running, result);
      return;
    }
    const promise = promiseOf(result);
    if (promise !== undefined) this.#answerLater(running, promise);
    else this.#finish(running, result); // now: what a handler returns may be live state, and the next one changes it
  }

  #answerLater(running: Running, promise: PromiseLike<unknown>): void {
    promise.then(
      (value) => this.#finish(running, value),
      (error) => this.#fail(running, error),
    );
  }

  // The refusals in words: apart from the checks, which run for each call.

  #badKind(kind: number): SkerryError {
    const { server } = this.#dispatcher.options;
    return new SkerryError(
      'SKERRY_CORRUPT',
      `${server} was sent a request of kind ${kind}; valid are ${Kind.call} and ${Kind.notify}`,
    );
  }

  #noMethod(method: number): SkerryError {
    const { server, handlers } = this.#dispatcher.options;
    const names = handlers.map((known) => known.name).join(', ');
    return new SkerryError('SKERRY_NOT_FOUND', `${server} has no method number ${method}; it has ${handlers.length}: ${names}`);
  }

  #denied(handler: Handler): SkerryError {
    return new SkerryError('SKERRY_DENIED', `${this.#caller.principal} may not call ${this.#label(handler)}`);
  }

  #givenUp(handler: Handler): SkerryError {
    return new SkerryError('SKERRY_ABORTED', `${this.#label(handler)} was given up by its caller before it started`);
  }

  #sentTwice(callId: number): SkerryError {
    return new SkerryError('SKERRY_CORRUPT', `${this.#dispatcher.options.server} was sent call ${callId} twice`);
  }

  #late(handler: Handler): SkerryError {
    return new SkerryError('SKERRY_TIMEOUT', `${this.#label(handler)} was not started before its deadline`, {
      maybeExecuted: false,
    });
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
    if (!callContextEnabled()) return args.length === 1 ? handler.run(args[0]) : handler.run(...args);
    const { server } = this.#dispatcher.options;
    const call = new ServedCall(server, handler.name, this.#caller.principal, deadline, extra, running, this);
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
    this.#dispatcher.box.text(TextKind.error, `${running.handler.name}: ${describe(error)}`);
    if (!running.answered) this.#sendError(running.callId, error);
    this.#done(running, true);
  }

  #done(running: Running, failed: boolean): void {
    if (running.done) return;
    running.done = true;
    running.answered = true;
    const ms = running.timedFromMs > 0 ? nowMs() - running.timedFromMs : -1;
    if (ms >= 0 && !running.handler.stream) this.#dispatcher.took(ms);
    this.#dispatcher.box.end(running.entry, failed ? CallState.failed : CallState.answered, ms);
    if (running.abandoned) this.#dispatcher.abandon(-1);
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
      const why = `the error of a handler could not travel (${describe(unsendable)}): ${describe(error)}`;
      this.end.send(Kind.error, callId, writeResult, new SkerryError('SKERRY_UNSENDABLE', why));
    }
  }

  /** Answers at once; the handler keeps its place until it settles, since only its author knows how to stop it. */
  #abort(running: Running, reason: SkerryError): void {
    if (!running.answered) {
      this.pause(running, false); // it goes on, if only to its end: to be counted once
      running.answered = true;
      running.abandoned = true;
      this.#free(running);
      if (!this.#closed) this.#sendError(running.callId, reason);
      this.#dispatcher.abandon(1);
    }
    running.abortedFor ??= reason;
    running.controller?.abort(reason);
    running.onCredit?.();
  }

  /** A stream waits for what is not its own work, or goes on. One that was aborted is the dispatcher's to count, as abandoned. */
  pause(running: Running, on: boolean): void {
    if (running.paused === on || running.abandoned) return;
    running.paused = on;
    this.#dispatcher.pause(on ? 1 : -1);
  }

  async #stream(running: Running, result: unknown): Promise<void> {
    const { callId } = running;
    let sent = 0;
    try {
      const iterator = (result as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      for (;;) {
        while (!running.answered && (sent >= this.end.creditOf(callId) || this.end.blocked)) {
          const credit = this.#credit(running);
          this.pause(running, true); // may start others
          await credit;
          this.pause(running, false);
        }
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

/** The promise that a result is, or stands for. To touch an object can throw (a revoked Proxy, a getter of `then`): then it rejects. */
function promiseOf(value: unknown): Promise<unknown> | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    if (value instanceof Promise) return value;
    const { then } = value as { then?: unknown };
    if (typeof then !== 'function') return undefined;
    return new Promise((resolve, reject) => then.call(value, resolve, reject));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Whatever was thrown, in words; it may be a Proxy that throws at each touch. */
function describe(value: unknown): string {
  if (typeof value === 'string') return `the string ${JSON.stringify(value)}`;
  try {
    return value instanceof Error ? String(value.message) : `${typeof value} ${String(value)}`;
  } catch {
    return `${typeof value} that cannot be shown`;
  }
}
