// What is done to processes from outside.

import { setTimeout as sleep } from 'node:timers/promises';
import { fault, type Kind, type ServerName } from './kind.ts';

/** Both ends of a channel. */
const PAIRS: readonly (readonly [ServerName, ServerName])[] = [
  ['front', 'compute'],
  ['compute', 'ledger'],
  ['front', 'driver'],
];

export const ofProcesses: readonly Kind[] = [
  fault('kill', 'SIGKILL', ['exit'], {}, async ({ signal, victim }) => {
    signal(victim.pid, 'SIGKILL');
  }),
  fault('stop', 'SIGSTOP', ['heartbeat'], { orderMs: 4_000 }, async ({ signal, victim }) => {
    signal(victim.pid, 'SIGSTOP');
  }),
  fault('stop-cont', 'SIGSTOP, and SIGCONT after 20 to 900 ms', [], { afterMs: 100 }, async ({ signal, victim, random, note }) => {
    const ms = random.int(20, 900);
    signal(victim.pid, 'SIGSTOP');
    await sleep(ms);
    signal(victim.pid, 'SIGCONT');
    note(`for ${ms} ms`);
  }),
  fault('process-server', 'SIGKILL of the process server', ['exit'], {}, async ({ signal, processServer }) => {
    signal(await processServer(), 'SIGKILL');
  }),
  fault('spare', 'SIGKILL of a warm spare', ['exit'], {}, async ({ signal, spares, random, note }) => {
    const pids = await spares();
    if (pids.length === 0) note('there was none');
    else signal(random.pick(pids), 'SIGKILL');
  }),
  fault('starting', 'SIGKILL, and again of its successor while it starts', ['exit'], {}, async (scene) => {
    const spares = await scene.spares();
    const delayMs = scene.random.int(0, 20);
    scene.signal(scene.victim.pid, 'SIGKILL');
    await sleep(delayMs);
    for (const pid of spares) scene.signal(pid, 'SIGKILL'); // one of them has taken its place by now, or is about to
    scene.note(`again after ${delayMs} ms`);
  }),
  fault('both-ends', 'SIGKILL of both ends of a channel at once', ['exit'], {}, async ({ signal, instance, random, note }) => {
    const names = random.pick(PAIRS);
    const ends = await Promise.all(names.map((name) => instance(name)));
    for (const { pid } of ends) signal(pid, 'SIGKILL');
    note(names.join(' and '));
  }),
];
