// Readiness as those see it who watch the driver, while its servers come and go.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createDriver, type Driver } from './driver.ts';
import type { Invoke } from './exchange.ts';
import { createHealthChecks, type Probe } from './health.ts';
import { checkOptions, type HttpOptions } from './options.ts';

const LIMIT = { timeout: 20_000 };
const route = (text: string, method = 'find') => ({ route: text, server: 'geo', method });

async function start(
  t: TestContext,
  probe: Probe,
  options: Partial<HttpOptions> = {},
  invoke: Invoke = async () => 'own',
): Promise<Driver> {
  const driver = createDriver({
    options: checkOptions({ port: 0, routes: [route('GET /find')], drainMs: 2_000, ...options }, ['geo', 'users']),
    invoke,
    servers: ['geo', 'users'],
    probe,
  });
  await driver.listen();
  t.after(() => driver.close());
  return driver;
}

async function ask(driver: Driver, path: string): Promise<[number, unknown]> {
  const answer = await fetch(driver.url + path, { headers: { connection: 'close' } });
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  return [answer.status, await answer.json()];
}

test('ready is who reaches an instance of every server; the ones that are down are named', LIMIT, async (t) => {
  const running: Record<string, number> = { geo: 2, users: 1 };
  const driver = await start(t, async (server) => running[server]);
  assert.deepEqual(await ask(driver, '/readyz'), [200, { status: 'ready' }]);
  running.geo = 1;
  assert.equal((await ask(driver, '/readyz'))[0], 200);
  running.geo = 0;
  assert.deepEqual(await ask(driver, '/readyz'), [503, { status: 'unready', reason: 'servers', down: ['geo'] }]);
  assert.deepEqual(await ask(driver, '/healthz'), [200, { status: 'ok' }]);
  running.geo = 1;
  assert.equal((await ask(driver, '/readyz'))[0], 200);
  const head = await fetch(`${driver.url}/readyz`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
  const post = await fetch(`${driver.url}/readyz`, { method: 'POST' });
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
});

test('a server of which nothing is heard counts as down, and is asked once at a time', LIMIT, async () => {
  let asked = 0;
  const checks = createHealthChecks({
    servers: ['geo', 'users', 'lost'],
    probe: (server) => {
      if (server === 'lost') return Promise.reject(new Error('no such server'));
      if (server === 'users') return Promise.resolve(1);
      asked += 1;
      return new Promise(() => {});
    },
    isStopping: () => false,
    isBusy: () => false,
  });
  const ready = checks.get('/readyz') ?? assert.fail();
  for (const health of await Promise.all([ready(), ready()])) {
    assert.deepEqual(health, { status: 'unready', reason: 'servers', down: ['geo', 'lost'] });
  }
  await ready();
  assert.equal(asked, 1);
});

test('once a stop has begun, who is still connected is told so', LIMIT, async (t) => {
  const driver = await start(t, async () => 1);
  const socket = connect(driver.port, '127.0.0.1');
  t.after(() => socket.destroy());
  let text = '';
  socket.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  socket.write('GET /readyz HTTP/1.1\r\nhost: x\r\n'); // the driver waits for the rest of the request
  await once(socket, 'connect');
  assert.equal((await ask(driver, '/readyz'))[0], 200); // came later, so the other one has been read as well
  const closed = driver.close();
  socket.write('\r\n');
  await Promise.all([closed, once(socket, 'close')]);
  assert.match(text, /^HTTP\/1\.1 503 /);
  assert.match(text, /{"status":"unready","reason":"stopping"}$/);
});

test('a driver that is full is alive and not ready; it says so beside its refusals', LIMIT, async (t) => {
  const pending: ((value: string) => void)[] = [];
  const invoke: Invoke = () => new Promise((resolve) => pending.push(resolve));
  const driver = await start(t, async () => 1, { requestsMax: 1 }, invoke);
  const first = fetch(`${driver.url}/find`);
  for (let i = 0; i < 500 && pending.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(await ask(driver, '/readyz'), [503, { status: 'unready', reason: 'busy' }]);
  assert.deepEqual(await ask(driver, '/healthz'), [200, { status: 'ok' }]);
  assert.equal((await ask(driver, '/find'))[0], 503);
  pending[0]?.('done');
  assert.equal(await (await first).json(), 'done');
});

test('a route of the same path goes before; switched off, there are no such paths', LIMIT, async (t) => {
  const own = await start(t, async () => 0, { routes: [route('GET /readyz'), route('GET /:name')] });
  assert.deepEqual(await ask(own, '/readyz'), [200, 'own']);
  assert.deepEqual(await ask(own, '/healthz'), [200, { status: 'ok' }]);
  const off = await start(t, async () => 1, { health: false });
  assert.equal((await ask(off, '/healthz'))[0], 404);
  assert.equal((await ask(off, '/readyz'))[0], 404);
});
