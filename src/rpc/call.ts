// One call, from the facade to its outcome: one object for what is sent and for what is pending, since it is made for every call.

import { keepLayout } from '../base/keep-layout.ts';
import { TIMEOUT_MS } from '../protocol/limits.ts';
import type { StreamConsumer } from './stream-consumer.ts';
import type { CallExtra } from './wire.ts';

/** What a call is made of; the rest of a {@link Call} belongs to the channel. */
export interface CallRequest {
  /** `geo.nearest`: for messages. */
  readonly label: string;
  readonly method: number;
  readonly idempotent: boolean;
  /** Monotonic ms; 0: none. */
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly extra: CallExtra | undefined;
  readonly args: readonly unknown[];
  /** The arguments in encoded form, when they had to be taken before they could be sent. */
  readonly encodedArgs: Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
}

export class Call implements CallRequest {
  readonly label: string;
  readonly method: number;
  readonly idempotent: boolean;
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly extra: CallExtra | undefined;
  readonly args: readonly unknown[];
  readonly encodedArgs: Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;

  // From here on: the channel's, while the call is pending.
  callId = 0;
  resolve: (value: unknown) => void = nobody;
  reject: (error: unknown) => void = nobody;
  stream: StreamConsumer | undefined = undefined;
  /** Kept for idempotent calls: the whole payload. */
  payload: Uint8Array | undefined = undefined;
  /** Takes the listener on `signal` back. */
  unlisten: (() => void) | undefined = undefined;
  /** Deaths of the server at which this was the only call running. */
  deathsAlone = 0;
  suspect = false;
  /** An instance that is dead now had started it. */
  mayHaveRun = false;
  /** The caller has its outcome already; the slot is taken until the server answers too. */
  givenUp = false;

  constructor(
    label: string,
    method: number,
    idempotent: boolean,
    deadline: number,
    timeoutMs: number,
    extra: CallExtra | undefined,
    args: readonly unknown[],
    encodedArgs: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.label = label;
    this.method = method;
    this.idempotent = idempotent;
    this.deadline = deadline;
    this.timeoutMs = timeoutMs;
    this.extra = extra;
    this.args = args;
    this.encodedArgs = encodedArgs;
    this.signal = signal;
  }
}

function nobody(): void {}

keepLayout(new Call('', 0, false, 0.5, TIMEOUT_MS, undefined, [], undefined, undefined));
