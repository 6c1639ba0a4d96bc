// Does polling pay? Polling on after the last message saves the sleep and the wake-up (some 20 us on each side) when the next message
// comes soon, and burns a core when it does not. A small saturating score decides:
//
//   polled, and a message came                 +1
//   polled for the whole window in vain        -2
//   slept, and was woken within DIALOGUE_MS    +1   a dialogue: with both sides awake the gap would have been far shorter
//   slept longer                               -1
//
// A machine that runs us late (cores are short) switches polling off for a while. Pure: time is passed in.

/** How long to poll on after the last message, ms. */
export const WINDOW_MAX_MS = 0.05;
const DIALOGUE_MS = 0.2;
const SCORE_MAX = 8;
const SCORE_ON = 4;
const SHORT_OF_CORES_MS = 5;

export class WaitPolicy {
  #score = SCORE_MAX;
  #offUntilMs = 0;
  readonly #enabled: boolean;

  /** @param cores what this process may use; with one, polling only keeps the peer from running. */
  constructor(cores: number) {
    this.#enabled = cores > 1;
  }

  hit(): void {
    if (this.#score < SCORE_MAX) this.#score += 1;
  }

  missed(): void {
    this.#score = Math.max(0, this.#score - 2);
  }

  /** The doorbell woke this process, `gapMs` after its last message. */
  woken(gapMs: number): void {
    if (gapMs <= DIALOGUE_MS) this.hit();
    else if (this.#score > 0) this.#score -= 1;
  }

  /** A short spin took far longer than it should: somebody else needed this core. */
  ranLate(nowMs: number): void {
    this.#offUntilMs = nowMs + SHORT_OF_CORES_MS;
  }

  /** How long to poll on after the last message, ms; 0: park at once. */
  windowMs(nowMs: number): number {
    return this.#enabled && this.#score >= SCORE_ON && nowMs >= this.#offUntilMs ? WINDOW_MAX_MS : 0;
  }
}
