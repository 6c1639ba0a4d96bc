/** Counts down to zero, the slow way. @returns how many steps it took. */
export function countDown(from: number): number {
  let steps = 0;
  for (let n = from; n > 0; n--) steps += 1;
  return steps;
}
