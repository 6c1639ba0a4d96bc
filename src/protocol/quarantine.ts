// Calls that were found to end every server that runs them (SKERRY_POISON): as their client tells of them, and as the kernel keeps them.

/** What a client tells of a call that it rejects. */
export interface PoisonedCall {
  readonly method: string;
  /** Deaths of the server at which it ran alone. */
  readonly deaths: number;
  /** Of the last of them. */
  readonly reason: string;
  /** Of its payload. */
  readonly bytes: number;
  /** The payload in base64; undefined when it is longer than PAYLOAD_KEPT_MAX. */
  readonly payload?: string | undefined;
  /** The payload has an extra (trace, path) before the arguments. */
  readonly hasExtra: boolean;
}

export interface QuarantinedCall extends PoisonedCall {
  /** From 1, in the order of their coming, through the life of the system. */
  readonly id: number;
  /** When it was rejected, ms since 1970. */
  readonly time: number;
  readonly server: string;
  readonly replica: number;
  /** Who called. */
  readonly client: string;
  readonly principal: string;
}

/** Longer ones are kept without their arguments, bytes: they travel in messages of the control socket. */
export const PAYLOAD_KEPT_MAX = 64 * 1024;
/** Calls kept, of one client and of all; beyond it the oldest goes. */
export const KEPT_OF_CLIENT_MAX = 16;
export const KEPT_MAX = 64;
