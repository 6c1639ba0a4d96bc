// Store-then-load order (Dekker): each side stores its flag, then loads the other's. That both read an old value is impossible if the
// order is kept. Parking stands on it: `parked` is stored, then the tail loaded; the tail is stored, then `parked` loaded.

import { fence, loadAcquire, storeRelease } from '../../dist/src/memory/order.js';
import { agreeToStop, meeting } from './meeting.mjs';

const FLAG = 64; // words; each on a cache line of its own
const SEEN = 128;
const JITTER = 30;

/** @returns {{ rounds: number, violations: number, overlapped: number }} overlapped: rounds in which this side was first. */
export function storeLoad(sides, order) {
  const own = new Int32Array(sides.own);
  const other = new Int32Array(sides.other);
  const words = { own, other, side: sides.side };
  const meet = meeting(own, other);
  const cross = CROSS[order];
  let rounds = 0;
  let violations = 0;
  let overlapped = 0;
  do {
    for (let i = 0; i < sides.batch; i++) {
      rounds += 1;
      meet();
      for (let delay = (Math.random() * JITTER) | 0; delay > 0; delay--);
      const seen = cross(own, other, rounds);
      Atomics.store(own, SEEN, seen);
      meet();
      if (seen < rounds) {
        overlapped += 1;
        if (Atomics.load(other, SEEN) < rounds) violations += 1;
      }
    }
  } while (!agreeToStop(words, meet, Date.now() >= sides.endMs));
  return { rounds, violations, overlapped };
}

function crossAtomic(own, other, round) {
  Atomics.store(own, FLAG, round);
  return Atomics.load(other, FLAG);
}

/** What is published without a fence, and made up for behind one. */
function crossFenced(own, other, round) {
  storeRelease(own, FLAG, round);
  fence();
  return loadAcquire(other, FLAG);
}

/** The control: nothing keeps the processor from answering the load first. */
function crossPlain(own, other, round) {
  own[FLAG] = round;
  return other[FLAG];
}

const CROSS = { atomic: crossAtomic, fence: crossFenced, plain: crossPlain };
