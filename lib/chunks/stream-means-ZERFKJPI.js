import {
  Decoder,
  Flag,
  HEADER_BYTES,
  Kind,
  NO_CALL,
  checkWord,
  encodeRecord,
  headWord,
  nowMs
} from "./chunk-YQHLNBTX.js";
import {
  CALLS_MAX,
  INTRODUCTION_MS,
  RECORD_MAX_BYTES,
  TURN_MS,
  TURN_RECORDS
} from "./chunk-JSCQ27LA.js";
import {
  StreamPort
} from "./chunk-AHJXWFPL.js";
import {
  StatusCounters
} from "./chunk-JFLBLH7Q.js";
import {
  SkerryError
} from "./chunk-ER36CW7I.js";
import "./chunk-WSFCRVEQ.js";

// dist/src/link/stream-means.js
import { Socket } from "node:net";

// dist/src/link/stream-carrier.js
import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

// dist/src/channel/stream/frames.js
var FrameKind = { cancel: 16, credit: 17, started: 18, suspects: 19, load: 20 };
var NOTHING = new Uint8Array(0);
function writeHeader(view, at, length, head, callId, position) {
  view.setInt32(at, length, true);
  view.setInt32(at + 4, head, true);
  view.setInt32(at + 8, callId, true);
  view.setInt32(at + 12, checkWord(length, head, callId | 0, position), true);
}
var FrameReader = class {
  kind = 0;
  flags = 0;
  method = 0;
  callId = 0;
  bytes = NOTHING;
  start = 0;
  end = 0;
  #position;
  #chunk = NOTHING;
  #view = new DataView(NOTHING.buffer);
  #at = 0;
  /** Of an unfinished frame: the pieces so far, their bytes, and how many it takes to go on. */
  #pieces = [];
  #have = 0;
  #need = 0;
  /** @param position of the first byte; tests start near 2^32. */
  constructor(position = 0) {
    this.#position = position;
  }
  push(chunk) {
    if (this.#need === 0)
      return this.#open(chunk);
    this.#pieces.push(chunk);
    this.#have += chunk.length;
    if (this.#have < this.#need)
      return;
    const whole = Buffer.concat(this.#pieces, this.#have);
    this.#pieces = [];
    this.#need = 0;
    this.#open(whole);
  }
  /** @returns false when no whole frame is there. @throws SKERRY_CORRUPT */
  next() {
    if (this.#need > 0)
      return false;
    const left = this.#chunk.length - this.#at;
    if (left < HEADER_BYTES)
      return this.#wait(HEADER_BYTES);
    const view = this.#view;
    const at = this.#at;
    const length = view.getInt32(at, true);
    const head = view.getInt32(at + 4, true);
    const callId = view.getInt32(at + 8, true);
    if (view.getInt32(at + 12, true) !== checkWord(length, head, callId, this.#position)) {
      throw corruptFrame(`the header at ${this.#position} fails its check`);
    }
    if (length < 0 || length > RECORD_MAX_BYTES) {
      throw corruptFrame(`the frame at ${this.#position} has ${length} bytes; valid are 0 to ${RECORD_MAX_BYTES}`);
    }
    if (left < HEADER_BYTES + length)
      return this.#wait(HEADER_BYTES + length);
    this.kind = head & 255;
    this.flags = head >>> 8 & 255;
    this.method = head >>> 16;
    this.callId = callId >>> 0;
    this.bytes = this.#chunk;
    this.start = at + HEADER_BYTES;
    this.end = this.start + length;
    this.#at = this.end;
    this.#position += HEADER_BYTES + length;
    return true;
  }
  /** A 32-bit number of a control frame's payload. @throws SKERRY_CORRUPT */
  u32(index) {
    const at = this.start + index * 4;
    if (at + 4 > this.end)
      throw corruptFrame(`a control frame of kind ${this.kind} has ${this.end - this.start} bytes`);
    return this.#view.getUint32(at, true);
  }
  #open(chunk) {
    this.#chunk = chunk;
    this.#view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#at = 0;
  }
  #wait(need) {
    const rest = this.#chunk.subarray(this.#at);
    this.#chunk = NOTHING;
    this.#at = 0;
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#have = rest.length;
    this.#need = need;
    return false;
  }
};
function corruptFrame(what) {
  return new SkerryError("SKERRY_CORRUPT", `stream of a peer: ${what}`);
}

// dist/src/channel/stream/levels.js
var Levels = class {
  #cancelled = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  #creditIds = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  #credits = new Uint32Array(CALLS_MAX);
  cancel(callId) {
    this.#cancelled[callId % CALLS_MAX] = callId;
  }
  isCancelled(callId) {
    return this.#cancelled[callId % CALLS_MAX] === callId;
  }
  setCredit(callId, total) {
    this.#creditIds[callId % CALLS_MAX] = callId;
    this.#credits[callId % CALLS_MAX] = total;
  }
  creditOf(callId) {
    const slot = callId % CALLS_MAX;
    return this.#creditIds[slot] === callId ? this.#credits[slot] : 0;
  }
};

// dist/src/channel/stream/limits.js
var WINDOW_BYTES = 256 * 1024;
var ANSWERS_MAX_BYTES = 1024 * 1024;
var HELD_MAX_BYTES = 16 * 1024 * 1024;
var LOAD_VALID_MS = 50;

// dist/src/channel/stream/fifo.js
var Fifo = class {
  #items = [];
  #head = 0;
  get length() {
    return this.#items.length - this.#head;
  }
  peek() {
    return this.#items[this.#head];
  }
  push(item) {
    this.#items.push(item);
  }
  shift() {
    if (this.#head === this.#items.length)
      return void 0;
    const item = this.#items[this.#head];
    this.#items[this.#head] = void 0;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
  /** @returns the first item that passes, taken out of its place. */
  take(passes) {
    for (let at = this.#head; at < this.#items.length; at++) {
      const item = this.#items[at];
      if (passes(item)) {
        this.#items.splice(at, 1);
        return item;
      }
    }
    return void 0;
  }
  /** Empties the queue. */
  drain() {
    const items = this.#items.slice(this.#head);
    this.#items = [];
    this.#head = 0;
    return items;
  }
  *[Symbol.iterator]() {
    for (let at = this.#head; at < this.#items.length; at++)
      yield this.#items[at];
  }
};

// dist/src/channel/stream/mailbox.js
var Mailbox = class {
  #queue = new Fifo();
  #sent = new Fifo();
  #sentBytes = 0;
  #heldBytes = 0;
  /** By slot: the call that stood there last, and where it is. */
  #callIds = new Uint32Array(CALLS_MAX).fill(NO_CALL);
  #phases = new Array(CALLS_MAX).fill("none");
  get unstarted() {
    return this.#queue.length + this.#sent.length;
  }
  get queued() {
    return this.#queue.length;
  }
  /** Bytes of all that is unstarted. */
  get heldBytes() {
    return this.#heldBytes;
  }
  /** What is queued, in order. */
  get waiting() {
    return this.#queue;
  }
  /** @returns whether the request goes out now; else it is queued. */
  add(kept, connected) {
    if (kept.callId !== NO_CALL)
      this.#callIds[kept.callId % CALLS_MAX] = kept.callId;
    this.#heldBytes += sizeOf(kept);
    if (connected && this.#queue.length === 0 && this.#fits(kept)) {
      this.#send(kept);
      return true;
    }
    this.#queue.push(kept);
    this.#set(kept, "queued");
    return false;
  }
  /** The next queued request that the window admits: it is `sent` now. */
  next() {
    const kept = this.#queue.peek();
    if (kept === void 0 || !this.#fits(kept))
      return void 0;
    this.#queue.shift();
    this.#send(kept);
    return kept;
  }
  /** The server started the first `count` of what was sent. @returns false when there are not so many. */
  started(count) {
    if (count > this.#sent.length)
      return false;
    for (let i = 0; i < count; i++) {
      const kept = this.#sent.shift();
      this.#sentBytes -= sizeOf(kept);
      this.#heldBytes -= sizeOf(kept);
      this.#set(kept, "started");
    }
    return true;
  }
  /** Takes a queued call out. @returns false when it is not queued. */
  takeBack(callId) {
    if (this.phaseOf(callId) !== "queued")
      return false;
    const kept = this.#queue.take((entry) => entry.callId === callId);
    if (kept === void 0)
      return false;
    this.#heldBytes -= sizeOf(kept);
    this.#set(kept, "none");
    return true;
  }
  giveBack() {
    const waited = this.#queue.drain();
    for (const kept of [...this.#sent.drain(), ...waited]) {
      this.#queue.push(kept);
      this.#set(kept, "queued");
    }
    this.#sentBytes = 0;
  }
  phaseOf(callId) {
    const slot = callId % CALLS_MAX;
    return this.#callIds[slot] === callId ? this.#phases[slot] : "none";
  }
  clear() {
    this.#queue.drain();
    this.#sent.drain();
    this.#sentBytes = 0;
    this.#heldBytes = 0;
  }
  #fits(kept) {
    return this.#sentBytes === 0 || this.#sentBytes + sizeOf(kept) <= WINDOW_BYTES;
  }
  #send(kept) {
    this.#sent.push(kept);
    this.#sentBytes += sizeOf(kept);
    this.#set(kept, "sent");
  }
  #set(kept, phase) {
    const slot = kept.callId % CALLS_MAX;
    if (kept.callId !== NO_CALL && this.#callIds[slot] === kept.callId)
      this.#phases[slot] = phase;
  }
};
function sizeOf(kept) {
  return HEADER_BYTES + kept.payload.length;
}

// dist/src/channel/stream/outbox.js
var GATHER_BYTES = 64 * 1024;
var LARGE_BYTES = 16 * 1024;
var Outbox = class {
  #wire;
  #beforeFlush;
  #bytes = Buffer.allocUnsafeSlow(4096);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  #position;
  #scheduled = false;
  /** @param beforeFlush called when a scheduled flush is due: may put more. */
  constructor(wire, beforeFlush = () => {
  }, position = 0) {
    this.#wire = wire;
    this.#beforeFlush = beforeFlush;
    this.#position = position;
  }
  /** Bytes that a kill of this process would lose. */
  get unsent() {
    return this.#at + this.#wire.unsent;
  }
  put(kind, flags, method, callId, payload) {
    const { length } = payload;
    if (length >= LARGE_BYTES) {
      this.#header(length, headWord(kind, flags, method), callId);
      this.#position += length;
      this.flush();
      this.#wire.write(payload);
      return;
    }
    this.#room(HEADER_BYTES + length);
    this.#header(length, headWord(kind, flags, method), callId);
    this.#bytes.set(payload, this.#at);
    this.#at += length;
    this.#position += length;
  }
  /** A control frame with up to three numbers. */
  control(kind, callId, ...numbers) {
    const length = numbers.length * 4;
    this.#room(HEADER_BYTES + length);
    this.#header(length, headWord(kind, 0, 0), callId);
    for (const number of numbers) {
      this.#view.setUint32(this.#at, number, true);
      this.#at += 4;
    }
    this.#position += length;
  }
  schedule() {
    if (this.#scheduled)
      return;
    this.#scheduled = true;
    process.nextTick(this.#due);
  }
  flush() {
    if (this.#at === 0)
      return;
    const bytes = this.#bytes.subarray(0, this.#at);
    this.#at = 0;
    this.#wire.write(bytes);
    if (this.#wire.unsent > 0)
      this.#allocate(this.#bytes.length);
  }
  #due = () => {
    this.#scheduled = false;
    this.#beforeFlush();
    this.flush();
  };
  #header(length, head, callId) {
    this.#room(HEADER_BYTES);
    writeHeader(this.#view, this.#at, length, head, callId, this.#position);
    this.#at += HEADER_BYTES;
    this.#position += HEADER_BYTES;
  }
  #room(bytes) {
    if (this.#at + bytes <= this.#bytes.length)
      return;
    if (this.#at + bytes > GATHER_BYTES) {
      this.flush();
      if (bytes <= this.#bytes.length)
        return;
    }
    const old = this.#bytes.subarray(0, this.#at);
    this.#allocate(Math.min(GATHER_BYTES, Math.max(this.#bytes.length * 4, this.#at + bytes)));
    this.#bytes.set(old);
  }
  #allocate(sizeBytes) {
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }
};

// dist/src/channel/stream/client-end.js
var DEAF = { onChunk: () => {
}, onDrain: () => {
}, onEnd: () => {
} };
var StreamClientEnd = class {
  #events;
  #position;
  #decoder = new Decoder();
  #mailbox = new Mailbox();
  #levels = new Levels();
  #suspects = [];
  /** Where a call stands among the suspects, plus one. */
  #suspectIndex = /* @__PURE__ */ new Map();
  #suspectsStarted = 0;
  #peer;
  #ended;
  #answersEnded = true;
  #deadRunning = 0;
  #closed = false;
  /** @param position of the first byte of each wire; tests start near 2^32. */
  constructor(events, position = 0) {
    this.#events = events;
    this.#position = position;
  }
  /**
   * Joins an instance: levels and suspects go first, then what waited.
   * @param connect makes the wires; what comes is delivered to the events that it is given.
   * @param onLost the answers have ended, and this end was neither frozen nor closed.
   */
  attach(connect2, onLost = () => {
  }) {
    if (this.#closed)
      return;
    this.#answersEnded = false;
    const wires = connect2({
      onChunk: (bytes) => this.#onChunk(peer, bytes),
      onDrain: () => {
      },
      onEnd: () => {
        if (this.#peer !== peer)
          return;
        this.#answersEnded = true;
        this.#ended?.resolve();
        onLost();
      }
    }, DEAF);
    const out = new Outbox(wires.requests, void 0, this.#position);
    const reader = new FrameReader(this.#position);
    const peer = { wires, out, reader, started: 0, suspectsStarted: 0, running: 0, queued: 0, toldAtMs: 0 };
    this.#peer = peer;
    this.#suspectsStarted = 0;
    for (const { callId } of [...this.#suspects, ...this.#mailbox.waiting])
      this.#putLevels(out, callId);
    for (const { callId, method, payload, flags } of this.#suspects)
      out.put(Kind.call, flags | Flag.suspect, method, callId, payload);
    this.#fill(peer);
    out.flush();
  }
  /** Resolves when everything that the instance had sent has been delivered; undefined: it has been. */
  ended() {
    if (this.#answersEnded)
      return void 0;
    if (this.#ended === void 0) {
      let resolve;
      const promise = new Promise((done) => {
        resolve = done;
      });
      this.#ended = { promise, resolve };
    }
    return this.#ended.promise;
  }
  send(kind, flags, method, callId, write, body, onPublished) {
    const payload = encodeRecord(write, body);
    const { heldBytes } = this.#mailbox;
    if (callId === NO_CALL && heldBytes > HELD_MAX_BYTES) {
      const message = `${heldBytes} bytes wait to be started by the server; notifications are taken up to ${HELD_MAX_BYTES}`;
      throw new SkerryError("SKERRY_BUSY", message, { maybeExecuted: false });
    }
    if (this.#suspectIndex.size > 0)
      this.#suspectIndex.delete(callId);
    const kept = { kind, flags, method, callId, payload, onPublished };
    const peer = this.#peer;
    if (!this.#mailbox.add(kept, peer !== void 0))
      return false;
    kept.onPublished = void 0;
    peer?.out.put(kind, flags, method, callId, payload);
    peer?.out.schedule();
    return true;
  }
  settled() {
  }
  cancel(callId) {
    if (this.#mailbox.takeBack(callId))
      return true;
    this.#levels.cancel(callId);
    this.#control(FrameKind.cancel, callId);
    return false;
  }
  credit(callId, total) {
    this.#levels.setCredit(callId, total);
    this.#control(FrameKind.credit, callId, total);
  }
  get unstarted() {
    return this.#mailbox.unstarted;
  }
  get peerLoad() {
    const peer = this.#toldPeer();
    return peer === void 0 ? 0 : peer.running + peer.queued;
  }
  get peerQueue() {
    return this.#toldPeer()?.queued ?? 0;
  }
  get peerRunning() {
    return this.#deadRunning;
  }
  freeze() {
    const peer = this.#peer;
    if (peer === void 0)
      return;
    this.#leave(peer);
    this.#deadRunning = peer.running;
    this.#suspectsStarted = peer.suspectsStarted;
    this.#mailbox.giveBack();
  }
  fateOf(callId) {
    const suspect = this.#suspectIndex.get(callId);
    if (suspect !== void 0)
      return suspect <= this.#suspectsStarted ? "started" : "unstarted";
    return this.#mailbox.phaseOf(callId) === "queued" ? "unstarted" : "started";
  }
  carry(suspects) {
    this.#suspects = suspects;
    this.#suspectsStarted = 0;
    this.#suspectIndex.clear();
    suspects.forEach(({ callId }, index) => {
      this.#suspectIndex.set(callId, index + 1);
    });
  }
  close() {
    if (this.#closed)
      return;
    this.#closed = true;
    if (this.#peer !== void 0)
      this.#leave(this.#peer);
    this.#mailbox.clear();
  }
  #leave(peer) {
    this.#peer = void 0;
    this.#answersEnded = true;
    this.#ended?.resolve();
    this.#ended = void 0;
    peer.out.flush();
    peer.wires.requests.close();
    peer.wires.answers.close();
  }
  #onChunk(peer, bytes) {
    const { reader } = peer;
    try {
      reader.push(bytes);
      while (this.#peer === peer && reader.next())
        this.#onFrame(peer, reader);
    } catch (error) {
      if (this.#peer === peer)
        this.#leave(peer);
      this.#events.onCorrupt(error);
      return;
    }
    if (this.#peer === peer && this.#mailbox.queued > 0) {
      this.#fill(peer);
      peer.out.schedule();
    }
  }
  #onFrame(peer, reader) {
    const { kind, callId } = reader;
    switch (kind) {
      case Kind.reply:
      case Kind.error:
      case Kind.item:
      case Kind.end:
        this.#checkStarted(peer, callId);
        this.#decoder.begin(reader.bytes, reader.start, reader.end);
        this.#events.onRecord(kind, reader.flags, callId, this.#decoder);
        return;
      case FrameKind.started: {
        const count = reader.u32(0);
        const more = count - peer.started >>> 0;
        if (!this.#mailbox.started(more))
          throw corruptFrame(`${more} more requests started; fewer were on their way`);
        peer.started = count;
        return hearLoad(peer, reader.u32(1), reader.u32(2));
      }
      case FrameKind.suspects: {
        const count = reader.u32(0);
        if (count !== peer.suspectsStarted + 1 || count > this.#suspects.length) {
          throw corruptFrame(`${count} suspects started after ${peer.suspectsStarted} of ${this.#suspects.length}`);
        }
        peer.suspectsStarted = count;
        return hearLoad(peer, reader.u32(1), reader.u32(2));
      }
      case FrameKind.load:
        return hearLoad(peer, reader.u32(0), reader.u32(1));
      default:
        throw corruptFrame(`a frame of kind ${kind} from a server`);
    }
  }
  /** A server says that it started a call before it answers it: what the fate goes by must never lag behind. */
  #checkStarted(peer, callId) {
    const suspect = this.#suspectIndex.get(callId);
    const phase = this.#mailbox.phaseOf(callId);
    const started = suspect === void 0 ? phase === "started" || phase === "none" : suspect <= peer.suspectsStarted;
    if (!started)
      throw corruptFrame(`call ${callId} was answered before it was started`);
  }
  /** Sends what waits, as far as the window goes. */
  #fill(peer) {
    for (; ; ) {
      const kept = this.#mailbox.next();
      if (kept === void 0)
        return;
      peer.out.put(kept.kind, kept.flags, kept.method, kept.callId, kept.payload);
      const { onPublished } = kept;
      kept.onPublished = void 0;
      onPublished?.();
    }
  }
  #putLevels(out, callId) {
    if (callId === NO_CALL)
      return;
    if (this.#levels.isCancelled(callId))
      out.control(FrameKind.cancel, callId);
    const credit = this.#levels.creditOf(callId);
    if (credit > 0)
      out.control(FrameKind.credit, callId, credit);
  }
  #control(kind, callId, ...numbers) {
    const { out } = this.#peer ?? {};
    out?.control(kind, callId, ...numbers);
    out?.schedule();
  }
  #toldPeer() {
    const peer = this.#peer;
    if (peer === void 0 || peer.running + peer.queued === 0)
      return void 0;
    return nowMs() - peer.toldAtMs > LOAD_VALID_MS ? void 0 : peer;
  }
};
function hearLoad(peer, running, queued) {
  peer.running = running;
  peer.queued = queued;
  peer.toldAtMs = nowMs();
}

// dist/src/channel/stream/load-board.js
var LoadBoard = class {
  #status;
  #toldOne = /* @__PURE__ */ new Set();
  constructor(status) {
    this.#status = status;
  }
  get running() {
    return this.#status.running;
  }
  get queued() {
    return this.#status.queued;
  }
  /** @param running what `end` has just told its client. */
  told(end, running) {
    if (running === 1)
      this.#toldOne.add(end);
    else if (this.#toldOne.size > 0)
      this.#toldOne.delete(end);
  }
  /** Handlers are about to start for `starter`, which tells its client itself. */
  starting(starter) {
    if (this.#toldOne.size === 0 || this.#status.running < 2)
      return;
    for (const end of [...this.#toldOne])
      if (end !== starter)
        end.tellLoad();
  }
  forget(end) {
    this.#toldOne.delete(end);
  }
};

// dist/src/channel/stream/intake.js
var Intake = class {
  /** Ordinary requests started, in all (u32). */
  started = 0;
  /** Suspects started, in all. */
  suspectsStarted = 0;
  /** Suspects introduced and not asked for yet. */
  suspectsLeft;
  /** Suspects asked for and not started yet: they may still be on their way. */
  suspectsDue = 0;
  #requests = new Fifo();
  #suspects = new Fifo();
  #bytes = 0;
  constructor(suspects) {
    this.suspectsLeft = suspects;
  }
  get length() {
    return this.#requests.length;
  }
  /** Takes in the request that `reader` holds. @throws SKERRY_CORRUPT */
  add({ kind, flags, method, callId, bytes, start, end }) {
    const waiting = { kind, flags, method, callId, bytes, start, end };
    if ((flags & Flag.suspect) !== 0)
      return this.#addSuspect(waiting);
    const size = sizeOf2(waiting);
    if (this.#bytes > 0 && this.#bytes + size > WINDOW_BYTES) {
      throw corruptFrame(`${this.#bytes + size} bytes of unstarted requests; valid are ${WINDOW_BYTES}`);
    }
    this.#requests.push(waiting);
    this.#bytes += size;
  }
  /** The next request: it counts as started. */
  next() {
    const waiting = this.#requests.shift();
    if (waiting === void 0)
      return void 0;
    this.#bytes -= sizeOf2(waiting);
    this.started = this.started + 1 >>> 0;
    return waiting;
  }
  /** The suspect that was asked for, if it is there: it counts as started. */
  nextSuspect() {
    if (this.suspectsDue === 0)
      return void 0;
    const waiting = this.#suspects.shift();
    if (waiting === void 0)
      return void 0;
    this.suspectsDue -= 1;
    this.suspectsStarted += 1;
    return waiting;
  }
  clear() {
    this.#requests.drain();
    this.#suspects.drain();
    this.#bytes = 0;
  }
  #addSuspect(waiting) {
    const expected = this.suspectsLeft + this.suspectsDue;
    if (waiting.kind !== Kind.call || this.#suspects.length >= expected || this.#requests.length + this.started > 0) {
      throw corruptFrame(`a suspect that was not introduced; ${expected} are expected`);
    }
    this.#suspects.push(waiting);
  }
};
function sizeOf2(waiting) {
  return HEADER_BYTES + waiting.end - waiting.start;
}

// dist/src/channel/stream/server-end.js
var StreamServerEnd = class {
  /** What the carrier feeds with the request wire. */
  requestEvents;
  /** What the carrier feeds with the answer wire. */
  answerEvents;
  #options;
  #decoder = new Decoder();
  #reader;
  #intake;
  #levels = new Levels();
  #announced = [];
  #requests;
  #answers;
  #mayStart = false;
  #pumping = false;
  #again = false;
  #wasBlocked = false;
  #toldRunning = 0;
  #toldQueued = 0;
  #closed = false;
  constructor(options) {
    this.#options = options;
    this.#intake = new Intake(options.suspects);
    this.#reader = new FrameReader(options.position);
    this.requestEvents = { onChunk: (bytes) => this.#onChunk(bytes), onDrain: () => {
    }, onEnd: () => {
    } };
    this.answerEvents = { onChunk: () => {
    }, onDrain: () => this.#onDrain(), onEnd: () => {
    } };
  }
  useRequests(wire) {
    this.#requests = wire;
  }
  useAnswers(wire) {
    this.#answers = { wire, out: new Outbox(wire, () => this.#putLoad(), this.#options.position) };
    this.#pump();
  }
  /** Begins to start requests; not before the kernel is sure to hear of this end. */
  start() {
    this.#mayStart = true;
    this.#pump();
  }
  /** Bytes that the end of this process would lose. */
  get unsent() {
    return this.#answers?.out.unsent ?? 0;
  }
  flush() {
    this.#answers?.out.flush();
  }
  send(kind, callId, write, body) {
    const answers = this.#answers;
    if (this.#closed || answers === void 0)
      return;
    answers.out.put(kind, 0, 0, callId, encodeRecord(write, body));
    answers.out.schedule();
  }
  isCancelled(callId) {
    return this.#closed || this.#levels.isCancelled(callId);
  }
  creditOf(callId) {
    return this.#levels.creditOf(callId);
  }
  get blocked() {
    const blocked = this.unsent > ANSWERS_MAX_BYTES;
    if (blocked)
      this.#wasBlocked = true;
    return blocked;
  }
  get unstarted() {
    return this.#intake.length;
  }
  resume() {
    if (this.#intake.length > 0)
      this.#schedule();
  }
  get suspectsWaiting() {
    return this.#intake.suspectsLeft;
  }
  /** The suspect may still be on its way: then it is started when it comes. */
  startSuspect() {
    if (this.#intake.suspectsLeft === 0)
      return;
    this.#intake.suspectsLeft -= 1;
    this.#intake.suspectsDue += 1;
    this.#schedule();
  }
  tellLoad() {
    this.#putLoad();
    this.flush();
  }
  close() {
    if (this.#closed)
      return;
    this.#closed = true;
    this.flush();
    this.#requests?.close();
    this.#answers?.wire.close();
    this.#intake.clear();
    this.#options.load.forget(this);
    this.#run(this.#announced);
    this.#options.onClose();
  }
  #onChunk(bytes) {
    if (this.#closed)
      return;
    try {
      this.#reader.push(bytes);
      let control = false;
      while (this.#reader.next())
        if (this.#onFrame(this.#reader))
          control = true;
      if (control)
        this.#options.events.onControl();
      this.#pump();
    } catch (error) {
      this.#break(error);
    }
  }
  /** @returns whether it was a level. */
  #onFrame(reader) {
    switch (reader.kind) {
      case FrameKind.cancel:
        this.#levels.cancel(reader.callId);
        return true;
      case FrameKind.credit:
        this.#levels.setCredit(reader.callId, reader.u32(0));
        return true;
      case Kind.call:
      case Kind.notify:
        this.#intake.add(reader);
        return false;
      default:
        throw corruptFrame(`a frame of kind ${reader.kind} from a client`);
    }
  }
  /** Starts what may start: announces it, and runs it once the announcement has left this process. */
  #pump() {
    if (this.#pumping || this.#closed)
      return;
    this.#pumping = true;
    try {
      const until = performance.now() + TURN_MS;
      let left = TURN_RECORDS;
      while (this.#announce(left)) {
        if (this.unsent > 0)
          break;
        const announced = this.#announced;
        this.#announced = [];
        left -= announced.length;
        this.#run(announced);
        if (left > 0 && performance.now() < until)
          continue;
        this.#schedule();
        break;
      }
    } finally {
      this.#pumping = false;
    }
  }
  #announce(max) {
    const answers = this.#answers;
    if (answers === void 0 || !this.#mayStart || this.#closed || this.#announced.length > 0 || this.blocked)
      return false;
    const { events, load } = this.#options;
    const intake = this.#intake;
    const suspect = intake.nextSuspect();
    if (suspect !== void 0) {
      this.#announced.push(suspect);
      events.onStart();
    } else {
      while (this.#announced.length < max && intake.length > 0 && events.ready()) {
        this.#announced.push(intake.next());
        events.onStart();
      }
    }
    if (this.#announced.length === 0)
      return false;
    load.starting(this);
    const { running, queued } = load;
    if (suspect === void 0)
      answers.out.control(FrameKind.started, NO_CALL, intake.started, running, queued);
    else
      answers.out.control(FrameKind.suspects, NO_CALL, intake.suspectsStarted, running, queued);
    this.#told(running, queued);
    answers.out.flush();
    return true;
  }
  #run(announced) {
    for (const { kind, flags, method, callId, bytes, start, end } of announced) {
      try {
        this.#decoder.begin(bytes, start, end);
        this.#options.events.onRequest(kind, flags, method, callId, this.#decoder);
      } catch (error) {
        this.#break(error);
      }
    }
  }
  #onDrain() {
    if (this.#closed || this.unsent > 0)
      return;
    const announced = this.#announced;
    this.#announced = [];
    this.#run(announced);
    if (this.#wasBlocked) {
      this.#wasBlocked = false;
      this.#options.events.onControl();
    }
    this.#pump();
  }
  #schedule() {
    if (this.#again || this.#closed)
      return;
    this.#again = true;
    setImmediate(this.#onTurn);
  }
  #onTurn = () => {
    this.#again = false;
    this.#pump();
  };
  /** With the answers of a turn goes the load, if it is another than the client knows. */
  #putLoad() {
    const { running, queued } = this.#options.load;
    if (this.#closed || running === this.#toldRunning && queued === this.#toldQueued)
      return;
    this.#answers?.out.control(FrameKind.load, NO_CALL, running, queued);
    this.#told(running, queued);
  }
  #told(running, queued) {
    this.#toldRunning = running;
    this.#toldQueued = queued;
    this.#options.load.told(this, running);
  }
  #break(error) {
    if (!this.#closed)
      this.#options.events.onCorrupt(error);
  }
};

// dist/src/channel/stream/socket-wire.js
var SocketWire = class {
  #socket;
  #events;
  #waiting = false;
  #closed = false;
  constructor(socket, events) {
    this.#socket = socket;
    this.#events = events;
    socket.unref();
    socket.on("data", (chunk) => {
      if (!this.#closed)
        events.onChunk(chunk);
    });
    socket.on("error", () => {
    });
    socket.on("close", () => {
      if (!this.#closed)
        events.onEnd();
    });
  }
  write(bytes) {
    const socket = this.#socket;
    if (this.#closed || !socket.writable)
      return;
    socket.write(bytes, this.#written);
    if (socket.writableLength > 0)
      this.#waiting = true;
  }
  get unsent() {
    return this.#socket.writableLength;
  }
  close() {
    if (this.#closed)
      return;
    this.#closed = true;
    this.#socket.destroy();
  }
  /** One function for all writes: Node batches equal callbacks. */
  #written = () => {
    if (!this.#waiting || this.#closed || this.#socket.writableLength > 0)
      return;
    this.#waiting = false;
    this.#events.onDrain();
  };
};

// dist/src/link/stream-carrier.js
var TOKEN_BYTES = 32;
var KEY_BYTES = 16;
var DIRECTION = { requests: 1, answers: 2 };
var STRANGERS_MAX = 128;
var STRANGER_MS = 2e3;
var END_MS = 2e3;
var StreamCarrier = class {
  transport = "stream";
  hello = [];
  status = new StatusCounters(void 0);
  #load = new LoadBoard(this.status);
  #expected = /* @__PURE__ */ new Map();
  #ends = /* @__PURE__ */ new Set();
  #strangers = /* @__PURE__ */ new Set();
  #life;
  #holds = 0;
  #server;
  #address;
  #folder;
  constructor() {
    this.#life = setInterval(() => {
    }, 2147483647);
    this.#life.unref();
    process.on("exit", this.#onExit);
  }
  address() {
    this.#address ??= this.#listen();
    return this.#address;
  }
  setRef(keepAlive) {
    this.#holds += keepAlive ? 1 : -1;
    if (keepAlive && this.#holds === 1)
      this.#life.ref();
    else if (this.#holds === 0)
      this.#life.unref();
  }
  async openClient(_ref, name, events) {
    const end = new StreamClientEnd(events);
    let lost;
    return {
      end,
      descriptors: [],
      attach: ({ address, token }) => {
        if (address === void 0 || !/^[0-9a-f]{64}$/.test(token ?? "")) {
          throw new SkerryError("SKERRY_CORRUPT", `${name} was introduced without an address or token`);
        }
        end.attach((answers, requests) => ({
          requests: new SocketWire(dial(address, token, DIRECTION.requests), requests),
          answers: new SocketWire(dial(address, token, DIRECTION.answers), answers)
        }), () => {
          lost = setTimeout(() => {
            events.onCorrupt(new SkerryError("SKERRY_CORRUPT", `${name} closed its connection and lives on`));
          }, INTRODUCTION_MS);
          lost.unref();
        });
      },
      ended: () => {
        clearTimeout(lost);
        const ended = end.ended();
        return ended === void 0 ? void 0 : Promise.race([ended, delay(END_MS)]);
      },
      settle: async () => ({ from: 0, startedCalls: 0, descriptors: [] }),
      introduce: () => {
      }
    };
  }
  async openServer(introduce, _descriptors, events) {
    const token = randomBytes(TOKEN_BYTES);
    const key = token.toString("hex", 0, KEY_BYTES);
    const end = new StreamServerEnd({
      events,
      load: this.#load,
      suspects: introduce.suspects,
      onClose: () => {
        this.#expected.delete(key);
        this.#ends.delete(end);
      }
    });
    this.#ends.add(end);
    this.#expected.set(key, { secret: token.subarray(KEY_BYTES), end, requests: false, answers: false });
    return { end, descriptors: [], token: token.toString("hex"), start: () => end.start(), introduce: () => {
    } };
  }
  async flushed() {
    for (; ; ) {
      let unsent = 0;
      for (const end of this.#ends) {
        end.flush();
        unsent += end.unsent;
      }
      if (unsent === 0)
        return;
      await delay(1);
    }
  }
  discard() {
  }
  close() {
    clearInterval(this.#life);
    process.off("exit", this.#onExit);
    this.#server?.close();
    for (const socket of this.#strangers)
      socket.destroy();
    this.#removeFolder();
  }
  /** What is left to write goes out as far as the sockets take it. */
  #onExit = () => {
    for (const end of this.#ends)
      end.flush();
    this.#removeFolder();
  };
  #listen() {
    const name = `skerry-${randomBytes(16).toString("hex")}`;
    let address = `\0${name}`;
    if (process.platform !== "linux") {
      this.#folder = mkdtempSync(join(tmpdir(), "skerry-"));
      address = join(this.#folder, "s");
    }
    const server = createServer((socket) => this.#admit(socket));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ path: address, backlog: 511 }, () => {
        server.unref();
        resolve(address);
      });
    });
  }
  #admit(socket) {
    socket.unref();
    socket.on("error", () => {
    });
    if (this.#strangers.size >= STRANGERS_MAX) {
      socket.destroy();
      return;
    }
    this.#strangers.add(socket);
    let shown = Buffer.alloc(0);
    const timer = setTimeout(() => socket.destroy(), STRANGER_MS);
    timer.unref();
    const settle = () => {
      clearTimeout(timer);
      this.#strangers.delete(socket);
    };
    const onData = (chunk) => {
      shown = shown.length === 0 ? chunk : Buffer.concat([shown, chunk]);
      if (shown.length <= TOKEN_BYTES)
        return;
      socket.off("data", onData);
      socket.off("close", settle);
      settle();
      if (!this.#join(socket, shown))
        socket.destroy();
    };
    socket.on("data", onData);
    socket.on("close", settle);
  }
  #join(socket, shown) {
    const expected = this.#expected.get(shown.toString("hex", 0, KEY_BYTES));
    if (expected === void 0 || !timingSafeEqual(shown.subarray(KEY_BYTES, TOKEN_BYTES), expected.secret))
      return false;
    const { end } = expected;
    const rest = shown.subarray(TOKEN_BYTES + 1);
    switch (shown[TOKEN_BYTES]) {
      case DIRECTION.requests:
        if (expected.requests)
          return false;
        expected.requests = true;
        end.useRequests(new SocketWire(socket, end.requestEvents));
        if (rest.length > 0)
          end.requestEvents.onChunk(rest);
        return true;
      case DIRECTION.answers:
        if (expected.answers || rest.length > 0)
          return false;
        expected.answers = true;
        end.useAnswers(new SocketWire(socket, end.answerEvents));
        return true;
      default:
        return false;
    }
  }
  #removeFolder() {
    if (this.#folder === void 0)
      return;
    rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = void 0;
  }
};
function dial(address, token, direction) {
  const socket = connect(address);
  socket.write(Buffer.concat([Buffer.from(token, "hex"), Buffer.from([direction])]));
  return socket;
}
function delay(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

// dist/src/link/stream-means.js
function streamMeans(socket) {
  const stream = typeof socket === "number" ? new Socket({ fd: socket, readable: true, writable: true }) : socket;
  return {
    makePort: (events) => new StreamPort(stream, events),
    makeCarrier: () => new StreamCarrier()
  };
}
export {
  streamMeans
};
