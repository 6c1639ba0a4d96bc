// What bounds a channel. Both ends know these numbers from the handshake; the capacities of layouts are computed from them.

/** Calls of one channel in flight. The slot of a call is `callId % callsMax`; a power of two. */
export const CALLS_MAX = 1024;

/** The first ring of a direction, bytes; rings are powers of two. */
export const RING_FIRST_BYTES = 16 * 1024;
/** Rings grow by replacement up to here. */
export const RING_MAX_BYTES = 4 * 1024 * 1024;
/** A record's payload, bytes: beyond it a call is refused with SKERRY_LIMIT. Above half a ring it travels in a region of its own. */
export const RECORD_MAX_BYTES = 64 * 1024 * 1024;

/** Unstarted calls of a server before its clients refuse more with SKERRY_BUSY. */
export const QUEUE_MAX = 1024;
/** Handlers that run at once in a server whose methods are asynchronous. */
export const CONCURRENCY = 64;
/** A call's deadline when nobody says otherwise. */
export const TIMEOUT_MS = 30_000;
/** Items of a stream in flight before the consumer has taken one. */
export const STREAM_CREDIT = 32;

/** Records that one turn of the event loop may take, and its longest time: timers and I/O keep their turn. */
export const TURN_RECORDS = 128;
export const TURN_MS = 0.5;

/** Requests of one channel are started in batches no longer than this, ms; then the answers of those that are done go out. */
export const BATCH_MS = 0.1;
/** A read of a position or a region that never comes makes the channel corrupt after this time. */
export const INTRODUCTION_MS = 5_000;
/** A successor waits this long at most for the predecessor's clients to say which calls were started. */
export const SETTLE_MS = 100;
/** Deaths alone after which a call is rejected with SKERRY_POISON. */
export const POISON_AFTER = 2;
/** Time for a server's running calls to end at a stop, and again for its `onStop`, when its entry does not say. */
export const DRAIN_MS = 5_000;
/** Warm spares of each kind of process, when the system does not say, and at most. */
export const SPARES = 1;
export const SPARES_MAX = 16;
