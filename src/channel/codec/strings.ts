// Strings of the decoder.
//
// A call into the engine's C++ costs more than a short string is worth, so short ones are made from their character codes at
// once. Keys repeat from record to record: they are looked up by content in a fixed table, which also makes them the very same
// string.

const { latin1Slice, ucs2Slice } = Buffer.prototype;
const make = String.fromCharCode;

/** Longest string that is made from character codes. */
const UNROLLED_MAX = 24;

const KEY_SLOTS = 4096;
const KEY_BYTES = 32;
const keys: (string | undefined)[] = new Array<string | undefined>(KEY_SLOTS).fill(undefined);
const keyBytes = new Uint8Array(KEY_SLOTS * KEY_BYTES);

/** `n` Latin-1 characters at `p`. */
export function latin1(b: Uint8Array, p: number, n: number): string {
  return n <= UNROLLED_MAX ? shortLatin1(b, p, n) : latin1Slice.call(b, p, p + n);
}

/** `n` bytes of UTF-16 at `p`, lone surrogates and all. */
export function utf16(b: Uint8Array, p: number, n: number): string {
  return ucs2Slice.call(b, p, p + n);
}

/**
 * A key of `n` Latin-1 characters at `p`.
 *
 * Undefined for a name that Object.prototype has (`__proto__`, `toString`): assigning it might do more than make a property, so
 * the table never holds one and the caller defines it the slow way.
 */
export function safeKey(b: Uint8Array, p: number, n: number): string | undefined {
  if (n > KEY_BYTES || n === 0) return fresh(b, p, n);
  let hash = n;
  for (let i = 0; i < n; i++) hash = (Math.imul(hash, 31) + b[p + i]) | 0;
  const slot = (hash ^ (hash >>> 12)) & (KEY_SLOTS - 1);
  const known = keys[slot];
  if (known !== undefined && known.length === n) {
    const at = slot * KEY_BYTES;
    let i = 0;
    while (i < n && keyBytes[at + i] === b[p + i]) i++;
    if (i === n) return known;
  }
  const key = fresh(b, p, n);
  if (key !== undefined) {
    keys[slot] = key;
    for (let i = 0; i < n; i++) keyBytes[slot * KEY_BYTES + i] = b[p + i];
  }
  return key;
}

function fresh(b: Uint8Array, p: number, n: number): string | undefined {
  const key = latin1(b, p, n);
  return key in Object.prototype ? undefined : key;
}

/** Unrolled: a call with a list of arguments that the compiler can see is several times faster than one with an array. */
// biome-ignore format: one line for each length
function shortLatin1(b: Uint8Array, p: number, n: number): string {
  switch (n) {
    case 0: return '';
    case 1: return make(b[p]);
    case 2: return make(b[p], b[p + 1]);
    case 3: return make(b[p], b[p + 1], b[p + 2]);
    case 4: return make(b[p], b[p + 1], b[p + 2], b[p + 3]);
    case 5: return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4]);
    case 6: return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5]);
    case 7: return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6]);
    case 8: return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7]);
    case 9: return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8]);
    case 10: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9]);
    case 11: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10]);
    case 12: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11]);
    case 13: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12]);
    case 14: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13]);
    case 15: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14]);
    case 16: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15]);
    case 17: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16]);
    case 18: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17]);
    case 19: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18]);
    case 20: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18], b[p + 19]);
    case 21: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18], b[p + 19],
      b[p + 20]);
    case 22: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18], b[p + 19],
      b[p + 20], b[p + 21]);
    case 23: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18], b[p + 19],
      b[p + 20], b[p + 21], b[p + 22]);
    case 24: return make(
      b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9],
      b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18], b[p + 19],
      b[p + 20], b[p + 21], b[p + 22], b[p + 23]);
    default: return latin1Slice.call(b, p, p + n);
  }
}
