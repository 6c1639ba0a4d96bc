// npm run demo: the atlas under a gentle load, one of its servers killed in the midst of it, and what came of that.
//
//   20 clients ──▶ web ──▶ geo.0, geo.1 ✝ SIGKILL ──▶ its successor

import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot } from 'skerry';

const CLIENTS = 20;
const PAUSE_MS = 20;
const BEFORE_MS = 2_000;
const AFTER_MS = 2_000;
const VICTIM = { name: 'geo', replica: 1 };

process.env.PORT = String(await freePort());
const { default: atlas, address } = await import('./system.ts'); // it reads PORT
const url = `http://${address.host}:${address.port}/nearest?k=3`;

let requests = 0;
const failures: string[] = [];
let isOver = false;

console.log('the atlas starts …');
const sys = await boot(atlas);
const label = `${VICTIM.name}.${VICTIM.replica}`;
console.log(`${CLIENTS} clients ask for the nearest cities; in ${BEFORE_MS / 1000} s ${label} will be killed`);
const clients = Array.from({ length: CLIENTS }, ask);
await sleep(BEFORE_MS);
const back = watchVictim();
const victim = (await sys.processes.list()).find(isVictim);
if (victim === undefined || victim.pid === 0) throw new Error(`${label} does not run`);
process.kill(victim.pid, 'SIGKILL');
const { reason, ms } = await back;
await sleep(AFTER_MS);
isOver = true;
await Promise.all(clients);
await sys.stop();

const many = (count: number) => count.toLocaleString('en');
console.log(
  `${label} died (${reason}), back in ${many(Math.round(ms))} ms, ${many(failures.length)} of ${many(requests)} requests failed`,
);
for (const failure of new Set(failures)) console.log(`  ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** One client: a request, a pause, the next. */
async function ask(): Promise<void> {
  while (!isOver) {
    const [lat, lng] = [Math.random() * 180 - 90, Math.random() * 360 - 180];
    requests += 1;
    try {
      const answer = await fetch(`${url}&lat=${lat.toFixed(4)}&lng=${lng.toFixed(4)}`, { signal: AbortSignal.timeout(10_000) });
      const cities = (await answer.json()) as unknown[];
      if (answer.status !== 200 || cities.length !== 3) failures.push(`${answer.status} ${JSON.stringify(cities).slice(0, 200)}`);
    } catch (error) {
      failures.push((error as Error).message);
    }
    await sleep(PAUSE_MS);
  }
}

/** From its death, as the process server tells it, until it runs again. */
async function watchVictim(): Promise<{ readonly reason: string; readonly ms: number }> {
  const from = { restarts: -1, ms: 0 };
  for await (const entry of sys.processes.watch()) {
    if (!isVictim(entry)) continue;
    if (from.restarts === -1) from.restarts = entry.restarts;
    else if (entry.state === 'restart' && from.ms === 0) from.ms = performance.now();
    else if (entry.state === 'running' && entry.restarts > from.restarts)
      return { reason: entry.lastReason ?? 'no reason is known', ms: performance.now() - from.ms };
    else if (entry.state === 'zombie') throw new Error(`${label} did not come back: ${entry.lastReason}`);
  }
  throw new Error('the system has ended');
}

function isVictim({ name, replica }: { readonly name: string; readonly replica: number }): boolean {
  return name === VICTIM.name && replica === VICTIM.replica;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
