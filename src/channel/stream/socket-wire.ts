// A wire over a Unix socket. It never keeps the process alive: a pending call does (link/stream-carrier.ts).
//
// An error of the socket is not told apart from its end: whether the peer is dead is the kernel's to say.

import type { Socket } from 'node:net';
import type { Wire, WireEvents } from './wire.ts';

export class SocketWire implements Wire {
  readonly #socket: Socket;
  readonly #events: WireEvents;
  #waiting = false;
  #closed = false;

  constructor(socket: Socket, events: WireEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.unref();
    socket.on('data', (chunk: Uint8Array) => {
      if (!this.#closed) events.onChunk(chunk);
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      if (!this.#closed) events.onEnd();
    });
  }

  write(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (this.#closed || !socket.writable) return;
    socket.write(bytes, this.#written);
    if (socket.writableLength > 0) this.#waiting = true;
  }

  get unsent(): number {
    return this.#socket.writableLength;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
  }

  /** One function for all writes: Node batches equal callbacks. */
  readonly #written = (): void => {
    if (!this.#waiting || this.#closed || this.#socket.writableLength > 0) return;
    this.#waiting = false;
    this.#events.onDrain();
  };
}
