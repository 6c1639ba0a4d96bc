// Does polling pay? Polling on after the last message saves the sleep and the wake-up (some 20 us) when the next message comes soon,
// and burns a core when it does not. The policy watches the gaps between messages: only gaps shorter than the window would have been
// bridged. A small saturating score decides; a machine that runs us late (cores are short) switches polling off for a while.
// Pure: time is passed in.

export const WINDOW_MAX_MS = 0.05;
const SCORE_MAX = 8;
const SCORE_ON = 4;
const SHORT_OF_CORES_MS = 50;

export class WaitPolicy {
  #score: number;
  #offUntilMs = 0;
  readonly #enabled: boolean;

  /** @param cores what this process may use; with one, polling only keeps the peer from running. */
  constructor(cores: number) {
    this.#enabled = cores > 1;
    this.#score = SCORE_MAX;
  }

  /** A message came `gapMs` after the one before it was done. */
  observe(gapMs: number): void {
    if (gapMs <= WINDOW_MAX_MS) {
      if (this.#score < SCORE_MAX) this.#score += 1;
    } else if (this.#score > 0) {
      this.#score -= gapMs > 10 * WINDOW_MAX_MS ? 2 : 1;
      if (this.#score < 0) this.#score = 0;
    }
  }

  /** A short spin took far longer than it should: somebody else needed this core. */
  observeLate(nowMs: number): void {
    this.#offUntilMs = nowMs + SHORT_OF_CORES_MS;
  }

  /** How long to poll on after the last message, ms; 0: park at once. */
  windowMs(nowMs: number): number {
    return this.#enabled && this.#score >= SCORE_ON && nowMs >= this.#offUntilMs ? WINDOW_MAX_MS : 0;
  }
}
