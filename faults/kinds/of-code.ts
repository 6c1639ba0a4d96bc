// What the code of a server does wrong by accident: errors, loops, memory, ends, descriptors.

import { setTimeout as sleep } from 'node:timers/promises';
import { fault, type Kind, misdeed } from './kind.ts';

export const ofCode: readonly Kind[] = [
  misdeed('throw', 'a handler throws', ['exception']),
  misdeed('uncaught', 'a timer throws', ['exception']),
  misdeed('rejection', 'a rejection that nobody handles', ['exception']),
  misdeed('recursion', 'endless recursion, in a handler or in a timer', ['exception']),
  misdeed('loop', 'a loop that never ends', ['heartbeat']),
  misdeed('stall', 'no turn of the loop for 500 ms', []),
  misdeed('spin', 'a loop of many turns that uses a whole core', ['limit'], { orderMs: 20_000, isOptIn: true }),
  misdeed('objects', 'the heap is exhausted by many objects', ['limit', 'heartbeat']),
  misdeed('array', 'the heap is exhausted by one huge array', ['limit', 'exception']),
  misdeed('leak', 'memory leaks slowly', ['limit']),
  misdeed('exit', 'process.exit()', ['exit']),
  misdeed('abort', 'SIGABRT by process.abort()', ['exit']),
  misdeed('segv', 'SIGSEGV in an addon', ['exit']),
  fault('descriptors', 'no descriptor is left for a while; half the time a peer dies meanwhile', [], {}, async (scene) => {
    const peerDies = scene.random.chance(0.5);
    const delayMs = scene.random.int(20, 120);
    const peer = scene.random.pick((['front', 'compute', 'ledger'] as const).filter((name) => name !== scene.victim.name));
    scene.order('descriptors');
    if (!peerDies) return;
    const { pid } = await scene.instance(peer);
    await sleep(delayMs);
    scene.signal(pid, 'SIGKILL');
    scene.note(`${peer} killed meanwhile`);
  }),
];
