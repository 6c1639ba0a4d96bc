// What bounds a channel over wires, beside protocol/limits.ts.

/**
 * Bytes of requests that a client may have sent and the server not started: the server holds them, always reads, and so never misses
 * a cancel or credit behind them. A single record may be larger when nothing else is on its way.
 */
export const WINDOW_BYTES = 256 * 1024;
/** Answers that wait in the server for its client to read before no further request is started and streams pause. */
export const ANSWERS_MAX_BYTES = 1024 * 1024;
/** Unstarted requests that a client holds before notifications are refused with SKERRY_BUSY. */
export const HELD_MAX_BYTES = 16 * 1024 * 1024;
/** What a server said of its load counts for so long: a client that sends nothing is told nothing. */
export const LOAD_VALID_MS = 50;
/** Requests started in one turn of the event loop, its longest time, and that of what runs without a pause in it. */
export { BATCH_MS, TURN_MS, TURN_RECORDS } from '../../protocol/limits.ts';
