// The atlas under load while its geo processes are killed in turn: what a user of the service sees.
//
//   50 connections ── http ──▶ web ──▶ geo.0, geo.1      SIGKILL to one of them every 3 s, only when both are running
//
// SKERRY_ATLAS_S: seconds of load (default 7, two kills; the long run takes 30).

import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadCities } from '../../examples/atlas/cities.ts';
import { NearestIndex } from '../../examples/atlas/nearest.ts';
import { descendants, mappedRegions, openDescriptors, until } from './processes.ts';
import { Random, SEED } from './random.ts';

const SECONDS = Number(process.env.SKERRY_ATLAS_S ?? 7);
const CONNECTIONS = 50;
const KILL_EVERY_MS = 3000;
const CALM_AFTER_MS = 500;
/** Of its processes: geo and places, enrich in the background, web with its environment. */
const KINDS = 3;

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly right: boolean;
  readonly ms: number;
  readonly sinceKillMs: number;
}

test('the atlas answers while its servers are killed', { timeout: (SECONDS + 60) * 1000 }, async (t) => {
  const port = await freePort();
  process.env.PORT = String(port);
  const { default: atlas } = await import('../../examples/atlas/system.ts');
  const { boot } = await import('skerry');
  const cities = await loadCities();
  const index = new NearestIndex(cities.lat, cities.lng);
  const sys = await boot(atlas);
  after(() => sys.stop());
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const random = new Random(SEED);
  const geo = async () => (await sys.processes.list()).filter(({ name }) => name === 'geo');
  const web = (await sys.processes.list()).find(({ name }) => name === 'web');
  assert.ok(web);
  const kernel = (await sys.processes.list()).find(({ name }) => name === 'kernel');
  assert.ok(kernel);

  const answers: Answer[] = [];
  let killedAt = Number.NEGATIVE_INFINITY;
  let kills = 0;
  const ask = async (): Promise<void> => {
    const lat = random.int(-90_000, 90_000) / 1000;
    const lng = random.int(-180_000, 180_000) / 1000;
    const sent = performance.now();
    const sinceKillMs = sent - killedAt;
    const { status, body } = await request(agent, port, `/nearest?lat=${lat}&lng=${lng}&k=2`);
    const found = JSON.parse(body) as { error?: { code: string } } | { name: string; distanceKm: number }[];
    const expected = index.nearest(lat, lng, 2);
    const right =
      Array.isArray(found) &&
      found.length === 2 &&
      found.every((city, i) => Math.abs(city.distanceKm - (expected[i]?.distanceKm ?? -1)) < 0.001);
    answers.push({
      status,
      code: Array.isArray(found) ? undefined : found.error?.code,
      right,
      ms: performance.now() - sent,
      sinceKillMs,
    });
  };
  for (let i = 0; i < 200; i++) await ask(); // warm
  answers.length = 0;
  const spares = async () => (await sys.processes.usage()).filter(({ name }) => name === 'spare').length;
  await until('the spares are there', async () => (await spares()) === KINDS, 10_000);
  const before = {
    processes: descendants().length,
    web: openDescriptors(web.pid),
    maps: mappedRegions(web.pid),
    kernel: openDescriptors(kernel.pid),
  };

  const end = performance.now() + SECONDS * 1000;
  const killer = (async () => {
    for (let turn = 0; ; turn++) {
      await sleep(KILL_EVERY_MS);
      if (performance.now() > end - 500) return;
      const both = await geo();
      if (!both.every(({ state }) => state === 'running')) continue;
      process.kill(both[turn % 2]?.pid ?? 0, 'SIGKILL');
      killedAt = performance.now();
      kills += 1;
    }
  })();
  const lanes = Array.from({ length: CONNECTIONS }, async () => {
    while (performance.now() < end) await ask();
  });
  await Promise.all([...lanes, killer]);

  const ok = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status !== 200);
  const calm = answers.filter(({ sinceKillMs }) => sinceKillMs > CALM_AFTER_MS).map(({ ms }) => ms);
  calm.sort((a, b) => a - b);
  const p99 = calm[Math.floor(calm.length * 0.99)] ?? 0;
  const codes = [...new Set(refused.map(({ status, code }) => `${status} ${code}`))].join(', ') || 'none';
  t.diagnostic(
    `${answers.length} requests, ${kills} kills, ${((100 * ok.length) / answers.length).toFixed(3)}% 200, others: ${codes}; ` +
      `p50 ${calm[calm.length >> 1]?.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms when calm`,
  );
  assert.ok(kills > 0);
  assert.ok(ok.length >= answers.length * 0.995, `${ok.length} of ${answers.length} were 200`);
  assert.ok(
    ok.every(({ right }) => right),
    'a wrong answer',
  );
  assert.ok(
    refused.every(({ status, code }) => (status === 503 || status === 504) && code !== undefined),
    codes,
  );

  await until('both run again', async () => (await geo()).every(({ state }) => state === 'running'), 10_000);
  agent.destroy();
  await until('the spares are there again', async () => (await spares()) === KINDS, 10_000);
  await sleep(300);
  const left = {
    processes: descendants().length,
    web: openDescriptors(web.pid),
    maps: mappedRegions(web.pid),
    kernel: openDescriptors(kernel.pid),
  };
  assert.equal(left.processes, before.processes);
  assert.ok(left.web <= before.web, `descriptors of web: ${before.web}, then ${left.web}`);
  assert.ok(left.kernel <= before.kernel, `descriptors of the kernel: ${before.kernel}, then ${left.kernel}`);
  assert.ok(left.maps <= before.maps + 4, `maps of web: ${before.maps}, then ${left.maps}`);
});

function request(agent: Agent, port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get({ agent, host: '127.0.0.1', port, path, timeout: 10_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('timeout', () => reject(new Error(`no answer within 10 s to ${path}`)))
      .on('error', reject);
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
