// How long to wait before what died is started again.

const STEPS_MS = [0, 50, 200, 1000, 2000, 4000, 8000, 16_000, 30_000];

/** @param deaths in a row, of what had not been up for long; 1 or more. */
export function restartDelayMs(deaths: number): number {
  return STEPS_MS[Math.min(deaths, STEPS_MS.length) - 1] as number;
}
