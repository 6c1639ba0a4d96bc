// The control port over a stream socket, for processes without the addon: frames of a 32-bit length and JSON. No descriptors.

import type { Socket } from 'node:net';
import type { Descriptor } from '../../memory/native.ts';
import { type ControlEvents, type ControlPort, HUNG_UP, MESSAGE_MAX_BYTES } from './port.ts';

export class StreamPort implements ControlPort {
  readonly #socket: Socket;
  readonly #events: ControlEvents;
  #received: Buffer = Buffer.alloc(0);
  #closed = false;

  constructor(socket: Socket, events: ControlEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#end(HUNG_UP));
  }

  send(message: object, _descriptors?: readonly Descriptor[], _release?: readonly Descriptor[], onSent?: () => void): void {
    if (this.#closed) return;
    const body = Buffer.from(JSON.stringify(message));
    if (body.length > MESSAGE_MAX_BYTES) throw new RangeError(`a control message of ${body.length} bytes is beyond the limit`);
    const frame = Buffer.allocUnsafe(4 + body.length);
    frame.writeUInt32LE(body.length, 0);
    body.copy(frame, 4);
    this.#socket.write(frame, () => onSent?.());
  }

  holds(): boolean {
    return false;
  }

  drain(): void {
    // A stream ends by itself: 'close' comes when everything has been read.
  }

  setRef(keepAlive: boolean): void {
    if (keepAlive) this.#socket.ref();
    else this.#socket.unref();
  }

  close(): void {
    this.#closed = true;
    this.#socket.end();
    this.#socket.unref();
  }

  #onData(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (!this.#closed && this.#received.length >= 4) {
      const length = this.#received.readUInt32LE(0);
      if (length > MESSAGE_MAX_BYTES) return this.#end('the peer sent what is no message');
      if (this.#received.length < 4 + length) return;
      const text = this.#received.toString('utf8', 4, 4 + length);
      this.#received = this.#received.subarray(4 + length);
      let message: unknown;
      try {
        message = JSON.parse(text);
      } catch {}
      if (typeof message !== 'object' || message === null) return this.#end('the peer sent what is no message');
      this.#events.onMessage(message, []);
    }
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#events.onClose(reason);
  }
}
