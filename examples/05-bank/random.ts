/** Draws whole numbers from 0 to `below` - 1: the same ones for the same key. mulberry32, from a hash of the key. */
export function drawing(...key: readonly number[]): (below: number) => number {
  let state = key.reduce((hash, part) => Math.imul(hash ^ part ^ (hash >>> 15), 0x85ebca6b) + 0x9e3779b9, 0);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  next();
  return (below) => Math.floor((next() / 2 ** 32) * below);
}
