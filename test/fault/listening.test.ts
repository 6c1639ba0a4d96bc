// Listening sockets outlive the instances that serve them: whatever dies, no connection is refused while somebody will come.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, isSkerryError } from 'skerry';
import listenerSystem from '../fixtures/fault/listener.system.ts';
import { freePort, until } from './processes.ts';
import { steps } from './random.ts';

const TIMEOUT = { timeout: 60_000 };
const KILLS = steps('SKERRY_KILLS', 5);
const HANGS_MS = 7_000;

type Outcome = { readonly pid: number } | { readonly code: string };

/** Who has taken a new connection, or why nobody has. */
function visit(port: number, host = '127.0.0.1'): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    let text = '';
    socket.setEncoding('latin1').setTimeout(HANGS_MS, () => {
      resolve({ code: 'hangs' });
      socket.destroy();
    });
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => resolve({ code }));
    socket.on('close', () => resolve(text.endsWith('\n') ? { pid: Number(text) } : { code: 'cut off' }));
  });
}

async function booted(t: TestContext) {
  const sys = await boot(listenerSystem, { transport: 'ring' });
  t.after(() => sys.stop());
  return sys;
}

/** Visits all the time. @param outcomes what came of them is put here. @returns ends it, with all outcomes */
function visitors(port: number, outcomes: Outcome[] = []): () => Promise<Outcome[]> {
  let over = false;
  const lanes = Array.from({ length: 4 }, async () => {
    while (!over) outcomes.push(await visit(port));
  });
  return async () => {
    over = true;
    await Promise.all(lanes);
    return outcomes;
  };
}

function codes(outcomes: readonly Outcome[]): string[] {
  return [...new Set(outcomes.flatMap((outcome) => ('code' in outcome ? [outcome.code] : [])))];
}

for (const name of ['single', 'double'] as const) {
  test(`${name}: kills of who listens refuse no connection, and none hangs`, TIMEOUT, async (t) => {
    const sys = await booted(t);
    const port = await sys.servers[name].port();
    const seen: Outcome[] = [];
    const end = visitors(port, seen);
    for (let kill = 0; kill < KILLS; kill++) {
      const before = seen.length;
      await sleep(300);
      await until('somebody has answered', () => seen.slice(before).some((outcome) => 'pid' in outcome), 10_000);
      const running = (await sys.processes.list()).filter((one) => one.name === name && one.pid > 0);
      for (const { pid } of kill % 2 === 0 ? running.slice(0, 1) : running) process.kill(pid, 'SIGKILL');
    }
    await until('it answers again', async () => 'pid' in (await visit(port)));
    const outcomes = await end();
    const pids = new Set(outcomes.flatMap((outcome) => ('pid' in outcome ? [outcome.pid] : [])));
    assert.ok(pids.size > KILLS / 2, `${pids.size} processes have answered`);
    // What a process had accepted when it was killed is lost with it.
    const lost = codes(outcomes).filter((code) => !['ECONNRESET', 'cut off'].includes(code));
    assert.deepEqual(lost, [], `of ${outcomes.length} connections`);
    t.diagnostic(`${outcomes.length} connections, ${outcomes.filter((outcome) => 'code' in outcome).length} cut off`);
    assert.equal(await sys.servers[name].port(), port, 'port 0 was chosen once');
  });
}

/** A request over a connection of its own. @returns its status, or why there is none */
function add(port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const request = get({ port, path: '/add?a=1&b=2', agent: false, timeout: HANGS_MS }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('timeout', () => resolve('hangs')).on('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(code));
  });
}

test('two http drivers: kills of one after the other, and of both, refuse no connection', TIMEOUT, async (t) => {
  const port = await freePort();
  process.env.PORT = String(port);
  t.after(() => delete process.env.PORT);
  const { default: webPair } = await import('../fixtures/fault/web-pair.system.ts');
  const sys = await boot(webPair, { transport: 'ring' });
  t.after(() => sys.stop());
  const outcomes: (number | string)[] = [];
  let over = false;
  const lanes = Array.from({ length: 4 }, async () => {
    while (!over) outcomes.push(await add(port));
  });
  for (let kill = 0; kill < KILLS; kill++) {
    const before = outcomes.length;
    await sleep(300);
    await until('somebody has answered', () => outcomes.slice(before).includes(200), 10_000);
    const drivers = (await sys.processes.list()).filter(({ name, pid }) => name === 'web' && pid > 0);
    for (const { pid } of kill % 3 === 2 ? drivers : drivers.slice(kill % 2, (kill % 2) + 1)) process.kill(pid, 'SIGKILL');
  }
  await until('it answers again', async () => (await add(port)) === 200, 10_000);
  over = true;
  await Promise.all(lanes);
  // What a process had accepted when it was killed is lost with it: one of each lane at most.
  const cut = outcomes.filter((outcome) => outcome !== 200);
  assert.deepEqual(
    [...new Set(cut)].filter((outcome) => outcome !== 'ECONNRESET'),
    [],
  );
  assert.ok(cut.length <= 4 * KILLS, `${cut.length} of ${outcomes.length} were cut off`);
});

test('a polite restart refuses and cuts off nobody', TIMEOUT, async (t) => {
  const sys = await booted(t);
  const port = await sys.servers.single.port();
  const end = visitors(port);
  for (let i = 0; i < 3; i++) await sys.processes.restart('single');
  assert.deepEqual(codes(await end()), []);
});

test('a server that is down refuses; booted again it listens where it did, if it says where', TIMEOUT, async (t) => {
  const sys = await booted(t);
  const { fragile } = sys.servers;
  const port = await fragile.port();
  process.kill(await fragile.pid(), 'SIGKILL');
  await until('it refuses', async () => (codes([await visit(port)])[0] ?? '') === 'ECONNREFUSED');
  await sys.processes.boot('fragile');
  assert.ok('pid' in (await visit(await fragile.port())));
  await sys.processes.kill('fragile', { restart: false });
  assert.ok('code' in (await visit(port)));
});

test('a stop of the system leaves nobody waiting', TIMEOUT, async () => {
  const sys = await boot(listenerSystem, { transport: 'ring' });
  const port = await sys.servers.single.port();
  const end = visitors(port);
  await sleep(100);
  await sys.stop();
  const outcomes = await end();
  assert.ok(!codes(outcomes).includes('hangs'), `${codes(outcomes)}`);
  assert.deepEqual(codes([await visit(port)]), ['ECONNREFUSED']);
});

test('who closes its server gives the port back; what is wrong with an address is said plainly', TIMEOUT, async (t) => {
  const { servers } = await booted(t);
  const { single, other } = servers;
  const port = await single.port();
  await single.close();
  await until('it is given back', async () => (codes([await visit(port)])[0] ?? '') === 'ECONNREFUSED');
  assert.equal(await other.again(port), port, 'another may have it');
  const isInit = (text: RegExp) => (error: unknown) => isSkerryError(error, 'SKERRY_INIT') && text.test(error.message);
  await assert.rejects(single.again(port), isInit(new RegExp(`^port ${port} on 127\\.0\\.0\\.1 is in use$`)));
  await assert.rejects(other.again(port), isInit(/is in use/), 'also by itself');
  const foreign = createServer().listen(0, '127.0.0.1');
  t.after(() => foreign.close());
  await once(foreign, 'listening');
  const { port: taken } = foreign.address() as AddressInfo;
  await assert.rejects(single.again(taken), isInit(/is in use/));
  await assert.rejects(single.again(0, '192.0.2.1'), isInit(/192\.0\.2\.1 is not an address of this machine/));
  await assert.rejects(single.again(0, 'no.such.host.invalid'), isInit(/no\.such\.host\.invalid/));
  await assert.rejects(single.again(70_000), { code: 'SKERRY_INVALID' });
  assert.ok((await single.again(0, 'localhost')) > 0);
});

test('a server that listens already, and one that cannot, leave no socket behind', TIMEOUT, async (t) => {
  const { servers } = await booted(t);
  const { single } = servers;
  const port = await freePort();
  await assert.rejects(single.twice(port), { code: 'SKERRY_INVALID' });
  assert.deepEqual(codes([await visit(port)]), ['ECONNREFUSED']);
  assert.equal(await single.again(port), port);
  assert.ok('pid' in (await visit(port)));
  await assert.rejects(single.again(port, ''), { code: 'SKERRY_INVALID' });
});

test(
  'a port is given back at the call, not when the last connection has ended; one that a successor does not open is given up',
  TIMEOUT,
  async (t) => {
    const sys = await booted(t);
    const { single } = sys.servers;
    const port = await single.port();
    const held = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    held.on('error', () => {}); // it ends with who had accepted it
    t.after(() => held.destroy());
    await until('it is connected', () => held.readyState === 'open' || held.readyState === 'writeOnly');
    void single.close().catch(() => {});
    await until('it is given back', async () => (codes([await visit(port)])[0] ?? '') === 'ECONNREFUSED');
    const later = await freePort();
    await single.again(later);
    process.kill(await single.pid(), 'SIGKILL');
    await until('the next one is there', async () => (await single.port()) > 0);
    await until('nobody serves it', async () => (codes([await visit(later)])[0] ?? '') === 'ECONNREFUSED', 15_000);
  },
);

test('over streams a process has its own socket', TIMEOUT, async (t) => {
  const sys = await boot(listenerSystem, { transport: 'stream' });
  t.after(() => sys.stop());
  assert.deepEqual(await visit(await sys.servers.single.port()), { pid: await sys.servers.single.pid() });
});
