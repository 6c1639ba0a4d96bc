// Message passing: side 0 writes a payload with plain stores and publishes it by a store of the tail (storeRelease); side 1 loads the tail
// (loadAcquire) and reads the payload with plain loads, in optimised code. It must never see an old payload: neither compiler nor processor may move
// the plain reads before the load of the tail, or the plain writes behind the store of it. Records stand on it.

import { loadAcquire, storeRelease } from '../../dist/src/memory/order.js';
import { agreeToStop, meeting } from './meeting.mjs';

const TAIL = 64; // words, in the writer's region
const TAKEN = 64; // in the reader's
const VIOLATIONS = 96; // in the reader's
const PAYLOAD = 2048;
const SLOTS = 4;
const SLOT_WORDS = 16;
const SPINS_MAX = 2_000_000_000;

/** @param order 'tail first', or the control: 'payload first', a reader that looks at the tail too late. */
export function messagePassing(sides, order) {
  const own = views(sides.own);
  const other = views(sides.other);
  const words = { own: own.i32, other: other.i32, side: sides.side };
  const meet = meeting(own.i32, other.i32);
  let messages = 0;
  do {
    if (sides.side === 0) writeBatch(own, other, messages, messages + sides.batch);
    else {
      const read = order === 'tail first' ? readBatch : readBatchEarly;
      const found = read(own, other, messages, messages + sides.batch);
      own.i32[VIOLATIONS] += found;
    }
    messages += sides.batch;
  } while (!agreeToStop(words, meet, Date.now() >= sides.endMs));
  return { rounds: messages, violations: sides.side === 0 ? other.i32[VIOLATIONS] : own.i32[VIOLATIONS] };
}

function views(buffer) {
  return { i32: new Int32Array(buffer), f64: new Float64Array(buffer), u8: new Uint8Array(buffer) };
}

function writeBatch(own, other, first, last) {
  const { i32, f64, u8 } = own;
  for (let message = first + 1; message <= last; message++) {
    waitFor(other.i32, TAKEN, message - SLOTS);
    const at = PAYLOAD + (message % SLOTS) * SLOT_WORDS;
    for (let word = 0; word < SLOT_WORDS - 4; word++) i32[at + word] = message;
    f64[(at + SLOT_WORDS - 4) >> 1] = message;
    u8[(at + SLOT_WORDS - 1) << 2] = message;
    storeRelease(i32, TAIL, message);
  }
}

function readBatch(own, other, first, last) {
  let old = 0;
  for (let message = first + 1; message <= last; message++) {
    waitForTail(other.i32, message);
    if (!isWhole(other, message)) old += 1;
    Atomics.store(own.i32, TAKEN, message);
  }
  return old;
}

/** The control: reads the payload, then waits for the tail that tells that it is there. */
function readBatchEarly(own, other, first, last) {
  let old = 0;
  for (let message = first + 1; message <= last; message++) {
    const whole = isWhole(other, message);
    waitFor(other.i32, TAIL, message);
    if (!whole) old += 1;
    Atomics.store(own.i32, TAKEN, message);
  }
  return old;
}

function isWhole({ i32, f64, u8 }, message) {
  const at = PAYLOAD + (message % SLOTS) * SLOT_WORDS;
  let same = f64[(at + SLOT_WORDS - 4) >> 1] === message && u8[(at + SLOT_WORDS - 1) << 2] === (message & 0xff);
  for (let word = 0; word < SLOT_WORDS - 4; word++) same = same && i32[at + word] === message;
  return same;
}

/** The load that the payload is read behind. */
function waitForTail(i32, message) {
  for (let spins = 0; loadAcquire(i32, TAIL) < message; spins++) {
    if (spins > SPINS_MAX) throw new Error('the other side does not move');
  }
}

function waitFor(i32, word, message) {
  for (let spins = 0; Atomics.load(i32, word) < message; spins++) {
    if (spins > SPINS_MAX) throw new Error('the other side does not move');
  }
}
