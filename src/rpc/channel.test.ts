// A channel over an end that does nothing: the ids of its calls, and notifications that are queued and out again at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectGarbage } from '../../test/fault/collect-garbage.ts';
import { SkerryError } from '../base/errors.ts';
import type { Decoder } from '../channel/codec/decoder.ts';
import { type ClientEnd, NO_CALL } from '../channel/transport.ts';
import { CALLS_MAX } from '../protocol/limits.ts';
import { Kind } from '../protocol/record.ts';
import { Call } from './call.ts';
import { Channel } from './channel.ts';
import { Deadlines } from './deadlines.ts';

const GENERATIONS = 2 ** 21 - 1;

/** A channel over this end that must not break. */
function makeChannel(end: ClientEnd, generation = 0): Channel {
  return new Channel({
    generation,
    name: 'test.0',
    deadlines: new Deadlines(),
    life: { hold: () => {}, drop: () => {} },
    onBroken: (error) => assert.fail(error),
  }).use(end);
}

function someCall(): Call {
  return new Call('test.call', 0, false, 0, 0, undefined, [], undefined, undefined);
}

/** An end that takes every record, and knows the id of the last. */
function endThatSends(): ClientEnd & { readonly sent: number } {
  const end = {
    sent: 0,
    send: (_kind: number, _flags: number, _method: number, callId: number) => {
      end.sent = callId;
      return true;
    },
    settled: () => {},
    credit: () => {},
    peerQueue: 0,
    unstarted: 0,
  };
  return end as unknown as ClientEnd & { readonly sent: number };
}

test('ids of calls recur after 2^21 - 1 calls of a slot; none is 0, or that of a notification, or beyond a 32-bit word', () => {
  const end = endThatSends();
  const AROUND = 1000;
  const channel = makeChannel(end, GENERATIONS - AROUND);
  const unsent = new SkerryError('SKERRY_MEMORY', 'it was not sent');
  /** One stream, from its start to its end: the slot is free again. */
  const next = (): number => {
    channel.stream(someCall());
    channel.onUnsent(end.sent, unsent);
    return end.sent;
  };
  const first = next();
  let least = first;
  let most = first;
  for (let n = 1; n < 2 * AROUND; n++) {
    const callId = next();
    least = Math.min(least, callId);
    most = Math.max(most, callId);
    if (callId % CALLS_MAX !== first % CALLS_MAX) assert.fail('another slot');
  }
  assert.ok(least >= CALLS_MAX, `the least is ${least}`);
  assert.ok(most < 2 ** 31 && most !== NO_CALL, `the most is ${most}`);
  assert.equal(most, GENERATIONS * CALLS_MAX + (first % CALLS_MAX), 'it came to the last');
  assert.equal(least, CALLS_MAX + (first % CALLS_MAX), 'and began again');
  assert.equal(next(), AROUND * CALLS_MAX + CALLS_MAX + (first % CALLS_MAX));
  assert.equal(channel.inFlight, 0);
});

test('a notification that is published within its sending arms no timer', async (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout');
  const end = {
    send: (...given: unknown[]) => {
      (given[6] as () => void)(); // queued, flushed, published
      return false;
    },
    peerQueue: 0,
    unstarted: 0,
  } as unknown as ClientEnd;
  const channel = makeChannel(end);
  await channel.notify(new Call('test.note', 0, false, 0, 50, undefined, [], undefined, undefined));
  assert.equal(timers.mock.callCount(), 0);
});

test('a burst beyond the slots of a channel is refused only when no answer is here', async () => {
  const sent: number[] = [];
  let answered = 0;
  let channel: Channel;
  const end = {
    send: (_kind: number, _flags: number, _method: number, callId: number) => {
      sent.push(callId);
      return true;
    },
    settled: () => {},
    look: () => {
      if (answered < 10)
        channel.onRecord(Kind.reply, 0, sent[answered++] as number, { value: () => 'answer' } as unknown as Decoder);
    },
    peerQueue: 0,
    unstarted: 0,
  } as unknown as ClientEnd;
  channel = makeChannel(end);
  const outcomes = new Map<unknown, number>();
  const count = (what: unknown) => outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  for (let n = 0; n < CALLS_MAX + 15; n++) {
    channel.call(someCall()).then(count, (error) => count(error.code));
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    [...outcomes],
    [
      ['answer', 10],
      ['SKERRY_BUSY', 5],
    ],
  );
});

test('what a dead instance had started, and goes again, may have been executed, however its second sending ends', async () => {
  const over = new SkerryError('SKERRY_MEMORY', 'a region was refused');
  const ends: ((channel: Channel, callId: number) => void)[] = [
    (channel, callId) => channel.onUnsent(callId, over),
    (channel) => channel.down(over),
    (channel) => channel.close(over),
  ];
  for (const end of ends) {
    let sent = 0;
    const fake = {
      send: (...given: unknown[]) => {
        sent = given[3] as number;
        return false;
      },
      freeze: () => {},
      fateOf: () => 'started',
      carry: () => {},
      settled: () => {},
      cancel: () => true, // it stands in the queue
      close: () => {},
      peerRunning: 2,
      peerQueue: 0,
      unstarted: 0,
    } as unknown as ClientEnd;
    const channel = makeChannel(fake);
    const call = channel.call(new Call('test.call', 0, true, 0, 0, undefined, [], undefined, undefined));
    channel.died({ reason: 'restarted', ordered: true });
    end(channel, sent);
    await assert.rejects(call, { code: 'SKERRY_MEMORY', maybeExecuted: true });
  }
});

test('what a second instance has refused, its dead predecessor may have executed', async () => {
  const refused = new SkerryError('SKERRY_TIMEOUT', 'not started before its deadline', { maybeExecuted: false });
  for (const [died, maybeExecuted] of [
    [true, true],
    [false, false],
  ] as const) {
    let sent = 0;
    const fake = {
      send: (...given: unknown[]) => {
        sent = given[3] as number;
        return true;
      },
      freeze: () => {},
      fateOf: () => 'started',
      carry: () => {},
      settled: () => {},
      peerRunning: 2,
      peerQueue: 0,
      unstarted: 0,
    } as unknown as ClientEnd;
    const channel = makeChannel(fake);
    const call = channel.call(new Call('test.call', 0, true, 0, 0, undefined, [], undefined, undefined));
    if (died) channel.died({ reason: 'SIGKILL', ordered: false });
    channel.onRecord(Kind.error, 0, sent, { value: () => refused } as unknown as Decoder);
    await assert.rejects(call, { code: 'SKERRY_TIMEOUT', maybeExecuted });
  }
});

test('what could not be sent after all was not executed, and says so', async () => {
  const memory = new SkerryError('SKERRY_MEMORY', 'a region was refused');
  let sent = 0;
  const end = {
    send: (...given: unknown[]) => {
      sent = given[3] as number;
      (given[6] as ((error: SkerryError) => void) | undefined)?.(memory);
      return false;
    },
    settled: () => {},
    peerQueue: 0,
    unstarted: 0,
  } as unknown as ClientEnd;
  const channel = makeChannel(end);
  const call = channel.call(someCall());
  channel.onUnsent(sent, memory);
  for (const one of [call, channel.notify(someCall())])
    await assert.rejects(one, { code: 'SKERRY_MEMORY', maybeExecuted: false, message: 'a region was refused' });
});

test('a server that says its queue is full is sent nothing more, though this client has nothing there', async () => {
  let sent = 0;
  const told = { peerQueue: 8, peerLoad: 0, unstarted: 0, settled: () => {} };
  const end = Object.assign(told, {
    send: () => {
      sent += 1;
      return true;
    },
  }) as unknown as ClientEnd;
  const channel = makeChannel(end);
  channel.queueMax = 8;
  for (let n = 0; n < 20; n++) {
    const why = {
      code: 'SKERRY_BUSY',
      maybeExecuted: false,
      message: /not sent to test\.0: 8 calls wait there unstarted; its queueMax is 8$/,
    };
    await assert.rejects(channel.call(someCall()), why);
    await assert.rejects(channel.notify(someCall()), why);
  }
  assert.equal(sent, 0);
  told.peerQueue = 5; // more than half: it is looked at for each call
  void channel.call(someCall());
  told.peerQueue = 8;
  await assert.rejects(channel.call(someCall()), { code: 'SKERRY_BUSY' });
  assert.equal(sent, 1);
  told.peerQueue = 4;
  for (let n = 0; n < 3; n++) void channel.call(someCall());
  assert.equal(sent, 4, 'there is room again');
});

test('a queue that fills up is seen within 16 calls, and the load is that of all clients', async () => {
  const told = { peerQueue: 0, peerLoad: 0, unstarted: 0, settled: () => {}, send: () => true };
  const channel = makeChannel(told as unknown as ClientEnd);
  void channel.call(someCall());
  assert.equal(channel.load, 1, 'what it has not told yet counts');
  told.peerQueue = 1_000_000;
  told.peerLoad = 1_000_064;
  assert.equal(channel.load, 1_000_064);
  const outcomes = await Promise.race([
    Promise.any(Array.from({ length: 16 }, () => channel.call(someCall()).catch((error) => error.code))),
    new Promise((resolve) => setImmediate(resolve, 'all were sent')),
  ]);
  assert.equal(outcomes, 'SKERRY_BUSY');
});

test("what a call was answered with is nobody's but its caller's", async () => {
  const end = endThatSends();
  const channel = makeChannel(end);
  const answer = async (): Promise<WeakRef<object>> => {
    const reply = channel.call(someCall());
    channel.onRecord(Kind.reply, 0, end.sent, { value: () => ({ large: true }) } as unknown as Decoder);
    return new WeakRef((await reply) as object);
  };
  const answered = await answer();
  await nextTurn();
  collectGarbage();
  assert.equal(answered.deref(), undefined);
});
