// What tells one request's data from another's: a word for each id that cannot be guessed by adding one or flipping a bit.

/** 32 bits, from a seed and a number. */
export function tokenOf(seed: number, id: number): number {
  let t = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(id + 1, 0xc2b2ae35)) >>> 0;
  t = Math.imul(t ^ (t >>> 16), 0x7feb352d);
  t = Math.imul(t ^ (t >>> 15), 0x846ca68b);
  return (t ^ (t >>> 16)) >>> 0;
}

/** What the server `compute` makes of a request. */
export function workOf(id: number, token: number): number {
  return tokenOf(token, id);
}
