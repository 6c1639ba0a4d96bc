// A channel over an end that does nothing: the ids of its calls, and notifications that are queued and out again at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkerryError } from '../base/errors.ts';
import { type ClientEnd, NO_CALL } from '../channel/transport.ts';
import { CALLS_MAX } from '../protocol/limits.ts';
import { Call } from './call.ts';
import { Channel } from './channel.ts';
import { Deadlines } from './deadlines.ts';

const GENERATIONS = 2 ** 21 - 1;

test('ids of calls recur after 2^21 - 1 calls of a slot; none is 0, or that of a notification, or beyond a 32-bit word', () => {
  let sent = 0;
  const end = {
    send: (_kind: number, _flags: number, _method: number, callId: number) => {
      sent = callId;
      return true;
    },
    settled: () => {},
    credit: () => {},
    peerQueue: 0,
    unstarted: 0,
  } as unknown as ClientEnd;
  const channel = new Channel({
    name: 'test.0',
    deadlines: new Deadlines(),
    life: { hold: () => {}, drop: () => {} },
    onBroken: (error) => assert.fail(error),
  }).use(end);
  const unsent = new SkerryError('SKERRY_MEMORY', 'it was not sent');
  /** One stream, from its start to its end: the slot is free again. (Two million promises would take longer.) */
  const next = (): number => {
    channel.stream(new Call('test.call', 0, false, 0, 0, undefined, [], undefined, undefined));
    channel.onUnsent(sent, unsent);
    return sent;
  };
  const first = next();
  let least = first;
  let most = first;
  for (let n = 1; n < GENERATIONS; n++) {
    const callId = next();
    least = Math.min(least, callId);
    most = Math.max(most, callId);
    if (callId % CALLS_MAX !== first % CALLS_MAX) assert.fail('another slot');
  }
  assert.ok(least >= CALLS_MAX, `the least is ${least}`);
  assert.ok(most < 2 ** 31 && most !== NO_CALL, `the most is ${most}`);
  assert.equal(next(), first);
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
  const channel = new Channel({
    name: 'test.0',
    deadlines: new Deadlines(),
    life: { hold: () => {}, drop: () => {} },
    onBroken: (error) => assert.fail(error),
  }).use(end);
  await channel.notify(new Call('test.note', 0, false, 0, 50, undefined, [], undefined, undefined));
  assert.equal(timers.mock.callCount(), 0);
});
