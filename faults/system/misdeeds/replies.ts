// Answers: late, wrong, twice, or not at all. That to the order itself is tampered with, and some of those that follow it.

import { Kind } from '../../../src/protocol/record.ts';
import type { Random } from '../../../test/fault/random.ts';
import type { Deed, Misdeed } from '../misdeed.ts';
import { type Outgoing, tapReplies } from '../taps.ts';

type Tamper = (reply: Outgoing) => void;

/** Answers to others, at most, that are tampered with as well. */
const OTHERS_MAX = 2;

/** What happens to which answer. */
const own = new WeakMap<object, Tamper>();
let others: Tamper | undefined;
let othersLeft = 0;

tapReplies((reply) => {
  const tamper = reply.kind === Kind.reply ? tamperFor(reply.body) : undefined;
  tamper?.(reply);
  return tamper !== undefined;
});

export const replies: Readonly<Record<string, Misdeed>> = {
  late: tampering((random) => {
    const ms = random.int(30, 500);
    return ({ kind, callId, body, send: sendAs }) => void setTimeout(() => sendAs(kind, callId, body), ms);
  }),

  /** Another value, to another call, or a record of a kind that no call is answered with. */
  wrong: tampering((random) => {
    const how = random.int(0, 3);
    const bit = 1 << random.int(0, 9);
    return ({ kind, callId, body, send: sendAs }) => {
      if (how === 0) sendAs(kind, callId, { not: 'what was asked for' });
      else if (how === 1) sendAs(kind, callId, altered(body, bit));
      else if (how === 2) sendAs(kind, callId ^ bit, body);
      else sendAs(Kind.item, callId, body);
    };
  }),

  doubled: tampering(() => ({ kind, callId, body, send: sendAs }) => {
    sendAs(kind, callId, body);
    sendAs(kind, callId, body);
  }),

  missing: tampering(() => () => {}),
};

function tampering(make: (random: Random) => Tamper): Misdeed {
  return ({ answer, random, mark }: Deed) => {
    const tamper = make(random);
    own.set(answer, (reply) => {
      mark();
      tamper(reply);
    });
    others = tamper;
    othersLeft = random.int(0, OTHERS_MAX);
  };
}

function tamperFor(body: unknown): Tamper | undefined {
  if (typeof body === 'object' && body !== null && own.has(body)) {
    const tamper = own.get(body);
    own.delete(body);
    return tamper;
  }
  if (othersLeft === 0) return undefined;
  othersLeft -= 1;
  return others;
}

/** The same with another number in it. */
function altered(body: unknown, bit: number): unknown {
  if (typeof body === 'number') return body ^ bit;
  if (typeof body !== 'object' || body === null) return { not: body };
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, typeof value === 'number' ? value ^ bit : value]));
}
