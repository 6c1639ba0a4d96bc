// A control port: messages between a process and the kernel, in order, with descriptors beside them. Two kinds: seqpacket-port.ts
// (with the addon) and stream-port.ts (without; no descriptors). Messages are JSON: small, rare, readable in a trace.

import type { Descriptor } from '../../memory/native.ts';

/** At most so many descriptors travel with one message. */
export const DESCRIPTORS_MAX = 8;
/** Why a port closed when nothing was wrong with what came through it. */
export const HUNG_UP = 'the peer hung up';
/** Longest message, bytes of JSON. */
export const MESSAGE_MAX_BYTES = 128 * 1024;

export interface ControlEvents {
  /** `message` is what the peer sent, not yet checked. The receiver owns the descriptors: all of them, or none where it had no room. */
  onMessage(message: unknown, descriptors: Descriptor[]): void;
  /** The peer hung up, or sent what is no message; everything before has been delivered. Called once. */
  onClose(reason: string): void;
}

export interface ControlPort {
  /**
   * Sends in order; waits in a queue while the socket is full. After the peer is gone it does nothing.
   * @param release descriptors among `descriptors` to be closed once they have been sent (or cannot be).
   * @param onSent called when the message is in the socket: the peer reads it even if this process ends now.
   */
  send(message: object, descriptors?: readonly Descriptor[], release?: readonly Descriptor[], onSent?: () => void): void;
  /** Does a message that waits to be sent carry this descriptor? */
  holds(descriptor: Descriptor): boolean;
  /** Delivers everything that the (dead) peer had sent, then `onClose`. */
  drain(): void;
  /** Whether the port keeps the process alive. */
  setRef(keepAlive: boolean): void;
  /** Closes once what is queued has been sent. */
  close(): void;
}
