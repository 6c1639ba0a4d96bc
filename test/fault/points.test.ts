// A death at every moment of the message path: before and after each store that others see, each ring of a doorbell, each message to and
// from the kernel; at introductions, hand-overs and the growth of rings, since an instance is told its moment before it is born. And doorbells
// that are lost.
//
//   SKERRY_POINTS_MAX   moments of each kind that are tried, drawn; default 2. 0: all of them, until one does not come
//   SKERRY_SEED

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { boot, call, isSkerryError, notify } from 'skerry';
import type { Point, PointKind } from '../fixtures/fault/fault-points.ts';
import pointsSystem from '../fixtures/fault/points.system.ts';
import { Oracle } from './oracle.ts';
import { Random, SEED, seeded, steps } from './random.ts';

const MAX = steps('SKERRY_POINTS_MAX', 2);
const DRAWN_FROM: Record<PointKind, number> = { store: 120, ring: 6, send: 12, receive: 25 };
const TIMEOUT = { timeout: MAX === 0 ? 3_600_000 : 120_000 };
const DEADLINE_MS = MAX === 0 ? 10_000 : 5_000;

type Outcome = { readonly answered: true } | { readonly answered: false; readonly error: unknown };
interface Asked {
  readonly id: number;
  readonly kind: 'count' | 'again' | 'bulk' | 'items' | 'note';
  readonly outcome: Promise<Outcome>;
}

async function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-points-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const oracle = new Oracle();
  t.after(() => oracle.remove());
  const preload = new URL('../fixtures/fault/fault-points.js', import.meta.url);
  const env = { ...process.env, NODE_OPTIONS: `--import ${preload}`, SKERRY_POINTS: folder, SKERRY_ORACLE: oracle.path };
  const sys = await boot(pointsSystem, { transport: 'ring', env });
  t.after(() => sys.stop());
  return { sys, oracle, folder };
}

type Rig = Awaited<ReturnType<typeof setUp>>;

/** Everything that can be asked, at once, by either way. */
function askAll({ sys }: Rig, way: 'one' | 'front', from: number): Asked[] {
  const server = sys.servers[way];
  const within = call(server, { timeoutMs: DEADLINE_MS });
  const asked: Asked[] = [];
  const ask = (kind: Asked['kind'], work: (id: number) => Promise<unknown>) => {
    const id = from + asked.length;
    const outcome = work(id).then(
      () => ({ answered: true }) as const,
      (error: unknown) => ({ answered: false, error }) as const,
    );
    asked.push({ id, kind, outcome });
  };
  for (let n = 0; n < 4; n++) ask('count', (id) => within.count(id, n % 2 === 0 ? 0 : 2));
  for (let n = 0; n < 3; n++) ask('again', (id) => within.countAgain(id, n));
  ask('bulk', async (id) => {
    const { bytes } = await within.bulk(id, new Uint8Array(20_000).fill(7));
    assert.ok(bytes.length === 20_000 && bytes.every((byte) => byte === 8), 'bytes of another call');
  });
  ask('items', async (id) => {
    let items = 0;
    for await (const item of within.items(id, 12)) assert.equal(item, items++);
    assert.equal(items, 12);
  });
  ask('note', (id) => (way === 'one' ? notify(sys.servers.one).note(id) : within.note(id)));
  return asked;
}

/** One death. @returns whether its moment came */
async function dieAt(rig: Rig, victim: 'one' | 'front', point: Point, from: number): Promise<boolean> {
  const { sys, folder, oracle } = rig;
  const file = join(folder, victim);
  const where = `${victim} ${point.moment} its ${point.kind} ${point.nth}`;
  for (const old of [`${file}.taken`, `${file}.fired`]) rmSync(old, { force: true });
  writeFileSync(file, JSON.stringify(point));
  const entry = (await sys.processes.list()).find(({ name }) => name === victim);
  if (entry !== undefined && entry.pid > 0) kill(entry.pid);
  const asked = askAll(rig, victim === 'front' || point.nth % 2 === 0 ? 'front' : 'one', from);
  const outcomes = await Promise.all(asked.map(({ outcome }) => outcome));
  // The path is whole again. A ring that was lost may cost a call its deadline, and no more.
  for (const server of [sys.servers.one, sys.servers.front]) {
    let pid = 0;
    for (let tries = 0; pid === 0 && tries < 5; tries++)
      pid = await call(server, { timeoutMs: DEADLINE_MS })
        .pid()
        .catch(() => 0);
    assert.ok(pid > 0, `${where}: a server is gone`);
  }
  const executed = oracle.read();
  let effectless = 0;
  asked.forEach(({ id, kind }, n) => {
    const outcome = outcomes[n] as Outcome;
    const what = `${where}: ${kind} ${id}`;
    if (kind === 'again') {
      if (outcome.answered) assert.ok(executed.times(id) >= 1, `${what} was answered and not executed`);
    } else assert.ok(executed.times(id) <= 1, `${what} was executed ${executed.times(id)} times`);
    if (outcome.answered) {
      if (kind !== 'note') assert.ok(executed.times(id) >= 1, `${what} was answered and not executed`);
      return;
    }
    const { error } = outcome;
    const codes =
      point.moment === 'instead' ? (['SKERRY_TIMEOUT', 'SKERRY_SERVER_DIED'] as const) : (['SKERRY_SERVER_DIED'] as const);
    assert.ok(
      codes.some((code) => isSkerryError(error, code)),
      `${what} was rejected with ${String(error)}`,
    );
    if ((error as { maybeExecuted?: boolean }).maybeExecuted === false)
      assert.equal(executed.times(id), 0, `${what} was said not to be executed`);
    else if (executed.times(id) === 0) effectless += 1;
    assert.ok(kind !== 'again' || point.moment === 'instead' || victim === 'front', `${what} is idempotent: ${String(error)}`);
  });
  if (victim === 'one' && point.moment !== 'instead')
    assert.ok(effectless <= 2, `${where}: ${effectless} calls were rejected that had not been started`); // at each of two deaths one may have begun
  return existsSync(`${file}.fired`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {} // it has died meanwhile
}

function* moments(kind: PointKind, random: Random): Generator<number> {
  if (MAX === 0) for (let nth = 1; ; nth++) yield nth;
  for (let n = 0; n < MAX; n++) yield random.int(1, DRAWN_FROM[kind]);
}

for (const victim of ['one', 'front'] as const) {
  test(`${victim}: a death at any moment of the message path leaves each call one outcome, and the others whole`, TIMEOUT, (t) =>
    seeded(async () => {
      const rig = await setUp(t);
      let from = 0;
      let deaths = 0;
      const told: string[] = [];
      for (const kind of ['store', 'ring', 'send', 'receive'] as const) {
        for (const moment of ['before', 'after', ...(kind === 'ring' ? (['instead'] as const) : [])] as const) {
          let came = 0;
          let unseen = 0;
          for (const nth of moments(kind, new Random(SEED, told.length))) {
            const fired = await dieAt(rig, victim, { kind, moment, nth }, from);
            from += 100;
            came += fired ? 1 : 0;
            deaths += fired ? 1 : 0;
            unseen = fired ? 0 : unseen + 1;
            if (MAX === 0 && unseen > 20) break;
          }
          told.push(`${came} ${moment} a ${kind}`);
          if (MAX === 0 && moment !== 'instead') assert.ok(came > 0, `no ${kind} was seen: nothing was tried`);
        }
      }
      assert.ok(deaths > 0, 'no moment came: nothing was tried');
      t.diagnostic(`deaths ${told.join(', ')}`);
    }),
  );
}
