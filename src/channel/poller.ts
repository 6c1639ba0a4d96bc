// The poller of an isolate: looks at the hot channels once a turn of the event loop, spins a little, and parks what is quiet.
//
//            bell / send                    window over
//   parked ─────────────▶ hot (polled) ─────────────────▶ parked
//
// Within one turn it takes messages, lets the promises they settled run (a microtask hop), and looks again: a dialogue needs no turn
// of the event loop for each message. (After a lone message, where polling does not pay, it parks at once.) A turn ends after TURN_RECORDS
// records or TURN_MS, so timers and I/O keep their turn.
// Invariant: a pollable is in `#hot` exactly when `hot` is true; one that is not hot has announced that it is parked, or expects
// nothing. The process is kept alive by `hold`/`drop` (a pending call), never by polling.

import { processMs } from '../base/clock.ts';
import { keepLayout } from '../base/keep-layout.ts';
import { TURN_MS, TURN_RECORDS } from '../protocol/limits.ts';
import { DIALOGUE_MS, WaitPolicy, WINDOW_MAX_MS } from './wait-policy.ts';

export interface Pollable {
  /** Managed by the poller: is it polled, and when had it work last. */
  hot: boolean;
  lastWorkMs: number;
  /** Does it expect anything? One that does not is dropped without being parked. */
  expects(): boolean;
  /** Is there something that `poll` could take now? One or two loads. */
  hasWork(): boolean;
  /** Takes at most `max` records. @returns how many. */
  poll(max: number): number;
  /** Makes up for what was published without a fence. Called while it is polled, whenever it has no work. */
  settle(): void;
  /** Announces that it sleeps, then looks once more. @returns false, and is awake again, when something had come. */
  park(): boolean;
  /** Announces anew that it sleeps, then looks once more. @returns false when something had come; it is still announced then. */
  parkAnew(): boolean;
  /** Takes the announcement back. */
  unpark(): void;
  /** May its peer be awake, and have published while this one fell asleep? Asked once it is parked. */
  mayBeLate(): boolean;
}

const SHARE = 32;
const SPIN_MS = 0.004;
const SPIN_LOOKS = 24;
const HOPS_MAX = 4;
const LATE_MS = 1;
/** What a peer published without a fence, while this one fell asleep, is out of its core by then. */
const LAST_LOOK_MS = 0.0003;

export class Poller {
  readonly #all = new Set<Pollable>();
  readonly #hot: Pollable[] = [];
  /** Those that this turn has parked, and whose peers may be awake. */
  readonly #parked: Pollable[] = [];
  readonly #policy: WaitPolicy;
  readonly #keepAlive: (on: boolean) => void;
  #kept = false;
  #holds = 0;
  #scheduled = false;
  #inTurn = false;
  #budget = 0;
  #turnStartMs = 0;
  /** The clock when it was looked at last. */
  #nowMs = 0;
  #lastWorkMs = 0;
  #hops = 0;
  #next = 0;
  /** This turn began with the doorbell, after a sleep. */
  #woken = false;
  /** The last message came without a sleep: a few microseconds of looking are worth it even while polling pauses. */
  #flowing = false;

  /** Called before the poller sleeps: nothing is hot. */
  onIdle: () => void = () => {};

  /** @param keepAlive keeps the event loop alive, or does so no more. */
  constructor(cores: number, keepAlive: (on: boolean) => void) {
    this.#policy = new WaitPolicy(cores);
    this.#keepAlive = keepAlive;
  }

  add(pollable: Pollable): void {
    this.#all.add(pollable);
    if (pollable.park()) return;
    this.wake(pollable);
  }

  remove(pollable: Pollable): void {
    this.#all.delete(pollable);
    const at = this.#hot.indexOf(pollable);
    if (at >= 0) this.#cool(at);
    pollable.hot = false;
  }

  /** One more reason to keep the process alive (a pending call). */
  hold(): void {
    this.#holds += 1;
    if (!this.#kept && !this.#scheduled && !this.#inTurn) this.#syncKeepAlive();
  }

  drop(): void {
    this.#holds -= 1;
    if (this.#holds === 0 && !this.#scheduled && !this.#inTurn) this.#syncKeepAlive();
  }

  /**
   * Something was sent and an answer is expected: poll, if polling pays; else the pollable stays parked and will be rung for.
   * @param peerSlept the peer has to wake up first: worth polling for only in the midst of a dialogue.
   */
  expect(pollable: Pollable, peerSlept: boolean): void {
    if (pollable.hot) {
      if (!this.#scheduled && !this.#inTurn) this.#schedule();
      return;
    }
    const now = processMs();
    if (this.#policy.windowMs(now) === 0 || (peerSlept && now - this.#lastWorkMs > DIALOGUE_MS)) return;
    this.#lastWorkMs = now;
    this.wake(pollable);
  }

  /** Makes a pollable hot: something may be there. */
  wake(pollable: Pollable): void {
    if (!pollable.hot) {
      if (!this.#all.has(pollable)) return;
      this.#heat(pollable);
    }
    if (!this.#scheduled && !this.#inTurn) this.#schedule();
  }

  /**
   * The doorbell rang. Whoever was rung for without having work starts a new epoch: its producer rings once in each, and the ring of
   * this one has been spent (verify/ring.pml, EPOCH_SLEPT_ON).
   */
  readonly onBell = (): void => {
    const slept = !this.#scheduled;
    for (const pollable of this.#all) {
      if (pollable.hot) continue;
      if (!pollable.hasWork() && this.#sleepsOn(pollable, pollable.parkAnew())) continue;
      this.#heat(pollable);
    }
    this.#lookLast();
    if (this.#hot.length === 0) return this.onIdle();
    if (slept) this.#woken = true;
    this.#turn();
  };

  #heat(pollable: Pollable): void {
    pollable.unpark();
    pollable.hot = true;
    pollable.lastWorkMs = processMs();
    this.#hot.push(pollable);
  }

  #schedule(): void {
    this.#scheduled = true;
    setImmediate(this.#immediate);
  }

  readonly #immediate = (): void => {
    this.#scheduled = false;
    this.#turn();
  };

  #turn(): void {
    if (this.#inTurn) return;
    this.#inTurn = true;
    this.#budget = TURN_RECORDS;
    this.#turnStartMs = processMs();
    this.#nowMs = this.#turnStartMs;
    this.#hops = 0;
    this.#pass();
  }

  readonly #pass = (): void => {
    let taken = this.#pollAll();
    let now = processMs();
    this.#nowMs = now;
    if (taken === 0 && (this.#flowing || this.#policy.windowMs(now) > 0)) {
      if (this.#expecting()) {
        taken = this.#spin(now);
        now = processMs();
      } else if (this.#hops < HOPS_MAX) {
        this.#hops += 1;
        hop(this.#pass);
        return;
      }
    }
    if (taken > 0) {
      const isLone = this.#woken && taken === 1 && this.#policy.windowMs(now) === 0;
      if (this.#woken) {
        this.#woken = false;
        this.#flowing = false;
        this.#policy.woken(now - this.#lastWorkMs);
      } else {
        this.#flowing = true;
        this.#policy.hit();
      }
      this.#lastWorkMs = now;
      this.#budget -= taken;
      this.#hops = 0;
      // What follows on a lone message is heard by the doorbell, and what has come with it is seen before it sleeps: one look less.
      if (isLone) taken = 0;
      else if (this.#budget > 0 && now - this.#turnStartMs < TURN_MS) {
        hop(this.#pass);
        return;
      }
    }
    this.#inTurn = false;
    this.#endTurn(now, taken);
  };

  #pollAll(): number {
    const hot = this.#hot;
    const count = hot.length;
    let taken = 0;
    for (let i = 0; i < count && taken < this.#budget; i++) {
      this.#next += 1;
      if (this.#next >= hot.length) this.#next = 0;
      const pollable = hot[this.#next];
      if (pollable === undefined) continue;
      if (!pollable.hasWork()) {
        pollable.settle();
        continue;
      }
      pollable.lastWorkMs = this.#nowMs;
      taken += pollable.poll(Math.min(SHARE, this.#budget - taken));
    }
    return taken;
  }

  #expecting(): boolean {
    for (const pollable of this.#hot) if (pollable.expects()) return true;
    return false;
  }

  /** Looks again and again for SPIN_MS at most. */
  #spin(startMs: number): number {
    const hot = this.#hot;
    for (;;) {
      for (let look = 0; look < SPIN_LOOKS; look++) {
        for (let i = 0; i < hot.length; i++) if (hot[i]?.hasWork()) return this.#pollAll();
      }
      const now = processMs();
      if (now - startMs > SPIN_MS) {
        if (now - startMs > LATE_MS) this.#policy.ranLate(now);
        return 0;
      }
    }
  }

  #endTurn(nowMs: number, taken: number): void {
    const window = this.#policy.windowMs(nowMs);
    if (taken === 0 && nowMs - this.#lastWorkMs >= window) {
      if (window > 0) this.#policy.missed(nowMs);
      this.#parkQuiet(nowMs);
      this.#flowing = false;
    } else this.#parkQuiet(nowMs - WINDOW_MAX_MS);
    this.#lookLast();
    if (this.#hot.length > 0) {
      if (!this.#scheduled) this.#schedule();
    } else {
      this.onIdle();
      this.#syncKeepAlive();
    }
  }

  /** Parks those that had no work since `sinceMs`: quiet channels are parked while hot ones are polled. */
  #parkQuiet(sinceMs: number): void {
    const hot = this.#hot;
    for (let i = hot.length - 1; i >= 0; i--) {
      const pollable = hot[i];
      if (pollable === undefined || pollable.lastWorkMs > sinceMs || !this.#sleepsOn(pollable, pollable.park())) continue;
      pollable.hot = false;
      this.#cool(i);
    }
  }

  /** @param parked whether it has announced that it sleeps and found nothing since. @returns the same. */
  #sleepsOn(pollable: Pollable, parked: boolean): boolean {
    if (parked && pollable.mayBeLate()) this.#parked.push(pollable);
    return parked;
  }

  /** Takes one out of those that are polled; the last one has its place then. */
  #cool(at: number): void {
    const last = this.#hot.pop();
    if (last !== undefined && at < this.#hot.length) this.#hot[at] = last;
  }

  /** A last look at what has just been parked, as long as a store takes to be seen. */
  #lookLast(): void {
    const parked = this.#parked;
    if (parked.length === 0) return;
    const until = processMs() + LAST_LOOK_MS;
    do {
      for (const pollable of parked) if (!pollable.hot && pollable.hasWork()) this.wake(pollable);
    } while (processMs() < until);
    while (parked.length > 0) parked.pop(); // to set the length would be a call into the engine
  }

  #syncKeepAlive(): void {
    const keep = this.#holds > 0;
    if (keep === this.#kept) return;
    this.#kept = keep;
    this.#keepAlive(keep);
  }
}

const settled = Promise.resolve();

/** Runs `then` after the promises settled so far have been heard. */
function hop(then: () => void): void {
  settled.then(then);
}

/** Each turn has one. Cleared at once: one that has run would keep those that came after it. */
const immediate = setImmediate(() => {});
clearImmediate(immediate);
keepLayout(immediate);
