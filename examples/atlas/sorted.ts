// The order of many folded names, in a fraction of the time that sorting the strings takes.
//
// The first five characters of a name, six bits each, and its index below them fit into a number without rounding; numbers are sorted
// natively. Only names that begin alike are then compared as strings.

const CHARACTERS = 5;
const INDEX_BITS = 20;
const INDEX_ROOM = 2 ** INDEX_BITS;
/** Whatever is not a space, a digit or a letter from a to z comes behind them, and what follows it is left to the comparison. */
const OTHER = 38;

/**
 * @param names folded (see fold.ts), 1,048,575 at most
 * @returns their indexes, sorted by name in the order of UTF-16 and, where names are equal, by index
 * @throws RangeError when there are too many
 */
export function orderOf(names: readonly string[]): Uint32Array {
  if (names.length >= INDEX_ROOM) throw new RangeError(`${names.length} names to sort; at most ${INDEX_ROOM - 1}`);
  const keys = Float64Array.from(names, (name, index) => prefixOf(name) * INDEX_ROOM + index).sort();
  const order = Uint32Array.from(keys, (key) => key % INDEX_ROOM);
  for (let start = 0; start < order.length; ) {
    const prefix = Math.floor(keys[start] / INDEX_ROOM);
    let end = start + 1;
    while (end < order.length && Math.floor(keys[end] / INDEX_ROOM) === prefix) end++;
    if (end > start + 1) order.subarray(start, end).sort((a, b) => compare(names[a], names[b]) || a - b);
    start = end;
  }
  return order;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function prefixOf(name: string): number {
  let prefix = 0;
  let isKnown = true;
  for (let at = 0; at < CHARACTERS; at++) {
    const code = isKnown && at < name.length ? codeOf(name.charCodeAt(at)) : 0;
    if (code === OTHER) isKnown = false;
    prefix = prefix * 64 + code;
  }
  return prefix;
}

function codeOf(unit: number): number {
  if (unit === 0x20) return 1;
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30 + 2;
  if (unit >= 0x61 && unit <= 0x7a) return unit - 0x61 + 12;
  return OTHER;
}
