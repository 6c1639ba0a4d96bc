// What is done to processes from outside.

import { setTimeout as sleep } from 'node:timers/promises';
import { fault, type Kind, SERVERS, type ServerName } from './kind.ts';

/** Both ends of a channel. */
const PAIRS: readonly (readonly [ServerName, ServerName])[] = [
  ['front', 'compute'],
  ['compute', 'ledger'],
  ['front', 'driver'],
];

export const ofProcesses: readonly Kind[] = [
  fault('kill', 'SIGKILL', ['exit'], {}, async (scene) => {
    scene.signal(scene.victim.pid, 'SIGKILL');
  }),
  fault('stop', 'SIGSTOP', ['heartbeat'], { orderMs: 4_000 }, async (scene) => {
    scene.signal(scene.victim.pid, 'SIGSTOP');
  }),
  fault('stop-cont', 'SIGSTOP, and SIGCONT after 20 to 900 ms', [], { afterMs: 100 }, async (scene) => {
    const ms = scene.random.int(20, 900);
    scene.signal(scene.victim.pid, 'SIGSTOP');
    await sleep(ms);
    scene.signal(scene.victim.pid, 'SIGCONT');
    scene.note(`for ${ms} ms`);
  }),
  fault('process-server', 'SIGKILL of the process server', ['exit'], {}, async (scene) => {
    scene.signal(await scene.processServer(), 'SIGKILL');
  }),
  fault('spare', 'SIGKILL of a warm spare', ['exit'], {}, async (scene) => {
    const pids = await scene.spares();
    if (pids.length === 0) scene.note('there was none');
    else scene.signal(scene.random.pick(pids), 'SIGKILL');
  }),
  fault('starting', 'SIGKILL, and again of its successor while it starts', ['exit'], {}, async (scene) => {
    const delayMs = scene.random.chance(0.5) ? 0 : scene.random.int(0, 40);
    const successor = scene.successor();
    scene.signal(scene.victim.pid, 'SIGKILL');
    const pid = await successor;
    await sleep(delayMs);
    scene.note(`again ${delayMs} ms after its birth`);
    scene.signal(pid, 'SIGKILL');
  }),
  fault('both-ends', 'SIGKILL of both ends of a channel at once', ['exit'], {}, async (scene) => {
    const names = scene.random.pick(PAIRS);
    const ends = await Promise.all(names.map((name) => scene.instance(name)));
    for (const { pid } of ends) scene.signal(pid, 'SIGKILL');
    scene.note(names.join(' and '));
  }),
  fault('storm', 'SIGKILL of the process server and one server, or all servers, at once', ['exit'], {}, async (scene) => {
    const others = scene.random.chance(0.5) ? [] : SERVERS.filter((name) => name !== scene.victim.name);
    const pids = await Promise.all([scene.processServer(), ...others.map(async (name) => (await scene.instance(name)).pid)]);
    for (const pid of [scene.victim.pid, ...pids]) scene.signal(pid, 'SIGKILL');
    scene.note(others.length > 0 ? 'all servers' : scene.victim.name);
  }),
  fault('stop-supervisor', 'SIGSTOP of the process server, then SIGKILL of a server', ['exit'], {}, async (scene) => {
    scene.signal(await scene.processServer(), 'SIGSTOP');
    scene.signal(scene.victim.pid, 'SIGKILL');
  }),
];
