// The example atlas as `npm start` runs it: right answers, plain errors, a clean end.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { descendants, until } from '../fault/processes.ts';
import { gone, nothingIsLeft, type Program, root, start } from './world.ts';

const TIMEOUT = { timeout: 60_000 };
const MAIN = join(root, 'dist/examples/atlas/main.js');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function started(t: TestContext): Promise<{ atlas: Program; port: number }> {
  const port = await freePort();
  const atlas = start(t, [MAIN], { env: { PORT: String(port) } });
  await until('the atlas is up', () => atlas.stdout().includes('Ctrl-C stops it') || atlas.child.exitCode !== null, 30_000);
  assert.equal(atlas.child.exitCode, null, atlas.stderr());
  return { atlas, port };
}

test('answers with the nearest cities, refuses what is wrong with its path, and SIGTERM ends it cleanly', TIMEOUT, async (t) => {
  const { atlas, port } = await started(t);
  assert.match(atlas.stdout(), /^geo\.0 +\d+ +running +after [\d.]+ s\ngeo\.1 .*\nplaces\.0 .*\n(enrich\.\d+ .*\n)+web\.0 /m);
  const curls = [...atlas.stdout().matchAll(/curl '(http:\/\/\S+)'/g)].map(([, url]) => url);
  assert.deepEqual(
    curls.map((url) => new URL(url).pathname),
    ['/nearest', '/search', '/country/DE'],
  );
  for (const url of [...curls, /http:\/\/\S+\/$/m.exec(atlas.stdout())?.[0] ?? ''])
    assert.equal((await fetch(url)).status, 200, url);
  const answer = await fetch(`http://127.0.0.1:${port}/nearest?lat=48.8566&lng=2.3522&k=2`);
  assert.equal(answer.status, 200);
  const cities = (await answer.json()) as { name: string; country: string; distanceKm: number }[];
  assert.equal(cities.length, 2);
  assert.equal(cities[0].country, 'FR');
  assert.ok(cities[0].distanceKm <= cities[1].distanceKm && cities[1].distanceKm < 10);
  const wrong = await fetch(`http://127.0.0.1:${port}/nearest?lat=91&lng=0`);
  assert.equal(wrong.status, 400);
  const { error } = (await wrong.json()) as { error: { code: string; issues: { path: string }[] } };
  assert.deepEqual([error.code, error.issues[0]?.path], ['SKERRY_INVALID', 'lat']);
  assert.equal((await fetch(`http://127.0.0.1:${port}/nowhere`)).status, 404);

  const found = (await (await fetch(`http://127.0.0.1:${port}/search?q=sAo%20pau&limit=2`)).json()) as { name: string }[];
  assert.deepEqual([found.length, found[0].name], [2, 'São Paulo']);
  const country = (await (await fetch(`http://127.0.0.1:${port}/country/de?top=1`)).json()) as {
    code: string;
    name: string;
    top: { name: string }[];
  };
  assert.deepEqual([country.code, country.name, country.top.length, country.top[0].name], ['DE', 'Germany', 1, 'Berlin']);
  const codes: [string, number, string, string | undefined][] = [
    ['/country/XX', 404, 'SKERRY_NOT_FOUND', undefined],
    ['/country/DEU', 400, 'SKERRY_INVALID', 'code'],
    ['/country/DE?top=101', 400, 'SKERRY_INVALID', 'top'],
    ['/search', 400, 'SKERRY_INVALID', 'q'],
    ['/search?q=a&limit=0', 400, 'SKERRY_INVALID', 'limit'],
  ];
  for (const [path, status, code, at] of codes) {
    const refused = await fetch(`http://127.0.0.1:${port}${path}`);
    const { error } = (await refused.json()) as { error: { code: string; issues?: { path: string }[] } };
    assert.deepEqual([refused.status, error.code, error.issues?.[0]?.path], [status, code, at], path);
  }

  const pids = [atlas.pid, ...descendants(atlas.pid)];
  assert.ok(pids.length >= 7 + availableParallelism(), 'all servers, and some spares');
  process.kill(atlas.pid, 'SIGTERM');
  const { code, stdout } = await atlas.ended;
  assert.equal(code, 0);
  assert.match(stdout, /SIGTERM: stopping/);
  await gone(pids);
});

test('while a server is dead the atlas is alive and not ready, and it names the server', TIMEOUT, async (t) => {
  const { atlas, port } = await started(t);
  const ready = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    return { status: answer.status, body: (await answer.json()) as { down?: string[] } };
  };
  assert.deepEqual(await ready(), { status: 200, body: { status: 'ready' } });
  process.kill(Number(/^places\.0 +(\d+)/m.exec(atlas.stdout())?.[1]), 'SIGKILL');
  const seen: unknown[] = [];
  await until(
    'it is not ready',
    async () => {
      const { status, body } = await ready();
      if (status === 503) seen.push(body);
      return status === 503;
    },
    10_000,
  );
  assert.deepEqual(seen[0], { status: 'unready', reason: 'servers', down: ['places'] });
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  await until('it is ready again', async () => (await ready()).status === 200, 30_000);
});

test('Ctrl-C (SIGINT to all of its process group) ends it cleanly, also while it boots', TIMEOUT, async (t) => {
  const port = await freePort();
  const atlas = start(t, [MAIN], { env: { PORT: String(port) } });
  await until('the kernel is there', () => descendants(atlas.pid).length > 0, 10_000);
  const [kernel] = descendants(atlas.pid);
  await until('its servers are there', () => descendants(kernel).length > 2, 10_000);
  process.kill(kernel, 'SIGINT');
  process.kill(atlas.pid, 'SIGINT');
  const { code, stderr } = await atlas.ended;
  assert.equal(code, 0, stderr);
  await nothingIsLeft();
});

test('says plainly that its port is in use', TIMEOUT, async (t) => {
  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  t.after(() => holder.close());
  const { port } = holder.address() as { port: number };
  const { code, stderr } = await start(t, [MAIN], { env: { PORT: String(port) } }).ended;
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`The atlas has failed: .*port ${port} on 127\\.0\\.0\\.1 is in use`));
  await nothingIsLeft();
});

test('npm run demo kills a server under load, and no request fails', TIMEOUT, async (t) => {
  const { code, stdout, stderr } = await start(t, [join(root, 'dist/examples/atlas/demo.js')]).ended;
  assert.equal(code, 0, `${stdout}${stderr}`);
  const verdict = /^geo\.1 died \(SIGKILL\), back in [\d,]+ ms, 0 of ([\d,]+) requests failed$/m.exec(stdout);
  assert.ok(Number(verdict?.[1]?.replaceAll(',', '')) > 100, stdout);
  await nothingIsLeft();
});
