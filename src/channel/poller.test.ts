// The poller over pollables that are only counters: who has its turn, who is parked.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { processMs } from '../base/clock.ts';
import { TURN_RECORDS } from '../protocol/limits.ts';
import { type Pollable, Poller } from './poller.ts';

const OPTIONS = { timeout: 20_000 };

/** A channel with so many records to take. */
class Fake implements Pollable {
  hot = false;
  lastWorkMs = 0;
  expecting = false;
  parked = false;
  parks = 0;
  taken = 0;
  records: number;
  /** Called for each record that is taken. */
  onTaken: () => void = () => {};

  constructor(records = 0) {
    this.records = records;
  }

  expects(): boolean {
    return this.expecting;
  }

  hasWork(): boolean {
    return this.records > 0;
  }

  poll(max: number): number {
    let count = 0;
    for (; count < max && this.records > 0; count++) {
      this.records -= 1;
      this.taken += 1;
      this.onTaken();
    }
    return count;
  }

  settle(): void {}

  park(): boolean {
    this.parks += 1;
    this.parked = this.records === 0;
    return this.parked;
  }

  parkAnew(): boolean {
    return this.park();
  }

  unpark(): void {
    this.parked = false;
  }

  isPeerAwake = false;

  mayBeLate(): boolean {
    return this.isPeerAwake;
  }
}

/** What is published while it falls asleep is seen with the next look after that. */
class LateFake extends Fake {
  override park(): boolean {
    const parked = super.park();
    this.#looks = 0;
    return parked;
  }
  #looks = 0;

  override hasWork(): boolean {
    if (this.parked && this.parks > 1 && this.taken === 0 && this.#looks++ === 0) this.records = 1;
    return super.hasWork();
  }
}

/** At the end of the test nothing is polled: what is hot would keep the process alive. */
function makePoller(t: TestContext, channels: readonly Fake[]): Poller {
  const poller = new Poller(2, () => {});
  t.after(() => {
    for (const channel of channels) poller.remove(channel);
  });
  return poller;
}

function endless(): Fake {
  return new Fake(Number.POSITIVE_INFINITY);
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const end = processMs() + 10_000; !condition(); ) {
    if (processMs() > end) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test(
  `a turn of the event loop takes ${TURN_RECORDS} records at most, of all channels together: others have their turn`,
  OPTIONS,
  async (t) => {
    const channels = [endless(), endless()] as const;
    const poller = makePoller(t, channels);
    let inTurn = 0;
    let most = 0;
    for (const channel of channels) {
      channel.onTaken = () => {
        inTurn += 1;
        most = Math.max(most, inTurn);
      };
      poller.add(channel);
    }
    let turns = 0;
    let timers = 0;
    const timer = setInterval(() => {
      timers += 1;
    }, 1);
    await new Promise<void>((resolve) => {
      const turn = () => {
        inTurn = 0;
        turns += 1;
        if (turns >= 500 && timers >= 5) resolve();
        else setImmediate(turn);
      };
      setImmediate(turn);
    });
    clearInterval(timer);
    assert.ok(most > 0 && most <= TURN_RECORDS, `${most} records in one turn`);
    const [a, b] = channels.map(({ taken }) => taken) as [number, number];
    assert.ok(a > 0 && b > 0 && Math.abs(a - b) <= (a + b) / 4, `both have their share: ${a}, ${b}`);
  },
);

test(
  'a channel that is quiet is parked while a hot one is polled, and is polled again when it is rung for',
  OPTIONS,
  async (t) => {
    const hot = endless();
    const quiet = new Fake(1);
    const poller = makePoller(t, [hot, quiet]);
    let idle = 0;
    poller.onIdle = () => {
      idle += 1;
    };
    poller.add(hot);
    poller.add(quiet);
    assert.ok(hot.hot && quiet.hot);
    await until('the quiet one is parked', () => !quiet.hot);
    assert.ok(quiet.parked && quiet.taken === 1);
    assert.ok(hot.hot && !hot.parked);
    const { taken } = hot;
    await until('the hot one is polled on', () => hot.taken > taken + 10 * TURN_RECORDS);
    assert.ok(!quiet.hot && quiet.parked);
    quiet.records = 3;
    poller.onBell();
    await until('it has its turn', () => quiet.taken === 4);
    assert.equal(idle, 0);
    hot.records = 0;
    await until('all are parked', () => idle > 0);
    assert.ok(hot.parked && quiet.parked && !hot.hot && !quiet.hot);
  },
);

test(
  'a lone message to one that sleeps between messages: it sleeps on at once; of several it looks for more',
  OPTIONS,
  async (t) => {
    const channel = new Fake();
    const poller = makePoller(t, [channel]);
    poller.add(channel);
    for (let n = 0; n < 8; n++) {
      await new Promise((resolve) => setTimeout(resolve, 2)); // messages come seldom: polling does not pay
      channel.records = 1;
      poller.onBell();
      await until('it is parked', () => !channel.hot);
    }
    channel.records = 1;
    poller.onBell();
    assert.deepEqual([channel.taken, channel.hot, channel.parked], [9, false, true]);
    channel.onTaken = () => {
      if (channel.taken === 10) channel.records += 1; // the next one comes while this one is taken
    };
    channel.records = 1;
    poller.onBell();
    assert.equal(channel.hot, true);
    await until('it is parked', () => !channel.hot);
    assert.equal(channel.taken, 11);
  },
);

test('a channel to which something comes while it is being parked stays hot', OPTIONS, async (t) => {
  const channel = new Fake(1);
  const poller = makePoller(t, [channel]);
  const { park } = channel;
  let late = 5;
  channel.park = () => {
    if (channel.taken > 0 && late > 0) {
      late -= 1;
      channel.records += 1;
    }
    return park.call(channel);
  };
  poller.add(channel);
  await until('it is parked in the end', () => channel.taken === 6 && !channel.hot);
  assert.ok(channel.parked);
});

for (const isPeerAwake of [true, false]) {
  const what = isPeerAwake ? 'is looked at once more' : 'is left alone: its peer would ring';
  test(`who has just fallen asleep, beside a peer that ${isPeerAwake ? 'is awake' : 'sleeps'}, ${what}`, OPTIONS, async (t) => {
    const channel = new LateFake();
    channel.isPeerAwake = isPeerAwake;
    const poller = makePoller(t, [channel]);
    poller.add(channel);
    for (let n = 0; n < 3 && channel.parks < 2; n++) poller.onBell(); // it has no work, and falls asleep again
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    assert.equal(channel.taken, isPeerAwake ? 1 : 0);
  });
}

test('the bell for nobody: who has no work announces again that it sleeps', OPTIONS, (t) => {
  const channel = new Fake();
  const poller = makePoller(t, [channel]);
  let idle = 0;
  poller.onIdle = () => {
    idle += 1;
  };
  poller.add(channel);
  assert.equal(channel.parks, 1);
  poller.onBell();
  assert.deepEqual([channel.parks, channel.hot, idle], [2, false, 1]);
});

test(
  'a hot channel that is removed is not polled again, though its own record removes it; the others are',
  OPTIONS,
  async (t) => {
    const others = [endless(), endless()] as const;
    const removed = endless();
    const [first, last] = others;
    const poller = makePoller(t, [...others, removed]);
    for (const channel of [first, removed, last]) poller.add(channel);
    let takenAtEnd = 0;
    removed.onTaken = () => {
      if (removed.taken < 100 || takenAtEnd > 0) return;
      takenAtEnd = removed.taken;
      poller.remove(removed);
      removed.records = 0; // as with an end that is closed: what `poll` had begun is over
    };
    await until('it has been removed', () => takenAtEnd > 0);
    removed.records = Number.POSITIVE_INFINITY;
    poller.wake(removed);
    poller.onBell();
    const before = others.map(({ taken }) => taken);
    await until('the others go on', () => others.every(({ taken }, at) => taken > (before[at] as number) + 10 * TURN_RECORDS));
    assert.equal(removed.taken, takenAtEnd);
    assert.equal(removed.hot, false);
    for (const channel of others) poller.remove(channel);
    const after = others.map(({ taken }) => taken);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(
      others.map(({ taken }) => taken),
      after,
    );
  },
);

test('the process is kept alive by what is held, not by polling', OPTIONS, async () => {
  const kept: boolean[] = [];
  const poller = new Poller(2, (on) => kept.push(on));
  const channel = new Fake(1);
  poller.add(channel);
  await until('it is parked', () => !channel.hot);
  assert.deepEqual(kept, []);
  poller.hold();
  poller.hold();
  poller.drop();
  assert.deepEqual(kept, [true]);
  poller.drop();
  assert.deepEqual(kept, [true, false]);
});
