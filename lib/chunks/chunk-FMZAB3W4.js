import {
  Decoder,
  Flag,
  HEADER_BYTES,
  Kind,
  NO_CALL,
  Overflow,
  acquireEncoder,
  checkWord,
  encodeRecord,
  headWord,
  nowMs,
  recordBytes,
  releaseEncoder
} from "./chunk-YQHLNBTX.js";
import {
  CALLS_MAX,
  INTRODUCTION_MS,
  POISON_AFTER,
  QUEUE_MAX,
  RECORD_MAX_BYTES,
  RING_FIRST_BYTES,
  RING_MAX_BYTES,
  SETTLE_MS,
  STREAM_CREDIT,
  TURN_MS,
  TURN_RECORDS
} from "./chunk-JSCQ27LA.js";
import {
  REGION_HEADER_BYTES,
  RegionKind,
  SPEAKS,
  SeqpacketPort,
  createRegion,
  mapRegion,
  pageAlign
} from "./chunk-HUMIZ7MG.js";
import {
  FAULT_WORDS_OFFSET,
  LOOP_WORDS_OFFSET,
  STATUS_REGION_BYTES,
  StatusCounters,
  StatusWord,
  readStatus
} from "./chunk-JFLBLH7Q.js";
import {
  SkerryError,
  isErrorCode
} from "./chunk-ER36CW7I.js";

// dist/src/base/deferred.js
function deferred() {
  let resolve;
  let reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

// dist/src/link/to-error.js
function toError(info) {
  const code = info.code !== void 0 && isErrorCode(info.code) ? info.code : "SKERRY_INIT";
  const cause = new Error(info.message);
  cause.name = info.name;
  if (info.stack !== void 0)
    cause.stack = info.stack;
  return new SkerryError(code, info.message, { cause });
}

// dist/src/protocol/control.js
function errorInfo(error) {
  if (error instanceof Error) {
    const { code } = error;
    return {
      name: error.name,
      code: typeof code === "string" ? code : void 0,
      message: clip(error.message, 8192),
      stack: error.stack === void 0 ? void 0 : clip(error.stack, 16384)
    };
  }
  return { name: "Error", message: clip(String(error), 8192) };
}
function clip(text, length) {
  return text.length <= length ? text : `${text.slice(0, length)} \u2026 (${text.length - length} characters more)`;
}

// dist/src/rpc/deadlines.js
var Deadlines = class {
  #owners = /* @__PURE__ */ new Set();
  #at = Number.POSITIVE_INFINITY;
  #timer;
  add(owner) {
    this.#owners.add(owner);
  }
  remove(owner) {
    this.#owners.delete(owner);
  }
  note(deadline) {
    if (deadline < this.#at)
      this.#arm(deadline);
  }
  #arm(deadline) {
    clearTimeout(this.#timer);
    this.#at = deadline;
    if (deadline === Number.POSITIVE_INFINITY)
      return;
    const delay = Math.min(Math.max(0, Math.ceil(deadline - nowMs())), 2147483647);
    this.#timer = setTimeout(this.#fire, delay);
    this.#timer.unref();
  }
  #fire = () => {
    const now = nowMs();
    let next = Number.POSITIVE_INFINITY;
    this.#at = next;
    for (const owner of this.#owners)
      next = Math.min(next, owner.expire(now));
    this.#arm(Math.min(next, this.#at));
  };
};

// dist/src/rpc/abort-listeners.js
var listeners = /* @__PURE__ */ new WeakMap();
function onAbort(signal, hear) {
  let heard = listeners.get(signal);
  if (heard === void 0) {
    const all = /* @__PURE__ */ new Set();
    heard = all;
    listeners.set(signal, all);
    signal.addEventListener("abort", () => {
      listeners.delete(signal);
      for (const one of [...all])
        one();
    }, { once: true });
  }
  const own = heard;
  own.add(hear);
  return () => own.delete(hear);
}

// dist/src/rpc/fate.js
function decideFate(call) {
  if (!call.started)
    return "carry";
  if (!call.idempotent || call.stream)
    return "reject";
  if (call.ordered)
    return "again";
  return call.deathsAlone >= POISON_AFTER ? "poison" : "suspect";
}

// dist/src/rpc/stream-consumer.js
var StreamConsumer = class {
  #hooks;
  #timeoutMs;
  #items = [];
  #waiters = [];
  #state = "open";
  #end;
  #taken = 0;
  #credit = STREAM_CREDIT;
  /** Monotonic ms until which the next item must come; 0: nobody waits. */
  deadline = 0;
  constructor(request, hooks) {
    this.#hooks = hooks;
    this.#timeoutMs = request.timeoutMs;
  }
  push(item) {
    if (this.#state !== "open")
      return;
    if (this.#items.length >= 2 * STREAM_CREDIT)
      throw new SkerryError("SKERRY_CORRUPT", "a stream sent more items than it had credit for");
    const waiter = this.#waiters.shift();
    if (waiter === void 0) {
      this.#items.push(item);
      return;
    }
    this.#took();
    this.#wait();
    waiter.resolve({ done: false, value: item });
  }
  finish(value) {
    if (this.#state !== "open")
      return;
    this.#state = "done";
    this.#end = value;
    this.deadline = 0;
    for (const [index, waiter] of this.#waiters.entries())
      waiter.resolve({ done: true, value: index === 0 ? this.#takeEnd() : void 0 });
    this.#waiters.length = 0;
  }
  fail(error) {
    if (this.#state !== "open")
      return;
    this.#state = "failed";
    this.#end = error;
    this.deadline = 0;
    const first = this.#waiters.shift();
    if (first !== void 0) {
      this.#state = "done";
      first.reject(error);
    }
    for (const waiter of this.#waiters)
      waiter.resolve({ done: true, value: void 0 });
    this.#waiters.length = 0;
  }
  next() {
    if (this.#items.length > 0) {
      const value = this.#items.shift();
      this.#took();
      return Promise.resolve({ done: false, value });
    }
    if (this.#state === "failed") {
      this.#state = "done";
      return Promise.reject(this.#takeEnd());
    }
    if (this.#state === "done")
      return Promise.resolve({ done: true, value: this.#takeEnd() });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#wait();
    });
  }
  return(value) {
    if (this.#state === "open") {
      this.#hooks.onReturn();
      this.finish(void 0);
    }
    this.#state = "done";
    this.#end = void 0;
    this.#items.length = 0;
    return Promise.resolve({ done: true, value });
  }
  [Symbol.asyncIterator]() {
    return this;
  }
  #took() {
    this.#taken += 1;
    if (this.#state !== "open" || this.#credit - this.#taken > STREAM_CREDIT / 2)
      return;
    this.#credit = this.#taken + STREAM_CREDIT;
    this.#hooks.onCredit(this.#credit);
  }
  #wait() {
    this.deadline = this.#waiters.length > 0 && this.#timeoutMs > 0 ? nowMs() + this.#timeoutMs : 0;
    if (this.deadline !== 0)
      this.#hooks.note(this.deadline);
  }
  #takeEnd() {
    const value = this.#end;
    this.#end = void 0;
    return value;
  }
};

// dist/src/rpc/wire.js
function writeCall(encoder, body) {
  encoder.f64(body.deadline);
  if (body.extra !== void 0)
    encoder.value(body.extra, "extra");
  if (body.encodedArgs !== void 0)
    encoder.raw(body.encodedArgs);
  else
    encoder.args(body.args);
}
function writeArgs(encoder, args) {
  encoder.args(args);
}
function writeRaw(encoder, payload) {
  encoder.raw(payload);
}
function writeResult(encoder, value) {
  encoder.value(value, "result");
}
function readExtra(decoder, flags) {
  if ((flags & Flag.extra) === 0)
    return void 0;
  const value = decoder.value();
  if (typeof value !== "object" || value === null)
    return void 0;
  const { trace, path } = value;
  return {
    ...typeof trace === "string" && trace.length <= 512 ? { trace } : {},
    ...Array.isArray(path) && path.length <= 64 && path.every((name) => typeof name === "string") ? { path } : {}
  };
}

// dist/src/rpc/channel.js
var NEVER = Number.POSITIVE_INFINITY;
var Channel = class {
  #options;
  #pending = new Array(CALLS_MAX).fill(void 0);
  #generation = new Uint32Array(CALLS_MAX);
  #free = [];
  #end;
  #inFlight = 0;
  #looks = 0;
  #closed;
  /** From the handshake. */
  queueMax = QUEUE_MAX;
  #crowded = false;
  constructor(options) {
    this.#options = options;
    for (let slot = CALLS_MAX - 1; slot >= 0; slot--)
      this.#free.push(slot);
    options.deadlines.add(this);
  }
  /** The transport is made with this channel as its events, so it comes second. */
  use(end) {
    this.#end = end;
    return this;
  }
  get name() {
    return this.#options.name;
  }
  get inFlight() {
    return this.#inFlight;
  }
  /** Calls waiting and running at this server: what balancing goes by. */
  get load() {
    return Math.max(this.#end.peerLoad, this.#inFlight);
  }
  call(call) {
    return new Promise((resolve, reject) => {
      call.resolve = resolve;
      call.reject = reject;
      this.#send(call);
    });
  }
  /** Starts a stream; its items are taken from the consumer. */
  stream(call) {
    const consumer = new StreamConsumer(call, {
      onCredit: (total) => this.#end.credit(call.callId, total),
      onReturn: () => this.#giveUp(call.callId),
      note: (deadline) => this.#options.deadlines.note(deadline)
    });
    call.stream = consumer;
    call.reject = (error) => consumer.fail(error);
    this.#send(call);
    return consumer;
  }
  /** Resolves when the notification has been published; it has no answer. */
  notify(request) {
    return new Promise((resolve, reject) => {
      try {
        this.#checkOpen(request);
        if (this.#end.send(Kind.notify, flagsOf(request), request.method, NO_CALL, writeCall, request, resolve))
          resolve();
      } catch (error) {
        reject(error);
      }
    });
  }
  onRecord(kind, _flags, callId, body) {
    const slot = callId % CALLS_MAX;
    const pending = this.#pending[slot];
    if (pending === void 0 || pending.callId !== callId)
      return;
    const { stream } = pending;
    switch (kind) {
      case Kind.reply: {
        if (stream !== void 0)
          break;
        const value = body.value();
        this.#settle(slot, pending);
        if (!pending.givenUp)
          pending.resolve(value);
        return;
      }
      case Kind.error: {
        const error = body.value();
        if (!(error instanceof Error))
          break;
        this.#settle(slot, pending);
        if (!pending.givenUp)
          pending.reject(error);
        return;
      }
      case Kind.item: {
        if (stream === void 0)
          break;
        if (!pending.givenUp)
          stream.push(body.value());
        return;
      }
      case Kind.end: {
        if (stream === void 0)
          break;
        const value = body.value();
        this.#settle(slot, pending);
        if (!pending.givenUp)
          stream.finish(value);
        return;
      }
    }
    throw new SkerryError("SKERRY_CORRUPT", `${this.name} answered call ${callId} (${pending.label}) with a record of kind ${kind}`);
  }
  onUnsent(callId, error) {
    const slot = callId % CALLS_MAX;
    const pending = this.#pending[slot];
    if (pending === void 0 || pending.callId !== callId)
      return;
    this.#settle(slot, pending);
    if (!pending.givenUp)
      pending.reject(error);
  }
  onCorrupt(error) {
    this.close(error);
    this.#options.onBroken(error);
  }
  expire(now) {
    let next = NEVER;
    if (this.#inFlight === 0)
      return next;
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending === void 0 || pending.givenUp)
        continue;
      const deadline = pending.stream === void 0 ? pending.deadline : pending.stream.deadline;
      if (deadline === 0)
        continue;
      if (deadline <= now)
        this.#giveUpWith(slot, pending, timeoutError(pending, this.name));
      else if (deadline < next)
        next = deadline;
    }
    return next;
  }
  /**
   * The instance behind this channel is dead and reaped. Delivers what it had answered, decides the fate of the rest.
   * @returns the calls to be sent to the successor as suspects.
   */
  died(death) {
    this.#end.freeze();
    const alone = this.#end.peerRunning === 1;
    const suspects = [];
    const again = [];
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending === void 0)
        continue;
      const started = this.#end.fateOf(pending.callId) === "started";
      if (pending.givenUp) {
        if (started || pending.suspect)
          this.#settle(slot, pending);
        continue;
      }
      if (started && alone && !death.ordered)
        pending.deathsAlone += 1;
      const { stream, payload } = pending;
      const outcome = decideFate({
        started,
        idempotent: pending.idempotent,
        stream: stream !== void 0,
        deathsAlone: pending.deathsAlone,
        ordered: death.ordered
      });
      if (outcome === "suspect" || outcome === "carry" && pending.suspect) {
        pending.suspect = true;
        if (payload !== void 0)
          suspects.push({ callId: pending.callId, method: pending.method, payload, flags: flagsOf(pending) });
      } else if (outcome === "again") {
        again.push(pending);
      } else if (outcome === "poison") {
        this.#settle(slot, pending);
        pending.reject(poisonError(pending, this.name, death));
      } else if (outcome === "reject") {
        this.#settle(slot, pending);
        pending.reject(diedError(pending, this.name, death));
      }
    }
    this.#end.carry(suspects);
    for (const pending of again) {
      pending.suspect = false;
      this.#end.settled(pending.callId);
      const { callId, method, payload } = pending;
      if (payload !== void 0)
        this.#end.send(Kind.call, flagsOf(pending), method, callId, writeRaw, payload);
    }
    return suspects;
  }
  /** No successor comes: rejects what is pending, and all that follows until `up`. */
  down(error) {
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending !== void 0 && !pending.givenUp)
        this.#giveUpWith(slot, pending, error);
    }
  }
  close(error) {
    if (this.#closed !== void 0)
      return;
    this.#closed = error;
    this.#options.deadlines.remove(this);
    for (let slot = 0; slot < CALLS_MAX; slot++) {
      const pending = this.#pending[slot];
      if (pending === void 0)
        continue;
      this.#settle(slot, pending);
      if (!pending.givenUp)
        pending.reject(error);
    }
    this.#end.close();
  }
  /** Looks at the server's queue at every 16th call, and at each when there is much in flight or it was seen to be long. */
  #checkOpen(request) {
    if (this.#closed !== void 0)
      throw this.#closed;
    this.#looks += 1;
    if ((this.#looks & 15) !== 1 && !this.#crowded && this.#inFlight < this.queueMax >> 1)
      return;
    const { peerQueue, unstarted } = this.#end;
    this.#crowded = peerQueue > this.queueMax >> 1;
    if (peerQueue < this.queueMax && unstarted < this.queueMax)
      return;
    throw busyError(request, this.name, `${Math.max(peerQueue, unstarted)} calls wait there unstarted; its queueMax is ${this.queueMax}`);
  }
  #send(call) {
    const slot = this.#free.pop();
    try {
      if (slot === void 0)
        throw busyError(call, this.name, `${CALLS_MAX} calls of this client are in flight there`);
      this.#checkOpen(call);
      const { signal } = call;
      if (signal?.aborted === true)
        throw abortError(call, signal);
      const generation = this.#generation[slot] + 1 & 2097151;
      this.#generation[slot] = generation;
      const callId = generation * CALLS_MAX + slot;
      call.callId = callId;
      if (call.stream !== void 0)
        this.#end.credit(callId, STREAM_CREDIT);
      if (call.idempotent) {
        call.payload = encodeRecord(writeCall, call);
        this.#end.send(Kind.call, flagsOf(call), call.method, callId, writeRaw, call.payload);
      } else {
        this.#end.send(Kind.call, flagsOf(call), call.method, callId, writeCall, call);
      }
      this.#pending[slot] = call;
      this.#inFlight += 1;
      this.#options.life.hold();
      if (call.deadline !== 0)
        this.#options.deadlines.note(call.deadline);
      if (signal !== void 0) {
        call.unlisten = onAbort(signal, () => this.#giveUpWith(slot, call, abortError(call, signal)));
      }
    } catch (error) {
      if (slot !== void 0)
        this.#free.push(slot);
      call.reject(error);
    }
  }
  #settle(slot, pending) {
    this.#pending[slot] = void 0;
    this.#free.push(slot);
    this.#inFlight -= 1;
    this.#end.settled(pending.callId);
    this.#unlisten(pending);
    if (!pending.givenUp)
      this.#options.life.drop();
  }
  #giveUpWith(slot, pending, error) {
    if (this.#pending[slot] !== pending || pending.givenUp)
      return;
    this.#cancel(slot, pending);
    pending.reject(error);
  }
  #giveUp(callId) {
    const slot = callId % CALLS_MAX;
    const pending = this.#pending[slot];
    if (pending !== void 0 && pending.callId === callId && !pending.givenUp)
      this.#cancel(slot, pending);
  }
  #cancel(slot, pending) {
    if (this.#end.cancel(pending.callId)) {
      this.#settle(slot, pending);
      return;
    }
    pending.givenUp = true;
    this.#unlisten(pending);
    this.#options.life.drop();
  }
  #unlisten(pending) {
    pending.unlisten?.();
    pending.unlisten = void 0;
  }
};
function flagsOf(request) {
  return request.extra === void 0 ? 0 : Flag.extra;
}
function timeoutError(request, server) {
  const after = request.timeoutMs > 0 ? ` within ${Math.round(request.timeoutMs)} ms` : " before the deadline of the call it was made in";
  return new SkerryError("SKERRY_TIMEOUT", `${request.label} on ${server} did not answer${after}`, {
    maybeExecuted: true,
    data: { server, call: request.label, timeoutMs: request.timeoutMs }
  });
}
function abortError(request, signal) {
  return new SkerryError("SKERRY_ABORTED", `${request.label} was aborted by its caller`, { cause: signal.reason });
}
function busyError(request, server, why) {
  return new SkerryError("SKERRY_BUSY", `${request.label} was not sent to ${server}: ${why}`, { maybeExecuted: false, data: { server } });
}
function diedError(request, server, death) {
  return new SkerryError("SKERRY_SERVER_DIED", `${server} died (${death.reason}) while it ran ${request.label}; the call may have taken effect`, {
    maybeExecuted: true,
    data: { server, call: request.label, reason: death.reason },
    ...death.error === void 0 ? {} : { cause: death.error }
  });
}
function poisonError(pending, server, death) {
  const { label } = pending;
  return new SkerryError("SKERRY_POISON", `${label} was alone in ${server} when it died, ${pending.deathsAlone} times (last: ${death.reason})`, {
    maybeExecuted: true,
    data: { server, call: label, reason: death.reason, deaths: pending.deathsAlone }
  });
}

// dist/src/link/clients.js
var LinkClients = class {
  life = { hold: () => this.#link.carrier.setRef(true), drop: () => this.#link.carrier.setRef(false) };
  #link;
  #clients = /* @__PURE__ */ new Map();
  #lastRef = 0;
  constructor(link) {
    this.#link = link;
  }
  get deadlines() {
    return this.#link.deadlines;
  }
  async connect(server) {
    const answer = await this.#link.ask({ t: "connect", server });
    if (answer.t === "noServer")
      throw toError(answer.error);
    if (answer.t !== "slots")
      throw new SkerryError("SKERRY_CORRUPT", `the kernel answered "connect" with "${answer.t}"`);
    return { slots: answer.slots, methods: answer.methods };
  }
  async open(name, slot, events) {
    this.#lastRef += 1;
    const ref = this.#lastRef;
    const channel = new Channel({
      name,
      deadlines: this.#link.deadlines,
      life: this.life,
      onBroken: (error) => {
        this.#forget(ref);
        this.#link.send({ t: "broken", ref, error: errorInfo(error) });
        events.onClosed(error);
      }
    });
    const carried = await this.#link.carrier.openClient(ref, name, channel);
    channel.use(carried.end);
    this.#clients.set(ref, { channel, carried, events });
    this.#link.send({ t: "open", ref, slot }, carried.descriptors);
    return channel;
  }
  opened(message, descriptors) {
    const client = this.#clients.get(message.ref);
    if (client === void 0)
      return this.#link.discard(descriptors);
    try {
      client.channel.queueMax = message.queueMax;
      client.events.onOpened(message.methods, message.concurrency);
      client.carried.attach(message, descriptors);
    } catch (error) {
      client.channel.onCorrupt(error);
    }
  }
  region(message, descriptors) {
    const client = this.#clients.get(message.ref ?? -1);
    if (client === void 0)
      return this.#link.discard(descriptors);
    try {
      client.carried.introduce(message, descriptors);
    } catch (error) {
      client.channel.onCorrupt(error);
    }
  }
  died(message) {
    const client = this.#clients.get(message.ref);
    if (client === void 0)
      return;
    client.events.onDied();
    const ended = client.carried.ended?.();
    if (ended === void 0)
      return this.#decide(client, message);
    client.ending = ended.then(() => {
      client.ending = void 0;
      this.#decide(client, message);
    });
  }
  down(ref, error) {
    const client = this.#clients.get(ref);
    if (client === void 0)
      return;
    const reason = toError(error);
    client.events.onDown(reason);
    afterEnding(client, () => client.channel.down(reason));
  }
  closed(ref, error) {
    const client = this.#clients.get(ref);
    if (client === void 0)
      return;
    this.#forget(ref);
    const reason = toError(error);
    client.events.onClosed(reason);
    afterEnding(client, () => client.channel.close(reason));
  }
  close(error) {
    for (const { channel } of this.#clients.values())
      channel.close(error);
    this.#clients.clear();
  }
  /** The instance is dead, and what it had answered has come: each call gets its fate. */
  #decide(client, { ref, reason, ordered, error }) {
    const suspects = client.channel.died({ reason, ordered, ...error === void 0 ? {} : { error: toError(error) } });
    client.carried.settle(suspects).then(({ from, startedCalls, descriptors }) => {
      this.#link.send({ t: "settled", ref, from, startedCalls, suspects: suspects.length }, descriptors, descriptors);
    }, (failed) => {
      client.channel.onCorrupt(failed);
    });
  }
  #forget(ref) {
    this.#clients.delete(ref);
  }
};
function afterEnding(client, then) {
  if (client.ending === void 0)
    then();
  else
    client.ending.then(then);
}

// dist/src/link/connections.js
var LinkConnections = class {
  #link;
  #served = /* @__PURE__ */ new Map();
  #dispatcher;
  #holdTimer;
  constructor(link) {
    this.#link = link;
  }
  use(dispatcher) {
    this.#dispatcher = dispatcher;
  }
  introduce(message, descriptors) {
    this.#served.set(message.channel, this.#serve(message, descriptors).catch((error) => {
      this.#link.send({ t: "broken", channel: message.channel, error: errorInfo(error) });
      return void 0;
    }));
  }
  region(message, descriptors) {
    const { channel = -1 } = message;
    const served = this.#served.get(channel);
    if (served === void 0)
      return this.#link.discard(descriptors);
    served.then((there) => there === void 0 ? this.#link.discard(descriptors) : there.carried.introduce(message, descriptors)).catch((error) => this.#break(channel, error));
  }
  closed(channel, error) {
    const served = this.#served.get(channel);
    this.#served.delete(channel);
    served?.then((ended) => ended?.connection.close(new SkerryError("SKERRY_ABORTED", error.message)));
  }
  /** A successor starts nothing until the predecessor's clients have settled, or SETTLE_MS have passed. */
  hold() {
    if (this.#holdTimer !== void 0)
      return;
    this.#dispatcher?.hold();
    this.#holdTimer = setTimeout(() => this.release(), SETTLE_MS);
  }
  release() {
    if (this.#holdTimer === void 0)
      return;
    clearTimeout(this.#holdTimer);
    this.#holdTimer = void 0;
    Promise.all(this.#served.values()).then(() => this.#dispatcher?.release());
  }
  close(error) {
    for (const served of this.#served.values())
      served.then((ended) => ended?.connection.close(error));
    this.#served.clear();
  }
  async #serve(message, descriptors) {
    const dispatcher = this.#dispatcher;
    if (dispatcher === void 0)
      throw new SkerryError("SKERRY_CORRUPT", "a client was introduced before the server was ready");
    const connection = dispatcher.connect({
      principal: message.principal,
      allowed: allowedIndexes(message.allowed, dispatcher),
      onBroken: (error) => this.#break(message.channel, error)
    });
    try {
      const carried = await this.#link.carrier.openServer(message, descriptors, connection);
      connection.use(carried.end);
      const { descriptors: handed, token } = carried;
      const accept = { t: "accept", channel: message.channel, ...token === void 0 ? {} : { token } };
      this.#link.send(accept, handed, handed, () => carried.start());
      return { carried, connection };
    } catch (error) {
      dispatcher.disconnect(connection);
      throw error;
    }
  }
  #break(channel, error) {
    this.#served.delete(channel);
    this.#link.send({ t: "broken", channel, error: errorInfo(error) });
  }
};
function allowedIndexes(allowed, dispatcher) {
  if (allowed === true)
    return void 0;
  const names = dispatcher.options.handlers.map((handler) => handler.name);
  return new Set(allowed.map((name) => names.indexOf(name)).filter((index) => index >= 0));
}

// dist/src/link/link.js
var Link = class {
  deadlines = new Deadlines();
  /** Known once the kernel has said who this process is. */
  born;
  clients;
  connections;
  #born = deferred();
  #port;
  #events;
  #answers = /* @__PURE__ */ new Map();
  #carrier;
  #seq = 0;
  #lost;
  constructor(makePort, events) {
    this.#events = events;
    this.born = this.#born.promise;
    this.born.catch(() => {
    });
    this.clients = new LinkClients(this);
    this.connections = new LinkConnections(this);
    this.#port = makePort({
      onMessage: (message, descriptors) => this.#onMessage(message, descriptors),
      onClose: (reason) => this.#onLost(reason)
    });
  }
  get carrier() {
    if (this.#carrier === void 0)
      throw new Error("the link has no carrier yet");
    return this.#carrier;
  }
  /** Introduces this process to the kernel. */
  use(carrier) {
    this.#carrier = carrier;
    this.send({ t: "hello", speaks: SPEAKS }, carrier.hello, carrier.hello);
  }
  get connector() {
    return this.clients;
  }
  /** Descriptors that came for something that is gone already. */
  discard(descriptors) {
    this.carrier.discard(descriptors);
  }
  send(message, descriptors = [], release = [], onSent) {
    this.#port.send(message, descriptors, release, onSent);
  }
  /** Sends a question; resolves with the answer that carries its number. Keeps the process alive until then. */
  async ask(message, descriptors = []) {
    if (this.#lost !== void 0)
      throw this.#lost;
    this.#seq += 1;
    const answer = deferred();
    this.#answers.set(this.#seq, answer);
    this.#hold();
    this.#port.send({ ...message, seq: this.#seq }, descriptors, descriptors);
    try {
      return await answer.promise;
    } finally {
      this.#drop();
    }
  }
  async need(bytes) {
    const answer = await this.ask({ t: "need", bytes });
    if (answer.t === "refused")
      throw new SkerryError("SKERRY_MEMORY", answer.error.message, { data: answer.data });
  }
  giveBack(bytes) {
    this.send({ t: "giveBack", bytes });
  }
  #holds = 0;
  #hold() {
    this.#holds += 1;
    if (this.#holds === 1)
      this.#port.setRef(true);
  }
  #drop() {
    this.#holds -= 1;
    if (this.#holds === 0)
      this.#port.setRef(this.keepAlive);
  }
  /** A running server keeps its process alive; a client does not. */
  keepAlive = false;
  setKeepAlive(on) {
    this.keepAlive = on;
    this.#port.setRef(on || this.#holds > 0);
  }
  close() {
    this.#lost ??= new SkerryError("SKERRY_SERVER_DOWN", "this system has been stopped");
    this.#port.close();
    this.#fail(this.#lost);
    this.#carrier?.close();
  }
  #onMessage(message, descriptors) {
    switch (message.t) {
      case "born":
        return this.#born.resolve(message.config);
      case "granted":
      case "refused":
      case "slots":
      case "noServer": {
        const answer = this.#answers.get(message.seq);
        this.#answers.delete(message.seq);
        return answer?.resolve(message);
      }
      case "introduce":
        return this.connections.introduce(message, descriptors);
      case "region":
        if (message.channel !== void 0)
          return this.connections.region(message, descriptors);
        return this.clients.region(message, descriptors);
      case "closed":
        if (message.channel !== void 0)
          return this.connections.closed(message.channel, message.error);
        return this.clients.closed(message.ref ?? -1, message.error);
      case "opened":
        return this.clients.opened(message, descriptors);
      case "died":
        return this.clients.died(message);
      case "down":
        return this.clients.down(message.ref, message.error);
      case "hold":
        return this.connections.hold();
      case "release":
        return this.connections.release();
      case "init":
        return this.#events.onInit?.();
      case "stop":
        return this.#events.onStop?.(message.drainMs);
      case "up":
        return this.#events.onUp?.(message.processes);
      case "bootFailed":
        return this.#events.onBootFailed?.(message.error);
      case "stopped":
        return this.#events.onStopped?.();
      case "declared":
        return this.#events.onDeclared?.();
      case "instance":
        return this.#events.onInstance?.(message.slot, message.event);
    }
  }
  #onLost(reason) {
    this.#lost ??= new SkerryError("SKERRY_SERVER_DOWN", `the kernel of this system is gone: ${reason}`);
    this.#born.reject(this.#lost);
    this.#fail(this.#lost);
    this.#events.onLost(reason);
  }
  #fail(error) {
    for (const answer of this.#answers.values())
      answer.reject(error);
    this.#answers.clear();
    this.clients.close(error);
    this.connections.close(error);
  }
};

// dist/src/link/ring-carrier.js
import { availableParallelism } from "node:os";

// dist/src/channel/wait-policy.js
var WINDOW_MAX_MS = 0.05;
var DIALOGUE_MS = 0.2;
var SCORE_MAX = 8;
var SCORE_ON = 4;
var SHORT_OF_CORES_MS = 5;
var WaitPolicy = class {
  #score = SCORE_MAX;
  #offUntilMs = 0;
  #enabled;
  /** @param cores what this process may use; with one, polling only keeps the peer from running. */
  constructor(cores) {
    this.#enabled = cores > 1;
  }
  hit() {
    if (this.#score < SCORE_MAX)
      this.#score += 1;
  }
  missed() {
    this.#score = Math.max(0, this.#score - 2);
  }
  /** The doorbell woke this process, `gapMs` after its last message. */
  woken(gapMs) {
    if (gapMs <= DIALOGUE_MS)
      this.hit();
    else if (this.#score > 0)
      this.#score -= 1;
  }
  /** A short spin took far longer than it should: somebody else needed this core. */
  ranLate(nowMs2) {
    this.#offUntilMs = nowMs2 + SHORT_OF_CORES_MS;
  }
  /** How long to poll on after the last message, ms; 0: park at once. */
  windowMs(nowMs2) {
    return this.#enabled && this.#score >= SCORE_ON && nowMs2 >= this.#offUntilMs ? WINDOW_MAX_MS : 0;
  }
};

// dist/src/channel/poller.js
var SHARE = 32;
var SPIN_MS = 4e-3;
var SPIN_LOOKS = 24;
var HOPS_MAX = 4;
var LATE_MS = 1;
var Poller = class {
  #all = /* @__PURE__ */ new Set();
  #hot = [];
  #policy;
  #keepAlive;
  #kept = false;
  #holds = 0;
  #scheduled = false;
  #inTurn = false;
  #budget = 0;
  #turnStartMs = 0;
  /** The clock when it was looked at last. */
  #nowMs = 0;
  #lastWorkMs = 0;
  #hops = 0;
  #next = 0;
  /** This turn began with the doorbell, after a sleep. */
  #woken = false;
  /** @param keepAlive makes the watch of this process's doorbell keep the event loop alive, or not. */
  constructor(cores, keepAlive) {
    this.#policy = new WaitPolicy(cores);
    this.#keepAlive = keepAlive;
  }
  add(pollable) {
    this.#all.add(pollable);
    if (pollable.park())
      return;
    this.wake(pollable);
  }
  remove(pollable) {
    this.#all.delete(pollable);
    const at = this.#hot.indexOf(pollable);
    if (at >= 0)
      this.#hot.splice(at, 1);
    pollable.hot = false;
  }
  /** One more reason to keep the process alive (a pending call). */
  hold() {
    this.#holds += 1;
    if (!this.#kept && !this.#scheduled && !this.#inTurn)
      this.#syncKeepAlive();
  }
  drop() {
    this.#holds -= 1;
    if (this.#holds === 0 && !this.#scheduled && !this.#inTurn)
      this.#syncKeepAlive();
  }
  /** Something was sent and an answer is expected soon: poll, if polling pays; else the pollable stays parked and will be rung for. */
  expect(pollable) {
    if (pollable.hot) {
      if (!this.#scheduled && !this.#inTurn)
        this.#schedule();
      return;
    }
    const now = performance.now();
    if (this.#policy.windowMs(now) === 0)
      return;
    this.#lastWorkMs = now;
    this.wake(pollable);
  }
  /** Makes a pollable hot: something may be there. */
  wake(pollable) {
    if (!pollable.hot) {
      if (!this.#all.has(pollable))
        return;
      this.#heat(pollable);
    }
    if (!this.#scheduled && !this.#inTurn)
      this.#schedule();
  }
  /**
   * The doorbell rang. Whoever was rung for without having work starts a new epoch: its producer rings once in each, and the ring of
   * this one has been spent (verify/ring.pml, EPOCH_SLEPT_ON).
   */
  onBell = () => {
    for (const pollable of this.#all) {
      if (pollable.hot)
        continue;
      if (!pollable.hasWork()) {
        pollable.unpark();
        if (pollable.park())
          continue;
      }
      this.#heat(pollable);
    }
    if (this.#hot.length === 0)
      return;
    if (!this.#scheduled)
      this.#woken = true;
    this.#turn();
  };
  #heat(pollable) {
    pollable.unpark();
    pollable.hot = true;
    pollable.lastWorkMs = performance.now();
    this.#hot.push(pollable);
  }
  #schedule() {
    this.#scheduled = true;
    setImmediate(this.#immediate);
  }
  #immediate = () => {
    this.#scheduled = false;
    this.#turn();
  };
  #turn() {
    if (this.#inTurn)
      return;
    this.#inTurn = true;
    this.#budget = TURN_RECORDS;
    this.#turnStartMs = performance.now();
    this.#nowMs = this.#turnStartMs;
    this.#hops = 0;
    this.#pass();
  }
  #pass = () => {
    let taken = this.#pollAll();
    let now = performance.now();
    this.#nowMs = now;
    if (taken === 0 && this.#policy.windowMs(now) > 0) {
      if (this.#expecting()) {
        taken = this.#spin(now);
        now = performance.now();
      } else if (this.#hops < HOPS_MAX) {
        this.#hops += 1;
        hop(this.#pass);
        return;
      }
    }
    if (taken > 0) {
      if (this.#woken) {
        this.#woken = false;
        this.#policy.woken(now - this.#lastWorkMs);
      } else {
        this.#policy.hit();
      }
      this.#lastWorkMs = now;
      this.#budget -= taken;
      this.#hops = 0;
      if (this.#budget > 0 && now - this.#turnStartMs < TURN_MS) {
        hop(this.#pass);
        return;
      }
    }
    this.#inTurn = false;
    this.#endTurn(now, taken);
  };
  #pollAll() {
    const hot = this.#hot;
    const count = hot.length;
    let taken = 0;
    for (let i = 0; i < count && taken < this.#budget; i++) {
      this.#next += 1;
      if (this.#next >= hot.length)
        this.#next = 0;
      const pollable = hot[this.#next];
      if (!pollable?.hasWork())
        continue;
      pollable.lastWorkMs = this.#nowMs;
      taken += pollable.poll(Math.min(SHARE, this.#budget - taken));
    }
    return taken;
  }
  #expecting() {
    for (const pollable of this.#hot)
      if (pollable.expects())
        return true;
    return false;
  }
  /** Looks again and again for SPIN_MS at most. */
  #spin(startMs) {
    const hot = this.#hot;
    for (; ; ) {
      for (let look = 0; look < SPIN_LOOKS; look++) {
        for (let i = 0; i < hot.length; i++)
          if (hot[i]?.hasWork())
            return this.#pollAll();
      }
      const now = performance.now();
      if (now - startMs > SPIN_MS) {
        if (now - startMs > LATE_MS)
          this.#policy.ranLate(now);
        return 0;
      }
    }
  }
  #endTurn(nowMs2, taken) {
    const window = this.#policy.windowMs(nowMs2);
    if (taken === 0 && nowMs2 - this.#lastWorkMs >= window) {
      if (window > 0)
        this.#policy.missed();
      this.#parkQuiet(nowMs2);
    } else
      this.#parkQuiet(nowMs2 - WINDOW_MAX_MS);
    if (this.#hot.length > 0) {
      if (!this.#scheduled)
        this.#schedule();
    } else {
      this.#syncKeepAlive();
    }
  }
  /** Parks those that had no work since `sinceMs`: quiet channels are parked while hot ones are polled. */
  #parkQuiet(sinceMs) {
    const hot = this.#hot;
    for (let i = hot.length - 1; i >= 0; i--) {
      const pollable = hot[i];
      if (pollable === void 0 || pollable.lastWorkMs > sinceMs || !pollable.park())
        continue;
      pollable.hot = false;
      hot.splice(i, 1);
    }
  }
  #syncKeepAlive() {
    const keep = this.#holds > 0;
    if (keep === this.#kept)
      return;
    this.#kept = keep;
    this.#keepAlive(keep);
  }
};
var settled = Promise.resolve();
function hop(then) {
  settled.then(then);
}

// dist/src/channel/ring/bell.js
var Bell = class {
  #words;
  #word;
  #ring;
  #rung = 0;
  /** @param ring writes to the peer's doorbell; never blocks or throws. */
  constructor(words, word, ring) {
    this.#words = words;
    this.#word = word;
    this.#ring = ring;
  }
  ringIfParked() {
    const parked = Atomics.load(this.#words, this.#word);
    if ((parked & 1) === 0 || parked === this.#rung)
      return;
    this.#rung = parked;
    this.#ring();
  }
};
var ParkedWord = class {
  #words;
  #word;
  #value = 0;
  constructor(words, word) {
    this.#words = words;
    this.#word = word;
  }
  park() {
    if ((this.#value & 1) === 1)
      return;
    this.#value = this.#value + 1 | 0;
    Atomics.store(this.#words, this.#word, this.#value);
  }
  unpark() {
    if ((this.#value & 1) === 0)
      return;
    this.#value = this.#value + 1 | 0;
    Atomics.store(this.#words, this.#word, this.#value);
  }
};

// dist/src/channel/ring/layout.js
var ClientWord = {
  requestTail: 32,
  publishedCalls: 33,
  repliesTaken: 64,
  clientParked: 65,
  wantsRoom: 66,
  controlTurn: 96,
  cancelled: 128,
  credit: 128 + CALLS_MAX
};
var ServerWord = {
  started: 32,
  startedCalls: 33,
  suspectsStarted: 34,
  replyTail: 64,
  serverParked: 96,
  wantsReplyRoom: 97
};
var CLIENT_RING_OFFSET = pageAlign((ClientWord.credit + CALLS_MAX) * 4);
var CLIENT_REGION_BYTES = CLIENT_RING_OFFSET + RING_FIRST_BYTES;
var SERVER_RING_OFFSET = 4096;
var SERVER_REGION_BYTES = SERVER_RING_OFFSET + RING_FIRST_BYTES;
var RING_OFFSET = 4096;
function ringArea(buffer, regionId, offset, capacity, start) {
  return {
    regionId,
    u8: new Uint8Array(buffer, offset, capacity),
    i32: new Int32Array(buffer, offset, capacity / 4),
    f64: new Float64Array(buffer, offset, capacity / 8),
    capacity,
    start
  };
}
function extendPosition(near, word) {
  return near + (word - (near | 0) | 0);
}

// dist/src/channel/ring/reader.js
var SMALL_BYTES = 256;
var SCRATCH_BYTES = 64 * 1024;
var scratch = new Uint8Array(SCRATCH_BYTES);
var scratch32 = new Int32Array(scratch.buffer);
var RingReader = class {
  kind = 0;
  flags = 0;
  method = 0;
  callId = 0;
  /** Private copy of the payload; valid until the next `next()` of any reader. */
  payload = scratch;
  length = 0;
  /** Position behind the record that `next` returned, pads and switches included. */
  head;
  /** Waits for a region that the kernel has not introduced yet. */
  waiting = false;
  #area;
  #words;
  #tailWord;
  #regions;
  constructor(area, words, tailWord, regions, position) {
    this.#area = area;
    this.#words = words;
    this.#tailWord = tailWord;
    this.#regions = regions;
    this.head = position;
  }
  /** Is anything published behind the head? One load. */
  pending() {
    return !this.waiting && Atomics.load(this.#words, this.#tailWord) !== (this.head | 0);
  }
  /** Bytes published behind the head, as the peer says; at most what two rings hold. */
  get unread() {
    const bytes = Atomics.load(this.#words, this.#tailWord) - (this.head | 0) | 0;
    return Math.max(0, Math.min(bytes, 2 * RING_MAX_BYTES));
  }
  /** The kernel has introduced one more region: look again. */
  introduced() {
    this.waiting = false;
  }
  /**
   * Takes the next record: its fields and the copy of its payload are in this object then.
   * @returns false when there is none, or when it waits for a region.
   * @throws SKERRY_CORRUPT
   */
  next() {
    const word = Atomics.load(this.#words, this.#tailWord);
    if (word === (this.head | 0))
      return false;
    const tail = extendPosition(this.head, word);
    if (tail < this.head || tail - this.head > 2 * RING_MAX_BYTES || (word & 15) !== 0) {
      throw corrupt(`tail ${tail}, head ${this.head}: the tail must be a multiple of 16 and at most ${2 * RING_MAX_BYTES} ahead`);
    }
    while (this.head !== tail) {
      const area = this.#area;
      const at = this.head & area.capacity - 1;
      const index = at >> 2;
      const length = area.i32[index];
      const head = area.i32[index + 1];
      const callId = area.i32[index + 2];
      const check = area.i32[index + 3];
      if (check !== checkWord(length, head, callId, this.head))
        throw corrupt(`the header at ${this.head} fails its check`);
      const bytes = recordBytes(length);
      if (length < 0 || length > area.capacity || at + bytes > area.capacity || this.head + bytes > tail) {
        throw corrupt(`the record at ${this.head} has ${length} bytes; there is room for ${Math.min(area.capacity - at, tail - this.head)}`);
      }
      const kind = head & 255;
      if (kind === Kind.pad) {
        this.head += bytes;
        continue;
      }
      if (kind === Kind.switch) {
        if (length !== 16)
          throw corrupt(`a switch record has ${length} bytes; valid are 16`);
        const start = area.f64[at + HEADER_BYTES + 8 >> 3];
        if (start !== this.head + bytes)
          throw corrupt(`a switch record at ${this.head} leads to ${start}; valid is ${this.head + bytes}`);
        const next = this.#regions.ring(area.i32[at + HEADER_BYTES >> 2], start);
        if (next === void 0) {
          this.waiting = true;
          return false;
        }
        this.#area = next;
        this.head = start;
        continue;
      }
      this.kind = kind;
      this.flags = head >>> 8 & 255;
      this.method = head >>> 16;
      this.callId = callId >>> 0;
      if (!this.#copy(area, at + HEADER_BYTES, length)) {
        this.waiting = true;
        return false;
      }
      this.head += bytes;
      return true;
    }
    return false;
  }
  #copy(area, from, length) {
    if ((this.flags & Flag.oneOff) !== 0) {
      if (length !== 8)
        throw corrupt(`a one-off record has ${length} bytes; valid are 8`);
      const regionId = area.i32[from >> 2];
      const size = area.i32[from + 4 >> 2];
      if (size < 0 || size > RECORD_MAX_BYTES)
        throw corrupt(`a one-off record of ${size} bytes; valid are 0 to ${RECORD_MAX_BYTES}`);
      const payload = this.#regions.oneOff(regionId, size);
      if (payload === void 0)
        return false;
      this.payload = payload;
      this.length = size;
      this.flags &= ~Flag.oneOff;
      return true;
    }
    this.length = length;
    if (length <= SMALL_BYTES) {
      const words = length + 3 >> 2;
      const { i32 } = area;
      const index = from >> 2;
      for (let i = 0; i < words; i++)
        scratch32[i] = i32[index + i];
      this.payload = scratch;
    } else if (length <= SCRATCH_BYTES) {
      scratch.set(area.u8.subarray(from, from + length));
      this.payload = scratch;
    } else {
      this.payload = area.u8.slice(from, from + length);
    }
    return true;
  }
};
function corrupt(what) {
  return new SkerryError("SKERRY_CORRUPT", `ring of a peer: ${what}`);
}

// dist/src/channel/ring/receiver.js
var ReceivedRegions = class {
  #regions = /* @__PURE__ */ new Map();
  #ring;
  add(region) {
    this.#regions.set(region.id, region);
  }
  ring(regionId, start) {
    const region = this.#take(regionId, RegionKind.ring);
    if (region === void 0)
      return void 0;
    const capacity = region.sizeBytes - RING_OFFSET;
    if (capacity < 4096 || capacity > RING_MAX_BYTES || (capacity & capacity - 1) !== 0) {
      throw new SkerryError("SKERRY_CORRUPT", `a ring of ${capacity} bytes; valid are powers of two up to ${RING_MAX_BYTES}`);
    }
    this.#ring?.release();
    this.#ring = region;
    return ringArea(region.buffer, regionId, RING_OFFSET, capacity, start);
  }
  oneOff(regionId, length) {
    const region = this.#take(regionId, RegionKind.oneOff);
    if (region === void 0)
      return void 0;
    if (REGION_HEADER_BYTES + length > region.sizeBytes) {
      throw new SkerryError("SKERRY_CORRUPT", `a one-off record of ${length} bytes in a region of ${region.sizeBytes}`);
    }
    const payload = region.u8.slice(REGION_HEADER_BYTES, REGION_HEADER_BYTES + length);
    region.release();
    return payload;
  }
  release() {
    for (const region of this.#regions.values())
      region.release();
    this.#regions.clear();
    this.#ring?.release();
    this.#ring = void 0;
  }
  #take(regionId, kind) {
    const region = this.#regions.get(regionId);
    if (region === void 0)
      return void 0;
    if (region.kind !== kind)
      throw new SkerryError("SKERRY_CORRUPT", `region ${regionId} has kind ${region.kind}; announced was ${kind}`);
    this.#regions.delete(regionId);
    return region;
  }
};
var IntroductionTimer = class {
  #onLate;
  #timer;
  constructor(onLate) {
    this.#onLate = onLate;
  }
  /** To be called after each look at the ring. */
  check(waiting) {
    if (waiting === (this.#timer !== void 0))
      return;
    clearTimeout(this.#timer);
    this.#timer = void 0;
    if (!waiting)
      return;
    this.#timer = setTimeout(() => {
      this.#onLate(new SkerryError("SKERRY_CORRUPT", `a region that a peer announced was not introduced within ${INTRODUCTION_MS} ms`));
    }, INTRODUCTION_MS);
    this.#timer.unref();
  }
};

// dist/src/channel/ring/sender.js
var ONE_OFF_BYTES = RING_MAX_BYTES / 2;
var RingSender = class {
  writer;
  #host;
  #events;
  #queue = [];
  /** A record is being encoded into the ring. Its values can run code (a getter) that sends: that goes behind it. */
  #writing = false;
  #growing = false;
  #maxBytes = RING_MAX_BYTES;
  #ringRegion;
  #retiring = [];
  #waiting = false;
  /** Something has been queued since the queue was empty. */
  #backlog = false;
  #closed = false;
  #broken = false;
  constructor(writer, host, events) {
    this.writer = writer;
    this.#host = host;
    this.#events = events;
  }
  get queued() {
    return this.#queue.length;
  }
  /** @returns the end position of the published record, or 0 when it was queued. */
  send(kind, flags, method, callId, write, body, onPublished) {
    const direct = this.#queue.length === 0 && !this.#writing;
    if (direct) {
      const encoder = acquireEncoder();
      this.#writing = true;
      let end = 0;
      try {
        end = this.writer.write(encoder, kind, flags, method, callId, write, body);
      } finally {
        this.#writing = false;
        releaseEncoder(encoder);
        if (end !== 0)
          this.#events.onPublish();
        if (this.#queue.length > 0)
          this.flush();
      }
      if (end !== 0)
        return end;
    }
    this.#queue.push({ kind, flags, method, callId, payload: encodeRecord(write, body), onPublished, region: void 0 });
    this.#backlog = true;
    if (direct || this.#queue.length === 1)
      this.flush();
    return 0;
  }
  /** Takes back a queued record. */
  unqueue(callId) {
    const at = this.#queue.findIndex((entry2) => entry2.callId === callId);
    if (at < 0)
      return false;
    const [entry] = this.#queue.splice(at, 1);
    if (typeof entry?.region === "object")
      this.#host.retire(entry.region);
    if (at === 0)
      this.flush();
    return true;
  }
  /** Is there something that a look at the consumer's position could move? */
  wantsFlush() {
    return this.#waiting && this.writer.consumerMoved();
  }
  /** Publishes what has room now. */
  flush() {
    if (this.#writing)
      return;
    let published = false;
    for (; ; ) {
      const entry = this.#queue[0];
      if (entry === void 0 || this.#closed)
        break;
      const end = this.#place(entry);
      if (end === 0)
        break;
      this.#queue.shift();
      published = true;
      this.#events.onPlaced(entry.callId, end);
      entry.onPublished?.();
    }
    if (published)
      this.#events.onPublish();
    if (this.#backlog && this.#queue.length === 0) {
      this.#backlog = false;
      this.#events.onDrained();
    }
    this.#retire();
    const { lie } = this.writer;
    if (lie !== void 0 && !this.#broken) {
      this.#broken = true;
      queueMicrotask(() => {
        if (!this.#closed)
          this.#events.onCorrupt(lie);
      });
    }
    const waiting = this.#queue.length > 0 || this.#retiring.length > 0;
    if (waiting !== this.#waiting) {
      this.#waiting = waiting;
      this.#events.onWaiting(waiting);
    }
  }
  close() {
    this.#closed = true;
    for (const entry of this.#queue)
      if (typeof entry.region === "object")
        this.#host.retire(entry.region);
    for (const { region } of this.#retiring)
      this.#host.retire(region);
    if (this.#ringRegion !== void 0)
      this.#host.retire(this.#ringRegion);
    this.#queue = [];
    this.#retiring = [];
  }
  #place(entry) {
    const bytes = recordBytes(entry.payload.length);
    const { writer } = this;
    if (bytes > writer.capacity >> 1) {
      if (bytes <= ONE_OFF_BYTES && this.#grow(bytes * 4))
        return 0;
      return this.#placeAlone(entry);
    }
    const end = writer.put(entry.kind, entry.flags, entry.method, entry.callId, entry.payload);
    if (end === 0)
      this.#grow(writer.capacity * 4);
    return end;
  }
  #placeAlone(entry) {
    const { region } = entry;
    if (region === void 0) {
      entry.region = "asked";
      this.#makeAlone(entry);
      return 0;
    }
    if (region === "asked")
      return 0;
    const announcement = new Uint8Array(new Int32Array([region.id, entry.payload.length]).buffer);
    const end = this.writer.put(entry.kind, entry.flags | Flag.oneOff, entry.method, entry.callId, announcement);
    if (end !== 0)
      this.#retiring.push({ region, until: end });
    return end;
  }
  async #makeAlone(entry) {
    try {
      const region = await this.#host.makeRegion(RegionKind.oneOff, REGION_HEADER_BYTES + entry.payload.length);
      if (this.#closed || !this.#queue.includes(entry))
        return this.#host.retire(region);
      region.u8.set(entry.payload, REGION_HEADER_BYTES);
      entry.region = region;
      this.#host.offer(region, 0);
    } catch (error) {
      this.#queue.splice(this.#queue.indexOf(entry), 1);
      if (!this.#closed)
        this.#events.onFailed(entry.callId, error);
    }
    this.flush();
  }
  /** @returns true when a larger ring is on its way: wait for it. */
  #grow(wishBytes) {
    if (this.#growing)
      return true;
    const capacity = Math.min(RING_MAX_BYTES, 2 ** Math.ceil(Math.log2(wishBytes)));
    if (capacity <= this.writer.capacity || capacity > this.#maxBytes)
      return false;
    this.#growing = true;
    this.#replace(capacity);
    return true;
  }
  async #replace(capacity) {
    try {
      const region = await this.#host.makeRegion(RegionKind.ring, RING_OFFSET + capacity);
      if (this.#closed)
        return this.#host.retire(region);
      const old = this.#ringRegion;
      const start = this.writer.switchTo(region.id, (at) => ringArea(region.buffer, region.id, RING_OFFSET, capacity, at));
      this.#host.offer(region, start);
      if (old !== void 0)
        this.#retiring.push({ region: old, until: start });
      this.#ringRegion = region;
      this.#events.onPublish();
    } catch {
      this.#maxBytes = this.writer.capacity;
    } finally {
      this.#growing = false;
    }
    this.flush();
  }
  /** Gives back what the consumer has passed. */
  #retire() {
    if (this.#retiring.length === 0)
      return;
    this.writer.look();
    while (this.#retiring[0] !== void 0 && this.#retiring[0].until <= this.writer.taken) {
      const passed = this.#retiring.shift();
      if (passed !== void 0)
        this.#host.retire(passed.region);
    }
  }
};

// dist/src/channel/ring/writer.js
var RESERVE = 64;
var SWITCH_BYTES = 32;
var RingWriter = class {
  #area;
  #tail;
  #taken;
  #words;
  #tailWord;
  #peerWords;
  #peerWord = 0;
  /** @param position where the first record will stand (0, but for tests that start below 2^32). */
  constructor(area, words, tailWord, position = 0) {
    this.#area = area;
    this.#words = words;
    this.#tailWord = tailWord;
    this.#tail = position;
    this.#taken = position;
    Atomics.store(words, tailWord, position | 0);
  }
  get tail() {
    return this.#tail;
  }
  get capacity() {
    return this.#area.capacity;
  }
  get area() {
    return this.#area;
  }
  /** What the consumer had taken when it was looked at last. */
  get taken() {
    return this.#taken;
  }
  /** From now on `words[word]` of the peer's region tells what has been taken; undefined: nobody takes. */
  setConsumer(words, word) {
    this.#peerWords = words;
    this.#peerWord = word;
  }
  /** Has the consumer moved since the last `refresh`? */
  consumerMoved() {
    return this.#peerWords !== void 0 && Atomics.load(this.#peerWords, this.#peerWord) !== (this.#taken | 0);
  }
  /** Reads the consumer's position. @throws SKERRY_CORRUPT when it went back or beyond what was published. */
  refresh() {
    if (this.#peerWords === void 0)
      return;
    const word = Atomics.load(this.#peerWords, this.#peerWord);
    const taken = extendPosition(this.#taken, word);
    if (taken < this.#taken || taken > this.#tail) {
      throw new SkerryError("SKERRY_CORRUPT", `the peer says it has taken ${taken}; valid is ${this.#taken} (said before) to ${this.#tail} (published)`);
    }
    this.#taken = taken;
  }
  /** Why the consumer is not to be believed any more, since a position of it was impossible. */
  lie;
  /** `refresh` in the middle of other work: a lie counts as no news and is kept. */
  look() {
    try {
      this.refresh();
    } catch (error) {
      this.lie ??= error;
    }
  }
  /**
   * Encodes a record straight into the ring and publishes it.
   * @returns its end position, or 0 when there is no room: nothing has been written then.
   */
  write(encoder, kind, flags, method, callId, write, body) {
    const { capacity } = this.#area;
    if (this.#tail - this.#taken > capacity >> 1)
      this.look();
    const at = this.#tail & capacity - 1;
    const free = capacity - RESERVE - (this.#tail - this.#taken);
    const toEnd = capacity - at;
    let length = this.#encode(encoder, at, Math.min(toEnd, free), write, body);
    if (length < 0) {
      if (toEnd > free)
        return 0;
      length = this.#encode(encoder, 0, free - toEnd, write, body);
      if (length < 0)
        return 0;
      this.#pad(at, toEnd);
    }
    this.#commit(length, kind, flags, method, callId);
    return this.#tail;
  }
  /** The same for a payload that is encoded already. */
  put(kind, flags, method, callId, payload) {
    this.look();
    const { capacity } = this.#area;
    const bytes = recordBytes(payload.length);
    const at = this.#tail & capacity - 1;
    const free = capacity - RESERVE - (this.#tail - this.#taken);
    const toEnd = capacity - at;
    if (bytes <= toEnd) {
      if (bytes > free)
        return 0;
      this.#area.u8.set(payload, at + HEADER_BYTES);
    } else {
      if (bytes > free - toEnd)
        return 0;
      this.#area.u8.set(payload, HEADER_BYTES);
      this.#pad(at, toEnd);
    }
    this.#commit(payload.length, kind, flags, method, callId);
    return this.#tail;
  }
  /** Ends this ring with a switch record and goes on in `next`. @returns the position at which `next` starts. */
  switchTo(regionId, next) {
    const { capacity } = this.#area;
    const at = this.#tail & capacity - 1;
    if (capacity - at < SWITCH_BYTES)
      this.#pad(at, capacity - at);
    const here = this.#tail & capacity - 1;
    const start = this.#tail + SWITCH_BYTES;
    this.#area.i32[here + HEADER_BYTES >> 2] = regionId;
    this.#area.i32[here + HEADER_BYTES + 4 >> 2] = 0;
    this.#area.f64[here + HEADER_BYTES + 8 >> 3] = start;
    const area = next(start);
    this.#commit(16, Kind.switch, 0, 0, 0);
    this.#area = area;
    return start;
  }
  /** @returns the payload's length, or -1 when it does not fit behind a header in `room` bytes at `at`. */
  #encode(encoder, at, room, write, body) {
    if (room < HEADER_BYTES)
      return -1;
    const start = at + HEADER_BYTES;
    encoder.begin(this.#area.u8, start, at + room);
    try {
      write(encoder, body);
    } catch (error) {
      if (error === Overflow)
        return -1;
      throw error;
    }
    return encoder.finish() - start;
  }
  #pad(at, bytes) {
    this.#header(at, bytes - HEADER_BYTES, headWord(Kind.pad, 0, 0), 0);
    this.#tail += bytes;
  }
  #commit(length, kind, flags, method, callId) {
    this.#header(this.#tail & this.#area.capacity - 1, length, headWord(kind, flags, method), callId);
    this.#tail += recordBytes(length);
    Atomics.store(this.#words, this.#tailWord, this.#tail | 0);
  }
  #header(at, length, head, callId) {
    const { i32 } = this.#area;
    const word = at >> 2;
    i32[word] = length;
    i32[word + 1] = head;
    i32[word + 2] = callId;
    i32[word + 3] = checkWord(length, head, callId | 0, this.#tail);
  }
};

// dist/src/channel/ring/client-end.js
var UNPUBLISHED = Number.POSITIVE_INFINITY;
var RingClientEnd = class {
  hot = false;
  lastWorkMs = 0;
  #own;
  #host;
  #poller;
  #events;
  #sender;
  #parked;
  #decoder = new Decoder();
  #late = new IntroductionTimer((error) => this.#break(error));
  #ends = new Float64Array(CALLS_MAX);
  /** Where a call stands among the suspects of the current instance, plus one; 0: it is no suspect. */
  #suspectIndex = new Uint16Array(CALLS_MAX);
  #peer;
  #published = 0;
  #outstanding = 0;
  #suspectsStarted = 0;
  #controlTurn = 0;
  #deadRunning = 0;
  #closed = false;
  /** @param position the first position of the request ring; tests start below 2^32. */
  constructor(own, host, poller, events, position = 0) {
    this.#own = own;
    this.#host = host;
    this.#poller = poller;
    this.#events = events;
    const area = ringArea(own.buffer, own.id, CLIENT_RING_OFFSET, RING_FIRST_BYTES, position);
    this.#sender = new RingSender(new RingWriter(area, own.i32, ClientWord.requestTail, position), host, {
      onPlaced: (callId, end) => this.#onPlaced(callId, end),
      onFailed: (callId, error) => this.#onFailed(callId, error),
      onWaiting: (waiting) => {
        Atomics.store(own.i32, ClientWord.wantsRoom, waiting ? 1 : 0);
        if (waiting && this.#peer !== void 0)
          this.#poller.wake(this);
      },
      onPublish: () => this.#peer?.bell.ringIfParked(),
      onDrained: () => {
      },
      onCorrupt: (error) => this.#break(error)
    });
    this.#parked = new ParkedWord(own.i32, ClientWord.clientParked);
    this.#parked.park();
  }
  /** The boundary: where a successor starts to read. */
  get boundary() {
    return this.#sender.writer.taken;
  }
  /** What the next instance's `startedCalls` begins with. */
  get startedCalls() {
    const { region } = this.#peer ?? {};
    return region === void 0 ? this.#lastStartedCalls : Atomics.load(region.i32, ServerWord.startedCalls) >>> 0;
  }
  #lastStartedCalls = 0;
  /**
   * Joins an instance: its region of this channel, its doorbell, its status region.
   * @param onDetach this end is done with doorbell and status region.
   */
  attach(region, status, ring, onDetach = () => {
  }) {
    const received = new ReceivedRegions();
    const area = ringArea(region.buffer, region.id, SERVER_RING_OFFSET, RING_FIRST_BYTES, 0);
    const reader = new RingReader(area, region.i32, ServerWord.replyTail, received, 0);
    this.#suspectsStarted = 0;
    this.#peer = { region, status, reader, received, bell: new Bell(region.i32, ServerWord.serverParked, ring), onDetach };
    this.#sender.writer.setConsumer(region.i32, ServerWord.started);
    this.#sender.flush();
    this.#peer.bell.ringIfParked();
    this.#poller.add(this);
    this.#poller.wake(this);
  }
  /** The kernel has introduced a region that the peer announced. */
  introduce(region) {
    if (this.#peer === void 0)
      return region.release();
    this.#peer.received.add(region);
    this.#peer.reader.introduced();
    this.#poller.wake(this);
  }
  send(kind, flags, method, callId, write, body, onPublished) {
    if (callId !== NO_CALL) {
      this.#ends[callId % CALLS_MAX] = UNPUBLISHED;
      this.#suspectIndex[callId % CALLS_MAX] = 0;
    }
    const end = this.#sender.send(kind, flags, method, callId, write, body, onPublished);
    if (callId !== NO_CALL)
      this.#outstanding += 1;
    if (end !== 0) {
      this.#countPublished();
      if (callId !== NO_CALL)
        this.#ends[callId % CALLS_MAX] = end;
    }
    if (this.#peer !== void 0)
      this.#poller.expect(this);
    return end !== 0;
  }
  settled() {
    this.#outstanding -= 1;
  }
  cancel(callId) {
    const slot = callId % CALLS_MAX;
    if (this.#ends[slot] === UNPUBLISHED && this.#sender.unqueue(callId))
      return true;
    Atomics.store(this.#own.i32, ClientWord.cancelled + slot, callId | 0);
    this.#publishControl();
    return false;
  }
  credit(callId, total) {
    Atomics.store(this.#own.i32, ClientWord.credit + callId % CALLS_MAX, total | 0);
    this.#publishControl();
  }
  get unstarted() {
    const waiting = this.#published - this.startedCalls | 0;
    return Math.max(0, waiting) + this.#sender.queued;
  }
  get peerLoad() {
    const status = this.#peer?.status;
    if (status === void 0)
      return 0;
    const { running, queued } = readStatus(status);
    return running + queued;
  }
  get peerQueue() {
    const status = this.#peer?.status;
    return status === void 0 ? 0 : readStatus(status).queued;
  }
  get peerRunning() {
    return this.#deadRunning;
  }
  freeze() {
    const peer = this.#peer;
    if (peer === void 0)
      return;
    try {
      while (this.#takeReplies(peer, RING_FIRST_BYTES) > 0)
        ;
      this.#sender.writer.refresh();
    } catch (error) {
      this.#events.onCorrupt(error);
    }
    this.#suspectsStarted = Atomics.load(peer.region.i32, ServerWord.suspectsStarted);
    this.#lastStartedCalls = Atomics.load(peer.region.i32, ServerWord.startedCalls) >>> 0;
    this.#deadRunning = peer.status?.i32[StatusWord.running] ?? 0;
    this.#sender.writer.setConsumer(void 0, 0);
    Atomics.store(this.#own.i32, ClientWord.repliesTaken, 0);
    this.#poller.remove(this);
    this.#late.check(false);
    this.#leave(peer);
  }
  fateOf(callId) {
    const slot = callId % CALLS_MAX;
    const suspect = this.#suspectIndex[slot];
    const started = suspect > 0 ? suspect <= this.#suspectsStarted : this.#ends[slot] <= this.boundary;
    return started ? "started" : "unstarted";
  }
  carry(suspects) {
    this.#suspectsStarted = 0;
    this.#suspectIndex.fill(0);
    suspects.forEach((suspect, index) => {
      this.#suspectIndex[suspect.callId % CALLS_MAX] = index + 1;
    });
  }
  expects() {
    return this.#outstanding > 0;
  }
  hasWork() {
    return this.#peer?.reader.pending() === true || this.#sender.wantsFlush();
  }
  poll(max) {
    const peer = this.#peer;
    if (peer === void 0)
      return 0;
    try {
      const taken = this.#takeReplies(peer, max);
      if (this.#sender.wantsFlush())
        this.#sender.flush();
      this.#late.check(peer.reader.waiting);
      return taken;
    } catch (error) {
      this.#break(error);
      return 0;
    }
  }
  park() {
    this.#parked.park();
    if (!this.hasWork())
      return true;
    this.#parked.unpark();
    return false;
  }
  unpark() {
    this.#parked.unpark();
  }
  close() {
    if (this.#closed)
      return;
    this.#closed = true;
    this.#late.check(false);
    this.#poller.remove(this);
    this.#sender.close();
    if (this.#peer !== void 0)
      this.#leave(this.#peer);
    this.#host.retire(this.#own);
  }
  #leave(peer) {
    if (this.#peer !== peer)
      return;
    this.#peer = void 0;
    peer.received.release();
    peer.region.release();
    peer.onDetach();
  }
  #takeReplies(peer, max) {
    const { reader } = peer;
    let taken = 0;
    while (taken < max && !this.#closed && reader.next()) {
      taken += 1;
      this.#decoder.begin(reader.payload, 0, reader.length);
      this.#events.onRecord(reader.kind, reader.flags, reader.callId, this.#decoder);
    }
    if (taken > 0 && !this.#closed) {
      Atomics.store(this.#own.i32, ClientWord.repliesTaken, reader.head | 0);
      if (Atomics.load(peer.region.i32, ServerWord.wantsReplyRoom) !== 0)
        peer.bell.ringIfParked();
    }
    return taken;
  }
  #break(error) {
    this.#poller.remove(this);
    this.#events.onCorrupt(error);
  }
  #onPlaced(callId, end) {
    this.#countPublished();
    if (callId !== NO_CALL)
      this.#ends[callId % CALLS_MAX] = end;
  }
  #onFailed(callId, error) {
    if (callId !== NO_CALL)
      this.#events.onUnsent(callId, error);
  }
  #countPublished() {
    this.#published = this.#published + 1 >>> 0;
    this.#own.i32[ClientWord.publishedCalls] = this.#published;
  }
  #publishControl() {
    this.#controlTurn = this.#controlTurn + 1 | 0;
    Atomics.store(this.#own.i32, ClientWord.controlTurn, this.#controlTurn);
    this.#peer?.bell.ringIfParked();
  }
};
async function makeSuspectRegion(host, suspects) {
  let bytes = 0;
  for (const { payload } of suspects)
    bytes += recordBytes(payload.length);
  const region = await host.makeRegion(RegionKind.suspects, REGION_HEADER_BYTES + bytes);
  const words = new Int32Array(region.buffer, REGION_HEADER_BYTES);
  let at = 0;
  for (const { callId, method, payload, flags } of suspects) {
    const head = headWord(Kind.call, flags | Flag.suspect, method);
    words[at >> 2] = payload.length;
    words[(at >> 2) + 1] = head;
    words[(at >> 2) + 2] = callId;
    words[(at >> 2) + 3] = checkWord(payload.length, head, callId | 0, at);
    region.u8.set(payload, REGION_HEADER_BYTES + at + HEADER_BYTES);
    at += recordBytes(payload.length);
  }
  return region;
}

// dist/src/channel/ring/server-end.js
var RECORD_LEAST_BYTES = 32;
function prepareServerRegion(own, from, startedCalls) {
  Atomics.store(own.i32, ServerWord.started, from | 0);
  Atomics.store(own.i32, ServerWord.startedCalls, startedCalls | 0);
}
var RingServerEnd = class {
  hot = false;
  lastWorkMs = 0;
  #options;
  #sender;
  #reader;
  #received = new ReceivedRegions();
  #late = new IntroductionTimer((error) => this.#break(error));
  #bell;
  #parked;
  #decoder = new Decoder();
  #startedCalls;
  #controlTurn = 0;
  #suspectAt = 0;
  #suspectsStarted = 0;
  #closed = false;
  constructor(options) {
    this.#options = options;
    const { client, own, from, ringRegion } = options;
    let area = ringArea(client.buffer, client.id, CLIENT_RING_OFFSET, RING_FIRST_BYTES, 0);
    if (ringRegion !== void 0) {
      this.#received.add(ringRegion.region);
      area = this.#received.ring(ringRegion.region.id, ringRegion.start) ?? area;
    }
    this.#reader = new RingReader(area, client.i32, ClientWord.requestTail, this.#received, from);
    const replies = ringArea(own.buffer, own.id, SERVER_RING_OFFSET, RING_FIRST_BYTES, 0);
    const writer = new RingWriter(replies, own.i32, ServerWord.replyTail);
    writer.setConsumer(client.i32, ClientWord.repliesTaken);
    this.#bell = new Bell(client.i32, ClientWord.clientParked, options.ring);
    this.#sender = new RingSender(writer, options.host, {
      onPlaced: () => {
      },
      onFailed: (callId, error) => options.events.onUnsent(callId, error),
      onWaiting: (waiting) => {
        Atomics.store(own.i32, ServerWord.wantsReplyRoom, waiting ? 1 : 0);
        if (waiting)
          options.poller.wake(this);
      },
      onPublish: () => this.#bell.ringIfParked(),
      onDrained: () => {
        options.events.onControl();
        options.poller.wake(this);
      },
      onCorrupt: (error) => this.#break(error)
    });
    this.#parked = new ParkedWord(own.i32, ServerWord.serverParked);
    this.#startedCalls = options.startedCalls;
  }
  /** Begins to read; not before the kernel is sure to hear of this end. */
  start() {
    if (this.#closed)
      return;
    this.#options.poller.add(this);
    this.#options.poller.wake(this);
  }
  /** The kernel has introduced a region that the client announced. */
  introduce(region) {
    if (this.#closed)
      return region.release();
    this.#received.add(region);
    this.#reader.introduced();
    this.#options.poller.wake(this);
  }
  send(kind, callId, write, body) {
    if (!this.#closed)
      this.#sender.send(kind, 0, 0, callId, write, body);
  }
  isCancelled(callId) {
    return Atomics.load(this.#options.client.i32, ClientWord.cancelled + callId % CALLS_MAX) === (callId | 0);
  }
  creditOf(callId) {
    return Atomics.load(this.#options.client.i32, ClientWord.credit + callId % CALLS_MAX) >>> 0;
  }
  get blocked() {
    return this.#sender.queued > 0;
  }
  /** Requests that the client has published and this end has not started. */
  get unstarted() {
    const published = this.#options.client.i32[ClientWord.publishedCalls];
    return Math.max(0, Math.min(published - this.#startedCalls | 0, Math.ceil(this.#reader.unread / RECORD_LEAST_BYTES)));
  }
  resume() {
    if (!this.#closed && this.#reader.pending())
      this.#options.poller.wake(this);
  }
  get suspectsWaiting() {
    return (this.#options.suspects?.count ?? 0) - this.#suspectsStarted;
  }
  startSuspect() {
    const { suspects, own, events } = this.#options;
    if (suspects === void 0 || this.suspectsWaiting === 0)
      return;
    try {
      const { region } = suspects;
      const at = this.#suspectAt;
      const index = REGION_HEADER_BYTES + at >> 2;
      const length = region.i32[index];
      const head = region.i32[index + 1];
      const callId = region.i32[index + 2];
      const start = REGION_HEADER_BYTES + at + HEADER_BYTES;
      const valid = length >= 0 && start + length <= region.sizeBytes && (head & 255) === Kind.call;
      if (!valid || region.i32[index + 3] !== checkWord(length, head, callId, at)) {
        throw new SkerryError("SKERRY_CORRUPT", `the suspect record at ${at} is not valid`);
      }
      const payload = region.u8.slice(start, start + length);
      this.#suspectAt = at + recordBytes(length);
      this.#suspectsStarted += 1;
      events.onStart();
      Atomics.store(own.i32, ServerWord.suspectsStarted, this.#suspectsStarted);
      if (this.suspectsWaiting === 0)
        region.release();
      this.#decoder.begin(payload, 0, length);
      events.onRequest(Kind.call, head >>> 8 & 255, head >>> 16, callId >>> 0, this.#decoder);
    } catch (error) {
      this.#break(error);
    }
  }
  expects() {
    return true;
  }
  hasWork() {
    if (this.#reader.pending() && this.#sender.queued === 0 && this.#options.events.ready())
      return true;
    return Atomics.load(this.#options.client.i32, ClientWord.controlTurn) !== this.#controlTurn || this.#sender.wantsFlush();
  }
  poll(max) {
    const { client, events } = this.#options;
    try {
      const turn = Atomics.load(client.i32, ClientWord.controlTurn);
      if (turn !== this.#controlTurn) {
        this.#controlTurn = turn;
        events.onControl();
      }
      if (this.#sender.wantsFlush())
        this.#sender.flush();
      let taken = 0;
      while (taken < max && this.#sender.queued === 0 && !this.#closed && events.ready() && this.#reader.next()) {
        taken += 1;
        this.#startRequest();
      }
      this.#late.check(this.#reader.waiting);
      if (taken > 0 && Atomics.load(client.i32, ClientWord.wantsRoom) !== 0)
        this.#bell.ringIfParked();
      return taken;
    } catch (error) {
      this.#break(error);
      return 0;
    }
  }
  park() {
    this.#parked.park();
    if (!this.hasWork())
      return true;
    this.#parked.unpark();
    return false;
  }
  unpark() {
    this.#parked.unpark();
  }
  close() {
    if (this.#closed)
      return;
    this.#closed = true;
    this.#late.check(false);
    this.#options.poller.remove(this);
    this.#sender.close();
    this.#received.release();
    this.#options.suspects?.region.release();
    this.#options.client.release();
    this.#options.own.release();
    this.#options.onClose();
  }
  #startRequest() {
    const { own, events } = this.#options;
    const reader = this.#reader;
    events.onStart();
    this.#startedCalls = this.#startedCalls + 1 | 0;
    own.i32[ServerWord.startedCalls] = this.#startedCalls;
    Atomics.store(own.i32, ServerWord.started, reader.head | 0);
    this.#decoder.begin(reader.payload, 0, reader.length);
    events.onRequest(reader.kind, reader.flags, reader.method, reader.callId, this.#decoder);
  }
  #break(error) {
    this.#options.poller.remove(this);
    this.#options.events.onCorrupt(error);
  }
};

// dist/src/link/ring-carrier.js
var REGION_KIND = { ring: RegionKind.ring, oneOff: RegionKind.oneOff };
var RingCarrier = class {
  transport = "ring";
  hello;
  status;
  poller;
  statusRegion;
  #addon;
  #link;
  #watch;
  #serverEnds = /* @__PURE__ */ new Set();
  #owner;
  #name;
  constructor(addon, link, owner, name) {
    this.#addon = addon;
    this.#link = link;
    this.#owner = owner;
    this.#name = name;
    const bell = addon.pipe();
    this.statusRegion = createRegion(addon, RegionKind.status, STATUS_REGION_BYTES, owner, `${name} status`);
    this.status = new StatusCounters(this.statusRegion);
    this.hello = [this.statusRegion.descriptor, bell.write];
    this.poller = new Poller(availableParallelism(), (on) => this.#keepAlive(on));
    this.#watch = addon.watch(bell.read, "bell", this.poller.onBell);
    addon.setWatchRef(this.#watch, false);
  }
  /** For servers: loop phase and fault words, so that a hung or dead one can be looked at. */
  observe(serverName) {
    this.#addon.watchLoop(this.statusRegion.buffer, LOOP_WORDS_OFFSET);
    this.#addon.installFaultHandler(serverName, this.statusRegion.buffer, FAULT_WORDS_OFFSET);
  }
  async address() {
    return void 0;
  }
  setRef(keepAlive) {
    if (keepAlive)
      this.poller.hold();
    else
      this.poller.drop();
  }
  async openClient(ref, name, events) {
    await this.#link.need(CLIENT_REGION_BYTES);
    const own = createRegion(this.#addon, RegionKind.client, CLIENT_REGION_BYTES, this.#owner, `${this.#name} requests to ${name}`);
    const host = this.#host({ ref });
    const end = new RingClientEnd(own, host, this.poller, events);
    return {
      end,
      descriptors: [own.descriptor],
      attach: (_opened, descriptors) => {
        const given = new Given(this.#addon, descriptors, 3);
        try {
          const replies = given.region(RegionKind.server, `${name} replies`, SERVER_REGION_BYTES);
          const bell = given.descriptor();
          const peerStatus = given.region(RegionKind.status, `${name} status`, STATUS_REGION_BYTES);
          const detach = () => {
            peerStatus.release();
            this.#addon.close(bell);
          };
          end.attach(replies, peerStatus, () => this.#addon.ring(bell), detach);
        } catch (error) {
          given.discard();
          throw error;
        }
      },
      settle: async (suspects) => {
        const { boundary: from, startedCalls } = end;
        const region = suspects.length === 0 ? void 0 : await makeSuspectRegion(host, suspects);
        if (region !== void 0) {
          region.release();
          this.#link.giveBack(region.sizeBytes);
        }
        return { from, startedCalls, descriptors: region === void 0 ? [] : [region.descriptor] };
      },
      introduce: (message, descriptors) => end.introduce(this.#map(message.purpose, descriptors, name))
    };
  }
  async openServer(introduce, descriptors, events) {
    const { client: clientName, suspects, ring } = introduce;
    const count = 2 + (suspects > 0 ? 1 : 0) + (ring === void 0 ? 0 : 1);
    const given = new Given(this.#addon, descriptors, count);
    try {
      const client = given.region(RegionKind.client, `${clientName} requests`, CLIENT_REGION_BYTES);
      const bell = given.descriptor();
      const suspectRegion = suspects > 0 ? given.region(RegionKind.suspects, `${clientName} suspects`) : void 0;
      const ringRegion = ring === void 0 ? void 0 : given.region(RegionKind.ring, `${clientName} requests`);
      await this.#link.need(SERVER_REGION_BYTES);
      return this.#serve(introduce, events, client, bell, suspectRegion, ringRegion);
    } catch (error) {
      given.discard();
      throw error;
    }
  }
  #serve(introduce, events, client, bell, suspectRegion, ringRegion) {
    const { channel, client: clientName, from, startedCalls, suspects, ring } = introduce;
    const own = createRegion(this.#addon, RegionKind.server, SERVER_REGION_BYTES, this.#owner, `${this.#name} replies to ${clientName}`);
    prepareServerRegion(own, from, startedCalls);
    const end = new RingServerEnd({
      client,
      own,
      host: this.#host({ channel }),
      poller: this.poller,
      events,
      from,
      startedCalls,
      ring: () => this.#addon.ring(bell),
      suspects: suspectRegion === void 0 ? void 0 : { region: suspectRegion, count: suspects },
      ringRegion: ringRegion === void 0 || ring === void 0 ? void 0 : { region: ringRegion, start: ring },
      onClose: () => {
        this.#serverEnds.delete(end);
        this.#addon.close(bell);
        this.#link.giveBack(SERVER_REGION_BYTES);
      }
    });
    this.#serverEnds.add(end);
    return {
      end,
      descriptors: [own.descriptor],
      start: () => end.start(),
      introduce: (message, more) => end.introduce(this.#map(message.purpose, more, clientName))
    };
  }
  /** Answers that waited for room have been published: a client reads them even after this process's end. */
  async flushed() {
    while ([...this.#serverEnds].some((end) => end.blocked)) {
      await new Promise((resolve) => {
        setTimeout(resolve, 1);
      });
    }
  }
  discard(descriptors) {
    for (const descriptor of descriptors)
      this.#addon.close(descriptor);
  }
  close() {
    this.#addon.unwatch(this.#watch);
    this.statusRegion.release();
  }
  #keepAlive(on) {
    this.#addon.setWatchRef(this.#watch, on);
  }
  #map(purpose, descriptors, name) {
    const given = new Given(this.#addon, descriptors, 1);
    return given.region(REGION_KIND[purpose], `${name} ${purpose}`);
  }
  #host(name) {
    return {
      makeRegion: async (kind, sizeBytes) => {
        await this.#link.need(pageAlign(sizeBytes));
        return createRegion(this.#addon, kind, sizeBytes, this.#owner, `${this.#name} region`);
      },
      offer: (region, start) => {
        const purpose = region.kind === RegionKind.ring ? "ring" : "oneOff";
        this.#link.send({ t: "offer", ...name, region: region.id, purpose, start, bytes: region.sizeBytes }, [region.descriptor], [region.descriptor]);
      },
      retire: (region) => {
        region.release();
        this.#link.send({ t: "retire", ...name, region: region.id, bytes: region.sizeBytes });
      }
    };
  }
};
var Given = class {
  #addon;
  #left;
  #bells = [];
  #regions = [];
  /** @throws SKERRY_CORRUPT when it is not so many. */
  constructor(addon, descriptors, count) {
    this.#addon = addon;
    this.#left = [...descriptors];
    if (descriptors.length === count)
      return;
    this.discard();
    throw new SkerryError("SKERRY_CORRUPT", `${descriptors.length} descriptors came with an introduction; expected ${count}`);
  }
  descriptor() {
    const descriptor = this.#left.shift();
    this.#bells.push(descriptor);
    return descriptor;
  }
  /** @throws SKERRY_CORRUPT when it is none of that kind, or has fewer bytes. */
  region(kind, name, leastBytes = 0) {
    const region = mapRegion(this.#addon, this.#left.shift(), kind, name);
    this.#regions.push(region);
    if (region.sizeBytes >= leastBytes)
      return region;
    throw new SkerryError("SKERRY_CORRUPT", `region "${name}" has ${region.sizeBytes} bytes; it must have ${leastBytes} or more`);
  }
  discard() {
    for (const descriptor of [...this.#left, ...this.#bells])
      this.#addon.close(descriptor);
    for (const region of this.#regions)
      region.release();
  }
};

// dist/src/link/means.js
function ringMeans(addon, socket) {
  return {
    makePort: (events) => new SeqpacketPort(addon, socket, events),
    makeCarrier: (link, endpoint, name) => new RingCarrier(addon, link, endpoint, name)
  };
}

export {
  deferred,
  errorInfo,
  writeArgs,
  writeResult,
  readExtra,
  toError,
  Link,
  ringMeans
};
