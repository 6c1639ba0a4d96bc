// The control port over a SEQPACKET socket: one message, one packet, its descriptors with it.

import type { Descriptor, NativeAddon, Watch } from '../../memory/native.ts';
import { type ControlEvents, type ControlPort, DESCRIPTORS_MAX, HUNG_UP, MESSAGE_MAX_BYTES } from './port.ts';

/** One that talks without end must not keep the others from being heard. */
const TURN_MESSAGES = 64;
/** The operating system is short of memory for sockets: try again soon. */
const SHORT_OF_MEMORY_MS = 10;

interface Outgoing {
  readonly bytes: Uint8Array;
  readonly descriptors: readonly Descriptor[];
  readonly release: readonly Descriptor[];
  readonly onSent: (() => void) | undefined;
}

export class SeqpacketPort implements ControlPort {
  readonly #addon: NativeAddon;
  readonly #socket: Descriptor;
  readonly #events: ControlEvents;
  readonly #watch: Watch;
  readonly #queue: Outgoing[] = [];
  #writable: Watch | undefined;
  #closed = false;
  #closing = false;

  constructor(addon: NativeAddon, socket: Descriptor, events: ControlEvents) {
    this.#addon = addon;
    this.#socket = socket;
    this.#events = events;
    this.#watch = addon.watch(socket, 'socket', () => this.#take(TURN_MESSAGES));
  }

  send(message: object, descriptors: readonly Descriptor[] = [], release: readonly Descriptor[] = [], onSent?: () => void): void {
    if (this.#closed) return this.#release(release);
    const bytes = Buffer.from(JSON.stringify(message));
    if (bytes.length > MESSAGE_MAX_BYTES || descriptors.length > DESCRIPTORS_MAX) {
      this.#release(release);
      throw new RangeError(
        `a control message of ${bytes.length} bytes and ${descriptors.length} descriptors is beyond the limits`,
      );
    }
    this.#queue.push({ bytes, descriptors, release, onSent });
    if (this.#queue.length === 1) this.#flush();
  }

  holds(descriptor: Descriptor): boolean {
    return this.#queue.some(({ descriptors }) => descriptors.includes(descriptor));
  }

  drain(): void {
    this.#take(Number.POSITIVE_INFINITY);
  }

  /** The watch is level-triggered: what is left comes with the next turn. */
  #take(most: number): void {
    for (let taken = 0; taken < most && !this.#closed; taken++) {
      let received: ReturnType<NativeAddon['receive']>;
      try {
        received = this.#addon.receive(this.#socket);
      } catch (error) {
        return this.#end(`reading failed: ${(error as Error).message}`);
      }
      if (received === undefined) return;
      if (received === null) return this.#end(HUNG_UP);
      const { bytes, descriptors, truncated } = received;
      let message: unknown;
      try {
        message = JSON.parse(Buffer.from(bytes).toString());
      } catch {}
      if (typeof message !== 'object' || message === null) {
        this.#release(descriptors);
        return this.#end('the peer sent what is no message');
      }
      // This process has no descriptors left: what is missing is missed by who needs it, and costs that channel.
      if (truncated) this.#release(descriptors);
      this.#events.onMessage(message, truncated ? [] : descriptors);
    }
  }

  setRef(keepAlive: boolean): void {
    if (!this.#closed) this.#addon.setWatchRef(this.#watch, keepAlive);
  }

  close(): void {
    this.#closing = true;
    if (this.#queue.length === 0) this.#shut();
  }

  #flush(): void {
    for (;;) {
      const first = this.#queue[0];
      if (first === undefined || this.#closed) break;
      try {
        if (!this.#addon.send(this.#socket, first.bytes, first.descriptors)) {
          this.#writable ??= this.#addon.watchWritable(this.#socket, () => {
            this.#writable = undefined;
            this.#flush();
          });
          return;
        }
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === 'ENOBUFS' || code === 'ENOMEM' || code === 'ETOOMANYREFS') {
          setTimeout(() => this.#flush(), SHORT_OF_MEMORY_MS);
          return;
        }
        this.#queue.shift();
        this.#release(first.release);
        // The peer is gone: what it sent before is still to be read, so the end comes from there. Anything else is no message lost
        // in silence: the conversation is over.
        if (code !== 'EPIPE' && code !== 'ECONNRESET') return this.#end(`sending failed: ${(error as Error).message}`);
        continue;
      }
      this.#queue.shift();
      this.#release(first.release);
      first.onSent?.();
    }
    if (this.#closing && !this.#closed) this.#shut();
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#shut();
    this.#events.onClose(reason);
  }

  #shut(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { release } of this.#queue) this.#release(release);
    this.#queue.length = 0;
    if (this.#writable !== undefined) this.#addon.unwatch(this.#writable);
    this.#addon.unwatch(this.#watch);
    this.#addon.close(this.#socket);
  }

  #release(descriptors: readonly Descriptor[]): void {
    for (const descriptor of descriptors) this.#addon.close(descriptor);
  }
}
