// Does polling pay? Polling on after the last message saves the sleep and the wake-up (some 20 us on each side, far more when the
// machine is busy) when the next message comes soon, and burns a core when it does not. A small saturating score decides:
//
//   polled, and a message came              +1
//   slept, and was woken within DIALOGUE_MS +1   a dialogue: with both sides awake the gap would have been far shorter
//   slept longer                            -1
//
// A dialogue that polling cannot catch (the peer needs longer than the window for each answer) is found by misses in a row: then
// polling pauses. So it does when a short spin took far longer than it should: cores are short. Two sides that both sleep find
// into a dialogue only if both poll at the same time, so a single miss must not switch it off. Pure: time is passed in.

/** How long to poll on after the last message, ms. */
export const WINDOW_MAX_MS = 0.05;
/** Messages that follow within this time are a dialogue. */
export const DIALOGUE_MS = 0.2;
const SCORE_MAX = 8;
const SCORE_ON = 4;
/** So many misses without a hit, and polling pauses: at most 16 windows, 0.8 ms, in each PAUSE_MS. */
const MISSES_MAX = 16;
const PAUSE_MS = 10;
const SHORT_OF_CORES_MS = 5;

export class WaitPolicy {
  #score = SCORE_MAX;
  #misses = 0;
  #offUntilMs = Number.NEGATIVE_INFINITY; // from the start what it is later, no small integer: else compiled code is thrown away then
  readonly #enabled: boolean;

  /** @param cores what this process may use; with one, polling only keeps the peer from running. */
  constructor(cores: number) {
    this.#enabled = cores > 1;
  }

  /** A message came while polling. */
  hit(): void {
    this.#misses = 0;
    if (this.#score < SCORE_MAX) this.#score += 1;
  }

  /** The window passed without one. */
  missed(nowMs: number): void {
    this.#misses += 1;
    if (this.#misses < MISSES_MAX) return;
    this.#misses = 0;
    this.#offUntilMs = nowMs + PAUSE_MS;
  }

  /** The doorbell woke this process, `gapMs` after its last message. */
  woken(gapMs: number): void {
    if (gapMs > DIALOGUE_MS) this.#score = Math.max(0, this.#score - 1);
    else if (this.#score < SCORE_MAX) this.#score += 1;
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
