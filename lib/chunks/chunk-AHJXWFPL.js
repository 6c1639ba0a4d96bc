import {
  HUNG_UP,
  MESSAGE_MAX_BYTES
} from "./chunk-JFLBLH7Q.js";

// dist/src/channel/control/stream-port.js
var StreamPort = class {
  #socket;
  #events;
  #received = Buffer.alloc(0);
  #closed = false;
  constructor(socket, events) {
    this.#socket = socket;
    this.#events = events;
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("error", () => {
    });
    socket.on("close", () => this.#end(HUNG_UP));
  }
  send(message, _descriptors, _release, onSent) {
    if (this.#closed)
      return;
    const body = Buffer.from(JSON.stringify(message));
    if (body.length > MESSAGE_MAX_BYTES)
      throw new RangeError(`a control message of ${body.length} bytes is beyond the limit`);
    const frame = Buffer.allocUnsafe(4 + body.length);
    frame.writeUInt32LE(body.length, 0);
    body.copy(frame, 4);
    this.#socket.write(frame, () => onSent?.());
  }
  drain() {
  }
  setRef(keepAlive) {
    if (keepAlive)
      this.#socket.ref();
    else
      this.#socket.unref();
  }
  close() {
    this.#closed = true;
    this.#socket.end();
    this.#socket.unref();
  }
  #onData(chunk) {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (!this.#closed && this.#received.length >= 4) {
      const length = this.#received.readUInt32LE(0);
      if (length > MESSAGE_MAX_BYTES)
        return this.#end("the peer sent what is no message");
      if (this.#received.length < 4 + length)
        return;
      const text = this.#received.toString("utf8", 4, 4 + length);
      this.#received = this.#received.subarray(4 + length);
      let message;
      try {
        message = JSON.parse(text);
      } catch {
      }
      if (typeof message !== "object" || message === null)
        return this.#end("the peer sent what is no message");
      this.#events.onMessage(message, []);
    }
  }
  #end(reason) {
    if (this.#closed)
      return;
    this.#closed = true;
    this.#socket.destroy();
    this.#events.onClose(reason);
  }
};

export {
  StreamPort
};
