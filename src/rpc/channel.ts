// The client's side of one channel: calls in flight, their answers, deadlines and fates. It stands on a ClientEnd and outlives the
// instances behind it.
//
//   free slot ──call──▶ pending ──answer, error, deadline, abort──▶ settled ──▶ free slot
//                          │ cancelled after being published: the caller has its outcome, the slot stays taken until the server
//                          ▼ answers too, so that the cancel cannot hit a later call of the same slot
//                        given up
//
// Invariant: a slot is free exactly when `#pending[slot]` is undefined; every pending call is settled by an answer, its deadline, an
// abort, `died`, `down` or `close`: nothing waits for ever.

import { SkerryError, withoutStack } from '../base/errors.ts';
import type { Life } from '../base/life.ts';
import type { Decoder } from '../channel/codec/decoder.ts';
import { encodeRecord } from '../channel/encode-record.ts';
import { type ClientEnd, type ClientEvents, NO_CALL, type Suspect } from '../channel/transport.ts';
import { CALLS_MAX, QUEUE_MAX, STREAM_CREDIT } from '../protocol/limits.ts';
import { Flag, Kind } from '../protocol/record.ts';
import { onAbort } from './abort-listeners.ts';
import type { Call, CallRequest } from './call.ts';
import type { DeadlineOwner, Deadlines } from './deadlines.ts';
import { decideFate } from './fate.ts';
import { StreamConsumer } from './stream-consumer.ts';
import { writeCall, writeRaw } from './wire.ts';

export interface DeathNotice {
  /** `SIGKILL`, `exit code 3`, `memory limit` … */
  readonly reason: string;
  /** The kernel ordered it: nobody is suspected. */
  readonly ordered: boolean;
  /** What the server said of itself before it ended. */
  readonly error?: unknown;
}

export interface ChannelOptions {
  /** `geo.0`: for messages. */
  readonly name: string;
  readonly deadlines: Deadlines;
  /** Keeps the process alive while calls are pending. */
  readonly life: Life;
  /** The channel is beyond repair: close it, tell the kernel. */
  readonly onBroken: (error: SkerryError) => void;
  /** How many calls each slot is taken to have had: ids recur after 2^21 - 1. For tests; default 0. */
  readonly generation?: number;
  /** A call is about to be rejected with SKERRY_POISON. */
  readonly onPoison?: (call: PoisonousCall) => void;
}

export interface PoisonousCall {
  /** `geo.nearest` */
  readonly label: string;
  /** The whole, with an extra if `hasExtra`. */
  readonly payload: Uint8Array;
  readonly hasExtra: boolean;
  readonly deaths: number;
  readonly reason: string;
}

const NEVER = Number.POSITIVE_INFINITY;
/** How soon the deadlines of a server that a debugger may hold are looked at again. */
const DEBUGGED_LOOK_MS = 1000;

export class Channel implements ClientEvents, DeadlineOwner {
  readonly #options: ChannelOptions;
  readonly #pending: (Call | undefined)[] = new Array(CALLS_MAX).fill(undefined);
  readonly #generation = new Uint32Array(CALLS_MAX);
  readonly #free: number[] = [];
  #end!: ClientEnd;
  /** Notifications that could not be published yet: told when they are, or cannot be. */
  readonly #waitingNotes = new Set<(error?: SkerryError) => void>();
  #inFlight = 0;
  #looks = 0;
  #closed: SkerryError | undefined;
  /** From the handshake. */
  queueMax = QUEUE_MAX;
  #crowded = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    for (let slot = CALLS_MAX - 1; slot >= 0; slot--) this.#free.push(slot);
    this.#generation.fill(options.generation ?? 0);
    options.deadlines.add(this);
  }

  /** The transport is made with this channel as its events, so it comes second. */
  use(end: ClientEnd): this {
    this.#end = end;
    return this;
  }

  get name(): string {
    return this.#options.name;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Calls waiting and running at this server: what balancing goes by. */
  get load(): number {
    return Math.max(this.#end.peerLoad, this.#inFlight);
  }

  call(call: Call): Promise<unknown> {
    const promise = new Promise<unknown>(takeFunctions);
    call.resolve = takenResolve;
    call.reject = takenReject;
    takenResolve = takenReject = keepNothing; // they hold the promise, and with it the answer
    this.#send(call);
    return promise;
  }

  /** Starts a stream; its items are taken from the consumer. */
  stream(call: Call): AsyncIterableIterator<unknown> {
    const consumer = new StreamConsumer(call, {
      onCredit: (total) => this.#end.credit(call.callId, total),
      onReturn: () => this.#giveUp(call.callId),
      onWaiting: (waiting) => (waiting ? this.#options.life.hold() : this.#options.life.drop()),
      note: (deadline) => this.#options.deadlines.note(deadline),
    });
    call.stream = consumer;
    call.reject = (error) => consumer.fail(error);
    this.#send(call);
    return consumer.handle();
  }

  /** Resolves when the notification has been published; it has no answer. */
  notify(request: CallRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      try {
        this.#checkOpen(request);
        let timer: NodeJS.Timeout | undefined;
        let settled = false;
        const placed = (error?: SkerryError) => {
          settled = true;
          clearTimeout(timer);
          this.#waitingNotes.delete(placed);
          if (error === undefined) resolve();
          else reject(error.maybeExecuted === undefined ? withFate(error, false) : error); // it never left this process
        };
        if (this.#end.send(Kind.notify, flagsOf(request), request.method, NO_CALL, writeCall, request, placed)) return resolve();
        if (settled) return; // queued, and out again, within `send`
        this.#waitingNotes.add(placed);
        const { timeoutMs } = request;
        if (timeoutMs > 0) timer = setTimeout(() => placed(timeoutError(request, this.name, true)), timeoutMs).unref();
      } catch (error) {
        reject(error);
      }
    });
  }

  onRecord(kind: number, _flags: number, callId: number, body: Decoder): void {
    const slot = callId % CALLS_MAX;
    const pending = this.#pending[slot];
    if (pending === undefined || pending.callId !== callId) return; // settled long ago
    if (kind === Kind.reply && pending.stream === undefined) {
      const value = body.value();
      this.#settle(slot, pending);
      if (!pending.givenUp) pending.resolve(value);
    } else this.#onOther(kind, slot, pending, body);
  }

  #onOther(kind: number, slot: number, pending: Call, body: Decoder): void {
    const { stream } = pending;
    switch (kind) {
      case Kind.error: {
        const error = body.value();
        if (!(error instanceof Error)) break;
        this.#settle(slot, pending);
        if (!pending.givenUp) pending.reject(pending.mayHaveRun ? startedBefore(error) : error);
        return;
      }
      case Kind.item: {
        if (stream === undefined) break;
        if (!pending.givenUp) stream.push(body.value());
        return;
      }
      case Kind.end: {
        if (stream === undefined) break;
        const value = body.value();
        this.#settle(slot, pending);
        if (!pending.givenUp) stream.finish(value);
        return;
      }
    }
    throw new SkerryError(
      'SKERRY_CORRUPT',
      `${this.name} answered call ${pending.callId} (${pending.label}) with a record of kind ${kind}`,
    );
  }

  onUnsent(callId: number, error: SkerryError): void {
    const slot = callId % CALLS_MAX;
    const pending = this.#pending[slot];
    if (pending === undefined || pending.callId !== callId) return;
    this.#settle(slot, pending);
    if (!pending.givenUp) pending.reject(withFate(error, pending.mayHaveRun));
  }

  onCorrupt(error: SkerryError): void {
    this.close(error);
    this.#options.onBroken(error);
  }

  expire(now: number): number {
    let next = NEVER;
    if (this.#inFlight === 0) return next;
    if (this.#end.peerDebugged === true) return now + DEBUGGED_LOOK_MS;
    let looked = false;
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending === undefined || pending.givenUp) continue;
      const deadline = earlier(pending.deadline, pending.stream?.deadline ?? 0);
      if (deadline === 0) continue;
      if (deadline > now) {
        if (deadline < next) next = deadline;
        continue;
      }
      // The answer may be here, and nobody was woken for it.
      if (!looked) this.#end.look?.();
      looked = true;
      this.#giveUpWith(slot, pending, (maybe) => timeoutError(pending, this.name, maybe));
    }
    return next;
  }

  /**
   * The instance behind this channel is dead and reaped. Delivers what it had answered, decides the fate of the rest.
   * @returns the calls to be sent to the successor as suspects.
   */
  died(death: DeathNotice): Suspect[] {
    this.#end.freeze();
    const alone = this.#end.peerRunning === 1;
    const suspects: Suspect[] = [];
    const again: Call[] = [];
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending === undefined) continue;
      const started = this.#end.fateOf(pending.callId) === 'started';
      if (pending.givenUp) {
        if (started || pending.suspect) this.#settle(slot, pending); // a suspect is not sent again
        continue;
      }
      if (started) pending.mayHaveRun = true;
      if (started && alone && !death.ordered) pending.deathsAlone += 1;
      const { stream, payload } = pending;
      const outcome = decideFate({
        started,
        idempotent: pending.idempotent,
        stream: stream !== undefined,
        deathsAlone: pending.deathsAlone,
        ordered: death.ordered,
      });
      if (outcome === 'suspect' || (outcome === 'carry' && pending.suspect)) {
        pending.suspect = true;
        if (payload !== undefined)
          suspects.push({ callId: pending.callId, method: pending.method, payload, flags: flagsOf(pending) });
      } else if (outcome === 'again') {
        again.push(pending);
      } else if (outcome === 'poison') {
        this.#settle(slot, pending);
        const { label, deathsAlone: deaths, extra } = pending;
        if (payload !== undefined)
          this.#options.onPoison?.({ label, payload, hasExtra: extra !== undefined, deaths, reason: death.reason });
        pending.reject(poisonError(pending, this.name, death));
      } else if (outcome === 'reject') {
        this.#settle(slot, pending);
        pending.reject(diedError(pending, this.name, death));
      }
    }
    this.#end.carry(suspects);
    for (const pending of again) {
      pending.suspect = false;
      this.#end.settled(pending.callId);
      const { callId, method, payload } = pending;
      if (payload !== undefined) this.#end.send(Kind.call, flagsOf(pending), method, callId, writeRaw, payload);
    }
    return suspects;
  }

  /** No successor comes: rejects what is pending, and all that follows until `up`. */
  down(error: SkerryError): void {
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending !== undefined && !pending.givenUp) this.#giveUpWith(slot, pending, (maybe) => withFate(error, maybe));
    }
    for (const placed of [...this.#waitingNotes]) placed(withFate(error, true)); // they may be run after all, if one comes
  }

  close(error: SkerryError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#options.deadlines.remove(this);
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending === undefined) continue;
      const hasLeft = !this.#end.cancel(pending.callId); // what had not left this process was not executed
      this.#settle(slot, pending);
      if (!pending.givenUp) pending.reject(withFate(error, hasLeft || pending.mayHaveRun));
    }
    this.#end.close();
  }

  /** Looks at the server's queue at every 16th call, and at each when there is much in flight or it was seen to be long. */
  #checkOpen(request: CallRequest): void {
    if (this.#closed !== undefined) throw this.#closed;
    this.#looks += 1;
    if ((this.#looks & 15) === 1 || this.#crowded || this.#inFlight >= this.queueMax >> 1) this.#checkQueue(request);
  }

  #checkQueue(request: CallRequest): void {
    const { peerQueue, unstarted } = this.#end;
    this.#crowded = peerQueue > this.queueMax >> 1;
    if (peerQueue >= this.queueMax || unstarted >= this.queueMax) this.#refuse(request, Math.max(peerQueue, unstarted));
  }

  #refuse(request: CallRequest, waiting: number): never {
    throw busyError(request, this.name, `${waiting} calls wait there unstarted; its queueMax is ${this.queueMax}`);
  }

  /** What is rare stands in methods of its own: a closure in here would cost each call a context, and this should stay small. */
  #send(call: Call): void {
    if (this.#free.length === 0) this.#end.look?.(); // a burst of calls: some of them may have been answered meanwhile
    const slot = this.#free.pop();
    try {
      if (slot === undefined) throw busyError(call, this.name, `${CALLS_MAX} calls of this client are in flight there`);
      this.#checkOpen(call);
      const { signal } = call;
      if (signal?.aborted === true) throw abortError(call, signal, false);
      const generation = ((this.#generation[slot] as number) % 0x1f_ffff) + 1; // never 0: no call has the id 0
      this.#generation[slot] = generation;
      const callId = (generation * CALLS_MAX + slot) | 0; // below 2^31; an integer also to the compiler
      call.callId = callId;
      if (signal !== undefined) this.#listen(slot, call, signal);
      if (call.stream !== undefined) this.#end.credit(callId, STREAM_CREDIT);
      if (call.idempotent) this.#sendKept(call);
      else this.#end.send(Kind.call, flagsOf(call), call.method, callId, writeCall, call);
      this.#pending[slot] = call;
      this.#inFlight += 1;
      if (call.stream === undefined) this.#options.life.hold();
      if (call.deadline !== 0) this.#options.deadlines.note(call.deadline);
    } catch (error) {
      this.#failUnsent(slot, call, error);
      return;
    }
    const { signal } = call;
    if (signal?.aborted === true) this.#giveUpAborted(slot, call, signal); // by a getter
  }

  #listen(slot: number, call: Call, signal: AbortSignal): void {
    call.unlisten = onAbort(signal, () => this.#giveUpAborted(slot, call, signal));
  }

  #giveUpAborted(slot: number, call: Call, signal: AbortSignal): void {
    this.#giveUpWith(slot, call, (maybe) => abortError(call, signal, maybe));
  }

  /** An idempotent call, which may have to be sent again. */
  #sendKept(call: Call): void {
    call.payload = encodeRecord(writeCall, call);
    this.#end.send(Kind.call, flagsOf(call), call.method, call.callId, writeRaw, call.payload);
  }

  /** Nothing was sent: what can throw stands before the record is published. */
  #failUnsent(slot: number | undefined, call: Call, error: unknown): void {
    this.#unlisten(call);
    if (slot !== undefined) this.#free.push(slot);
    call.reject(error instanceof SkerryError && error.maybeExecuted === undefined ? withFate(error, false) : error);
  }

  #settle(slot: number, pending: Call): void {
    this.#pending[slot] = undefined;
    this.#free.push(slot);
    this.#inFlight -= 1;
    this.#end.settled(pending.callId);
    this.#unlisten(pending);
    if (!pending.givenUp && pending.stream === undefined) this.#options.life.drop();
  }

  #giveUpWith(slot: number, pending: Call, makeError: (maybeExecuted: boolean) => SkerryError): void {
    if (this.#pending[slot] !== pending || pending.givenUp) return;
    pending.reject(makeError(this.#cancel(slot, pending)));
  }

  #giveUp(callId: number): void {
    const slot = callId % CALLS_MAX;
    const pending = this.#pending[slot];
    if (pending !== undefined && pending.callId === callId && !pending.givenUp) this.#cancel(slot, pending);
  }

  /** @returns whether a server may have executed it: false when it had never left this process. */
  #cancel(slot: number, pending: Call): boolean {
    if (this.#end.cancel(pending.callId)) {
      this.#settle(slot, pending);
      return pending.mayHaveRun;
    }
    pending.givenUp = true;
    this.#unlisten(pending);
    if (pending.stream === undefined) this.#options.life.drop();
    return true;
  }

  #unlisten(pending: Call): void {
    pending.unlisten?.();
    pending.unlisten = undefined;
  }
}

function keepNothing(): void {}

let takenResolve: (value: unknown) => void = keepNothing;
let takenReject: (error: unknown) => void = keepNothing;

/** What every call's promise is made with: a function of its own for each would cost it a tenth of its memory. */
function takeFunctions(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  takenResolve = resolve;
  takenReject = reject;
}

function flagsOf(request: CallRequest): number {
  return request.extra === undefined ? 0 : Flag.extra;
}

export function timeoutError(
  request: Pick<CallRequest, 'label' | 'timeoutMs'>,
  server: string,
  maybeExecuted: boolean,
): SkerryError {
  const after =
    request.timeoutMs > 0 ? ` within ${Math.round(request.timeoutMs)} ms` : ' before the deadline of the call it was made in';
  return new SkerryError('SKERRY_TIMEOUT', `${request.label} on ${server} did not answer${after}`, {
    maybeExecuted,
    data: { server, call: request.label, timeoutMs: request.timeoutMs },
  });
}

export function abortError(request: Pick<CallRequest, 'label'>, signal: AbortSignal, maybeExecuted: boolean): SkerryError {
  return new SkerryError('SKERRY_ABORTED', `${request.label} was aborted by its caller`, { cause: signal.reason, maybeExecuted });
}

/** The same error for one call: with its fate. */
export function withFate(error: SkerryError, maybeExecuted: boolean): SkerryError {
  return new SkerryError(error.code, error.message, {
    cause: error.cause ?? error,
    maybeExecuted,
    ...(error.data === undefined ? {} : { data: error.data }),
  });
}

/** What the second instance has not executed the first one may have. */
function startedBefore(error: Error): Error {
  return error instanceof SkerryError && error.maybeExecuted === false ? withFate(error, true) : error;
}

/** 0 is none. */
function earlier(a: number, b: number): number {
  return a === 0 || (b !== 0 && b < a) ? b : a;
}

/** Without a stack: to refuse must cost less than to serve, or an overload feeds itself. */
function busyError(request: CallRequest, server: string, why: string): SkerryError {
  const message = `${request.label} was not sent to ${server}: ${why}`;
  return withoutStack(() => new SkerryError('SKERRY_BUSY', message, { maybeExecuted: false, data: { server } }));
}

function diedError(request: CallRequest, server: string, death: DeathNotice): SkerryError {
  return new SkerryError(
    'SKERRY_SERVER_DIED',
    `${server} died (${death.reason}) while it ran ${request.label}; the call may have taken effect`,
    {
      maybeExecuted: true,
      data: { server, call: request.label, reason: death.reason },
      ...(death.error === undefined ? {} : { cause: death.error }),
    },
  );
}

function poisonError(pending: Call, server: string, death: DeathNotice): SkerryError {
  const { label } = pending;
  return new SkerryError(
    'SKERRY_POISON',
    `${label} was alone in ${server} when it died, ${pending.deathsAlone} times (last: ${death.reason})`,
    {
      maybeExecuted: true,
      data: { server, call: label, reason: death.reason, deaths: pending.deathsAlone },
    },
  );
}
