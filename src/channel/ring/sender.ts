// One direction of a channel, sending: a ring writer, and in front of it a queue for what has no room yet.
//
// A record goes straight into the ring while the queue is empty. Otherwise it is encoded once, waits its turn, and the ring is asked
// to grow: a larger region is made within the memory budget, the old ring ends with a switch record, and is given back when the
// consumer has passed it. A record larger than half of the largest ring gets a region of its own; once it was copied the region is
// spare for the next such record, and is given back when none came for a second.
// Order is kept in all cases. What bounds the queue: the caller (calls in flight, answers of running handlers).

import { SkerryError } from '../../base/errors.ts';
import { type OwnRegion, REGION_HEADER_BYTES, RegionKind } from '../../memory/region.ts';
import { RING_MAX_BYTES } from '../../protocol/limits.ts';
import { Flag, recordBytes } from '../../protocol/record.ts';
import { acquireEncoder, releaseEncoder } from '../codec/encoder.ts';
import { encodeRecord } from '../encode-record.ts';
import type { BodyWriter } from '../transport.ts';
import { RING_OFFSET, ringArea } from './layout.ts';
import type { RingWriter } from './writer.ts';

/** How regions come into being and reach the peer: by the kernel. */
export interface RegionHost {
  /** Asks the memory budget, then makes the region. Rejects with SKERRY_MEMORY. */
  makeRegion(kind: RegionKind, sizeBytes: number): Promise<OwnRegion>;
  /** Has the kernel introduce the region to the peer, and to its successors until it is retired. Closes the descriptor. */
  offer(region: OwnRegion, start: number): void;
  /** No reader needs the region any more; its memory is given back. */
  retire(region: OwnRegion): void;
}

interface Queued {
  readonly kind: number;
  readonly flags: number;
  readonly method: number;
  readonly callId: number;
  readonly payload: Uint8Array;
  readonly onPublished: ((error?: SkerryError) => void) | undefined;
  /** For a one-off: its region, once made; `failed` when the budget refused. */
  region: OwnRegion | 'asked' | undefined;
}

interface Retiring {
  readonly region: OwnRegion;
  readonly until: number;
}

/** What happens to a record: published at a position, or impossible. */
export interface SenderEvents {
  onPlaced(callId: number, end: number): void;
  onFailed(callId: number, error: SkerryError): void;
  /** The queue waits for the consumer to make room, or no longer does. */
  onWaiting(waiting: boolean): void;
  /** Something was published. */
  onPublish(): void;
  /** Nothing is queued any more. */
  onDrained(): void;
  /** The consumer said what cannot be. Called once, with nothing of the sender's on the stack. */
  onCorrupt(error: SkerryError): void;
}

/** Beyond it no ring is large enough, whatever is asked for. */
const ONE_OFF_BYTES = RING_MAX_BYTES / 2;
const SPARE_MS = 1000;

export class RingSender {
  readonly writer: RingWriter;
  readonly #host: RegionHost;
  readonly #events: SenderEvents;
  #queue: Queued[] = [];
  /** A record is being encoded into the ring. Its values can run code (a getter) that sends: that goes behind it. */
  #writing = false;
  #growing = false;
  #maxBytes = RING_MAX_BYTES;
  #ringRegion: OwnRegion | undefined;
  #retiring: Retiring[] = [];
  /** A one-off region that the peer has mapped and that holds nothing. */
  #spare: OwnRegion | undefined;
  #spareTimer: NodeJS.Timeout | undefined;
  #waiting = false;
  /** Something has been queued since the queue was empty. */
  #backlog = false;
  #closed = false;
  #broken = false;

  constructor(writer: RingWriter, host: RegionHost, events: SenderEvents) {
    this.writer = writer;
    this.#host = host;
    this.#events = events;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** @returns the end position of the published record, or 0 when it was queued. */
  send<T>(
    kind: number,
    flags: number,
    method: number,
    callId: number,
    write: BodyWriter<T>,
    body: T,
    onPublished?: (error?: SkerryError) => void,
  ): number {
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
        if (end !== 0) {
          this.#events.onPlaced(callId, end);
          this.#events.onPublish();
        }
        if (this.#queue.length > 0) this.flush();
      }
      if (end !== 0) return end;
    }
    this.#queue.push({ kind, flags, method, callId, payload: encodeRecord(write, body), onPublished, region: undefined });
    this.#backlog = true;
    if (direct || this.#queue.length === 1) this.flush();
    return 0;
  }

  /** Takes back a queued record. */
  unqueue(callId: number): boolean {
    const at = this.#queue.findIndex((entry) => entry.callId === callId);
    if (at < 0) return false;
    const [entry] = this.#queue.splice(at, 1);
    if (typeof entry?.region === 'object') this.#host.retire(entry.region);
    if (at === 0) this.flush();
    return true;
  }

  /** Has the consumer moved since the last try, or passed a region of which nobody has taken notice? */
  wantsFlush(): boolean {
    return this.#waiting && (this.writer.consumerMoved() || this.#hasPassed());
  }

  /**
   * Publishes what has room now. The consumer is looked at before each try and never after the last one: a move that came between the
   * two would be taken for one that was tried with, and nobody would try again (verify/ring.pml, LOOKS_AFTER_TRYING).
   */
  flush(): void {
    if (this.#writing) return;
    this.writer.look();
    let published = false;
    for (;;) {
      const entry = this.#queue[0];
      if (entry === undefined || this.#closed) break;
      const end = this.#place(entry);
      if (end === 0) break;
      this.#queue.shift();
      published = true;
      this.#events.onPlaced(entry.callId, end);
      entry.onPublished?.();
    }
    if (published) this.#events.onPublish();
    if (this.#backlog && this.#queue.length === 0) {
      this.#backlog = false;
      this.#events.onDrained();
    }
    this.#retire();
    const { lie } = this.writer;
    if (lie !== undefined && !this.#broken) {
      this.#broken = true;
      queueMicrotask(() => {
        if (!this.#closed) this.#events.onCorrupt(lie);
      });
    }
    const waiting = this.#queue.length > 0 || this.#retiring.length > 0;
    if (waiting !== this.#waiting) {
      this.#waiting = waiting;
      this.#events.onWaiting(waiting);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const entry of this.#queue) {
      if (typeof entry.region === 'object') this.#host.retire(entry.region);
      entry.onPublished?.(
        new SkerryError('SKERRY_SERVER_DOWN', 'the channel was closed before this was sent', { maybeExecuted: false }),
      );
    }
    for (const { region } of this.#retiring) this.#host.retire(region);
    if (this.#ringRegion !== undefined) this.#host.retire(this.#ringRegion);
    this.#dropSpare();
    this.#queue = [];
    this.#retiring = [];
  }

  #place(entry: Queued): number {
    const bytes = recordBytes(entry.payload.length);
    const { writer } = this;
    if (bytes > writer.largest) {
      if (bytes <= ONE_OFF_BYTES && this.#grow(bytes * 4)) return 0;
      return this.#placeAlone(entry);
    }
    const end = writer.put(entry.kind, entry.flags, entry.method, entry.callId, entry.payload);
    if (end === 0) this.#grow(writer.capacity * 4);
    return end;
  }

  #placeAlone(entry: Queued): number {
    entry.region ??= this.#takeSpare(entry.payload);
    const { region } = entry;
    if (region === undefined) {
      entry.region = 'asked';
      this.#makeAlone(entry);
      return 0;
    }
    if (region === 'asked') return 0;
    const announcement = new Uint8Array(new Int32Array([region.id, entry.payload.length]).buffer);
    const end = this.writer.put(entry.kind, entry.flags | Flag.oneOff, entry.method, entry.callId, announcement);
    if (end !== 0) this.#retiring.push({ region, until: end });
    return end;
  }

  async #makeAlone(entry: Queued): Promise<void> {
    try {
      const region = await this.#host.makeRegion(RegionKind.oneOff, REGION_HEADER_BYTES + entry.payload.length);
      if (this.#closed || !this.#queue.includes(entry)) return this.#host.retire(region);
      region.u8.set(entry.payload, REGION_HEADER_BYTES);
      entry.region = region;
      this.#host.offer(region, 0);
    } catch (error) {
      const at = this.#queue.indexOf(entry);
      if (at >= 0) {
        this.#queue.splice(at, 1);
        entry.onPublished?.(error as SkerryError);
        this.#events.onFailed(entry.callId, error as SkerryError);
      }
    }
    this.flush();
  }

  /** @returns the spare region, filled, if it is there and large enough. */
  #takeSpare(payload: Uint8Array): OwnRegion | undefined {
    const spare = this.#spare;
    if (spare === undefined) return undefined;
    if (spare.sizeBytes < REGION_HEADER_BYTES + payload.length) {
      this.#dropSpare(); // it must not stand in the budget beside the larger one
      return undefined;
    }
    this.#spare = undefined;
    spare.u8.set(payload, REGION_HEADER_BYTES);
    return spare;
  }

  /** Keeps the larger of two regions that hold nothing any more. */
  #keepSpare(region: OwnRegion): void {
    const other = this.#spare;
    if (other !== undefined) this.#host.retire(other.sizeBytes < region.sizeBytes ? other : region);
    if (other === undefined || other.sizeBytes < region.sizeBytes) this.#spare = region;
    this.#spareTimer ??= setTimeout(() => this.#dropSpare(), SPARE_MS).unref();
    this.#spareTimer.refresh();
  }

  #dropSpare(): void {
    clearTimeout(this.#spareTimer);
    this.#spareTimer = undefined;
    if (this.#spare !== undefined) this.#host.retire(this.#spare);
    this.#spare = undefined;
  }

  /** @returns true when a larger ring is on its way: wait for it. */
  #grow(wishBytes: number): boolean {
    if (this.#growing) return true;
    const capacity = Math.min(RING_MAX_BYTES, 2 ** Math.ceil(Math.log2(wishBytes)));
    if (capacity <= this.writer.capacity || capacity > this.#maxBytes) return false;
    this.#growing = true;
    this.#replace(capacity);
    return true;
  }

  async #replace(capacity: number): Promise<void> {
    this.#dropSpare(); // a refusal is for good: the budget shall have what can be had
    try {
      const region = await this.#host.makeRegion(RegionKind.ring, RING_OFFSET + capacity);
      if (this.#closed) return this.#host.retire(region);
      const old = this.#ringRegion;
      const start = this.writer.switchTo(region.id, (at) => ringArea(region.buffer, region.id, RING_OFFSET, capacity, at));
      this.#host.offer(region, start);
      if (old !== undefined) this.#retiring.push({ region: old, until: start });
      this.#ringRegion = region;
      this.#events.onPublish();
    } catch {
      this.#maxBytes = this.writer.capacity; // over budget: the small ring stays
    } finally {
      this.#growing = false;
    }
    this.flush();
  }

  #hasPassed(): boolean {
    const [oldest] = this.#retiring;
    return oldest !== undefined && oldest.until <= this.writer.taken;
  }

  /** Gives back what the consumer has passed. */
  #retire(): void {
    while (this.#hasPassed()) {
      const passed = this.#retiring.shift();
      if (passed === undefined) break;
      if (passed.region.kind === RegionKind.oneOff) this.#keepSpare(passed.region);
      else this.#host.retire(passed.region);
    }
  }
}
