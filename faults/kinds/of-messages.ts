// What a server says wrong: answers, requests, bytes in its own memory and on its control socket.

import { type Kind, misdeed } from './kind.ts';

const USERS = ['front', 'compute'] as const;

export const ofMessages: readonly Kind[] = [
  misdeed('late', 'answers that come late', [], { orderMs: 300 }),
  misdeed('wrong', 'answers with another value, to another call, or of a wrong kind', ['validation', 'deadline'], {
    orderMs: 400,
  }),
  misdeed('doubled', 'answers that are sent twice', []),
  misdeed('missing', 'answers that never come', ['deadline'], { orderMs: 400 }),
  misdeed('flood', '5,000 calls at once', ['validation'], { victims: USERS }),
  misdeed('forbidden', 'a request to a server that it does not use', ['validation']),
  misdeed('stale', 'messages about a channel that is closed, or of another time', ['validation'], {
    victims: USERS,
    active: 'effect',
    orderMs: 4_000,
    afterMs: 50,
  }),
  misdeed(
    'flips',
    'up to 16 bits of one of its regions turn over',
    ['validation', 'exception', 'exit', 'deadline', 'heartbeat'],
    {
      active: 'effect',
      afterMs: 300,
    },
  ),
  misdeed('words', 'a word of a ring, or of its status', ['validation', 'exception', 'exit', 'deadline', 'heartbeat'], {
    active: 'effect',
    afterMs: 300,
  }),
  misdeed('words-die', 'a word of a ring, and SIGKILL at once', ['exit'], { isOptIn: true }),
  misdeed('started-die', 'the word `started` goes back by up to 40 * 16 bytes, and SIGKILL at once', ['exit']),
  misdeed('foreign', 'a write to memory of another', ['exit']),
  misdeed('babble', 'bytes on the control socket that are no message', ['validation']),
];
