// One direction of a channel as bytes: what carries frames. A Unix socket (socket-wire.ts) or memory of the same isolate
// (inline/memory-wire.ts).

export interface Wire {
  /** Hands bytes over, in order; they belong to the wire from then on. Does nothing once the wire is closed or its peer gone. */
  write(bytes: Uint8Array): void;
  /** Bytes that wait in this process: 0 means that the peer reads all that was written, even if this process is killed now. */
  readonly unsent: number;
  close(): void;
}

export interface WireEvents {
  /** Bytes of the peer, in order. They belong to the receiver and do not change. */
  onChunk(bytes: Uint8Array): void;
  /** `unsent` fell to 0. */
  onDrain(): void;
  /** Nothing comes any more: the peer has closed or is gone. Everything before has been delivered. Not called after `close`. */
  onEnd(): void;
}
