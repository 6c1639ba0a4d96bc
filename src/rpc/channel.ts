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

import { SkerryError } from '../base/errors.ts';
import type { Decoder } from '../channel/codec/decoder.ts';
import { acquireEncoder, releaseEncoder } from '../channel/codec/encoder.ts';
import { type ClientEnd, type ClientEvents, NO_CALL, type Suspect } from '../channel/transport.ts';
import { CALLS_MAX, RECORD_MAX_BYTES, STREAM_CREDIT } from '../protocol/limits.ts';
import { Flag, Kind } from '../protocol/record.ts';
import type { DeadlineOwner, Deadlines } from './deadlines.ts';
import { decideFate } from './fate.ts';
import { StreamConsumer } from './stream-consumer.ts';
import { type CallExtra, writeCall, writeRaw } from './wire.ts';

/** One call, ready to be sent. */
export interface Request {
  /** `geo.nearest`: for messages. */
  readonly label: string;
  readonly method: number;
  readonly idempotent: boolean;
  /** Monotonic ms; 0: none. */
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly extra: CallExtra | undefined;
  readonly args: readonly unknown[];
  readonly encodedArgs: Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface DeathNotice {
  /** `SIGKILL`, `exit code 3`, `memory limit` … */
  readonly reason: string;
  /** The kernel ordered it: nobody is suspected. */
  readonly ordered: boolean;
  /** What the server said of itself before it ended. */
  readonly error?: unknown;
}

interface Pending {
  readonly callId: number;
  readonly request: Request;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly stream: StreamConsumer | undefined;
  /** Kept for idempotent calls: the whole payload. */
  readonly payload: Uint8Array | undefined;
  onAbort: (() => void) | undefined;
  deathsAlone: number;
  suspect: boolean;
  /** The caller has its outcome already. */
  givenUp: boolean;
}

export interface ChannelOptions {
  /** `geo.0`: for messages. */
  readonly name: string;
  readonly deadlines: Deadlines;
  /** Keeps the process alive while calls are pending. */
  readonly life: { hold(): void; drop(): void };
  /** The channel is beyond repair: close it, tell the kernel. */
  readonly onBroken: (error: SkerryError) => void;
}

const NEVER = Number.POSITIVE_INFINITY;
/** Calls in flight from which on each call looks whether the server is overloaded; below, every 16th does. */
const LOOK_ALWAYS = 48;

export class Channel implements ClientEvents, DeadlineOwner {
  readonly #options: ChannelOptions;
  readonly #pending: (Pending | undefined)[] = new Array(CALLS_MAX).fill(undefined);
  readonly #generation = new Uint32Array(CALLS_MAX);
  readonly #free: number[] = [];
  #end!: ClientEnd;
  #inFlight = 0;
  #looks = 0;
  #closed: SkerryError | undefined;
  /** From the handshake. */
  queueMax = NEVER;

  constructor(options: ChannelOptions) {
    this.#options = options;
    for (let slot = CALLS_MAX - 1; slot >= 0; slot--) this.#free.push(slot);
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

  call(request: Request): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#send(request, resolve, reject, undefined);
    });
  }

  /** Starts a stream; its items are taken from the consumer. */
  stream(request: Request): StreamConsumer {
    const consumer = new StreamConsumer(request, {
      onCredit: (total) => this.#end.credit(callId, total),
      onReturn: () => this.#giveUp(callId),
      note: (deadline) => this.#options.deadlines.note(deadline),
    });
    const callId = this.#send(
      request,
      () => {},
      (error) => consumer.fail(error),
      consumer,
    );
    return consumer;
  }

  /** Resolves when the notification has been published; it has no answer. */
  notify(request: Request): Promise<void> {
    return new Promise((resolve, reject) => {
      try {
        this.#checkOpen(request);
        if (this.#end.send(Kind.notify, flagsOf(request), request.method, NO_CALL, writeCall, request, resolve)) resolve();
      } catch (error) {
        reject(error);
      }
    });
  }

  onRecord(kind: number, _flags: number, callId: number, body: Decoder): void {
    const slot = callId % CALLS_MAX;
    const pending = this.#pending[slot];
    if (pending === undefined || pending.callId !== callId) return; // settled long ago
    const { stream } = pending;
    switch (kind) {
      case Kind.reply: {
        const value = body.value();
        this.#settle(slot, pending);
        if (!pending.givenUp) pending.resolve(value);
        return;
      }
      case Kind.error: {
        const error = body.value();
        this.#settle(slot, pending);
        if (!pending.givenUp) pending.reject(error);
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
    throw new SkerryError('SKERRY_CORRUPT', `${this.name} answered call ${callId} (${pending.request.label}) with a record of kind ${kind}`);
  }

  onUnsent(callId: number, error: SkerryError): void {
    const slot = callId % CALLS_MAX;
    const pending = this.#pending[slot];
    if (pending === undefined || pending.callId !== callId) return;
    this.#settle(slot, pending);
    if (!pending.givenUp) pending.reject(error);
  }

  onCorrupt(error: SkerryError): void {
    this.close(error);
    this.#options.onBroken(error);
  }

  expire(now: number): number {
    let next = NEVER;
    if (this.#inFlight === 0) return next;
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending === undefined || pending.givenUp) continue;
      const deadline = pending.stream === undefined ? pending.request.deadline : pending.stream.deadline;
      if (deadline === 0) continue;
      if (deadline <= now) this.#giveUpWith(slot, pending, timeoutError(pending.request, this.name));
      else if (deadline < next) next = deadline;
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
    const again: Pending[] = [];
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending === undefined) continue;
      const started = this.#end.fateOf(pending.callId) === 'started';
      if (pending.givenUp) {
        if (started) this.#settle(slot, pending);
        continue;
      }
      if (started && alone && !death.ordered) pending.deathsAlone += 1;
      const { request, stream, payload } = pending;
      const outcome = decideFate({
        started,
        idempotent: request.idempotent,
        stream: stream !== undefined,
        deathsAlone: pending.deathsAlone,
        ordered: death.ordered,
      });
      if (outcome === 'suspect' || (outcome === 'carry' && pending.suspect)) {
        pending.suspect = true;
        if (payload !== undefined) suspects.push({ callId: pending.callId, method: request.method, payload, flags: flagsOf(request) });
      } else if (outcome === 'again') {
        again.push(pending);
      } else if (outcome === 'poison') {
        this.#settle(slot, pending);
        pending.reject(poisonError(pending, this.name, death));
      } else if (outcome === 'reject') {
        this.#settle(slot, pending);
        pending.reject(diedError(request, this.name, death));
      }
    }
    this.#end.carry(suspects);
    for (const pending of again) {
      pending.suspect = false;
      this.#end.settled(pending.callId);
      const { request, payload } = pending;
      if (payload !== undefined) this.#end.send(Kind.call, flagsOf(request), request.method, pending.callId, writeRaw, payload);
    }
    return suspects;
  }

  /** No successor comes: rejects what is pending, and all that follows until `up`. */
  down(error: SkerryError): void {
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending !== undefined && !pending.givenUp) this.#giveUpWith(slot, pending, error);
    }
  }

  close(error: SkerryError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#options.deadlines.remove(this);
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending === undefined) continue;
      this.#settle(slot, pending);
      if (!pending.givenUp) pending.reject(error);
    }
    this.#end.close();
  }

  #checkOpen(request: Request): void {
    if (this.#closed !== undefined) throw this.#closed;
    this.#looks += 1;
    if (this.#inFlight < LOOK_ALWAYS && (this.#looks & 15) !== 1) return;
    const { peerQueue, unstarted } = this.#end;
    if (peerQueue < this.queueMax && unstarted < this.queueMax) return;
    throw busyError(request, this.name, `${Math.max(peerQueue, unstarted)} calls wait there unstarted; its queueMax is ${this.queueMax}`);
  }

  #send(request: Request, resolve: (value: unknown) => void, reject: (error: unknown) => void, stream: StreamConsumer | undefined): number {
    const slot = this.#free.pop();
    try {
      if (slot === undefined) throw busyError(request, this.name, `${CALLS_MAX} calls of this client are in flight there`);
      this.#checkOpen(request);
      const { signal } = request;
      if (signal?.aborted === true) throw abortError(request, signal);
      const generation = ((this.#generation[slot] as number) + 1) & 0x1f_ffff;
      this.#generation[slot] = generation;
      const callId = (generation * CALLS_MAX + slot) >>> 0;
      let payload: Uint8Array | undefined;
      if (stream !== undefined) this.#end.credit(callId, STREAM_CREDIT);
      if (request.idempotent) {
        payload = encodeCall(request);
        this.#end.send(Kind.call, flagsOf(request), request.method, callId, writeRaw, payload);
      } else {
        this.#end.send(Kind.call, flagsOf(request), request.method, callId, writeCall, request);
      }
      const pending: Pending = {
        callId,
        request,
        resolve,
        reject,
        stream,
        payload,
        onAbort: undefined,
        deathsAlone: 0,
        suspect: false,
        givenUp: false,
      };
      this.#pending[slot] = pending;
      this.#inFlight += 1;
      this.#options.life.hold();
      if (request.deadline !== 0) this.#options.deadlines.note(request.deadline);
      if (signal !== undefined) {
        pending.onAbort = () => this.#giveUpWith(slot, pending, abortError(request, signal));
        signal.addEventListener('abort', pending.onAbort, { once: true });
      }
      return callId;
    } catch (error) {
      if (slot !== undefined) this.#free.push(slot);
      reject(error);
      return NO_CALL;
    }
  }

  #settle(slot: number, pending: Pending): void {
    this.#pending[slot] = undefined;
    this.#free.push(slot);
    this.#inFlight -= 1;
    this.#end.settled(pending.callId);
    this.#unlisten(pending);
    if (!pending.givenUp) this.#options.life.drop();
  }

  #giveUpWith(slot: number, pending: Pending, error: SkerryError): void {
    if (this.#pending[slot] !== pending || pending.givenUp) return;
    this.#cancel(slot, pending);
    pending.reject(error);
  }

  #giveUp(callId: number): void {
    const slot = callId % CALLS_MAX;
    const pending = this.#pending[slot];
    if (pending !== undefined && pending.callId === callId && !pending.givenUp) this.#cancel(slot, pending);
  }

  #cancel(slot: number, pending: Pending): void {
    if (this.#end.cancel(pending.callId)) {
      this.#settle(slot, pending);
      return;
    }
    pending.givenUp = true;
    this.#unlisten(pending);
    this.#options.life.drop();
  }

  #unlisten(pending: Pending): void {
    if (pending.onAbort !== undefined) pending.request.signal?.removeEventListener('abort', pending.onAbort);
    pending.onAbort = undefined;
  }
}

function flagsOf(request: Request): number {
  return request.extra === undefined ? 0 : Flag.extra;
}

function encodeCall(request: Request): Uint8Array {
  const encoder = acquireEncoder();
  try {
    encoder.beginScratch(RECORD_MAX_BYTES);
    writeCall(encoder, request);
    return encoder.bytes.slice(0, encoder.position);
  } finally {
    releaseEncoder(encoder);
  }
}

export function timeoutError(request: Pick<Request, 'label' | 'timeoutMs'>, server: string): SkerryError {
  const after = request.timeoutMs > 0 ? ` within ${Math.round(request.timeoutMs)} ms` : ' before the deadline of the call it was made in';
  return new SkerryError('SKERRY_TIMEOUT', `${request.label} on ${server} did not answer${after}`, {
    maybeExecuted: true,
    data: { server, call: request.label, timeoutMs: request.timeoutMs },
  });
}

export function abortError(request: Pick<Request, 'label'>, signal: AbortSignal): SkerryError {
  return new SkerryError('SKERRY_ABORTED', `${request.label} was aborted by its caller`, { cause: signal.reason });
}

function busyError(request: Request, server: string, why: string): SkerryError {
  return new SkerryError('SKERRY_BUSY', `${request.label} was not sent to ${server}: ${why}`, { maybeExecuted: false, data: { server } });
}

function diedError(request: Request, server: string, death: DeathNotice): SkerryError {
  return new SkerryError('SKERRY_SERVER_DIED', `${server} died (${death.reason}) while it ran ${request.label}; the call may have taken effect`, {
    maybeExecuted: true,
    data: { server, call: request.label, reason: death.reason },
    ...(death.error === undefined ? {} : { cause: death.error }),
  });
}

function poisonError(pending: Pending, server: string, death: DeathNotice): SkerryError {
  const { label } = pending.request;
  return new SkerryError('SKERRY_POISON', `${label} was alone in ${server} when it died, ${pending.deathsAlone} times (last: ${death.reason})`, {
    maybeExecuted: true,
    data: { server, call: label, reason: death.reason, deaths: pending.deathsAlone },
  });
}
