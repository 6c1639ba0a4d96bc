// A process that does not keep to the rules harms itself alone: it gets no further than its rights, and kernel and servers live on.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, isSkerryError, type OperatingSystem, type ProcessEntry } from 'skerry';
import { loadNative } from '../../src/memory/load-native.ts';
import type { Attachment, Reaction, RecordAttack, RegionAttack } from '../fixtures/fault/hostile.server.ts';
import hostileSystem from '../fixtures/fault/hostile.system.ts';
import { descendants, isAlive, mappedRegions, openDescriptors, until } from './processes.ts';

const skip = loadNative().addon === undefined ? `written for shared memory: ${loadNative().reason}` : false;
const OPTIONS = { skip, timeout: 20_000 };

let sys: OperatingSystem<(typeof hostileSystem)['servers']>;

before(async () => {
  if (skip !== false) return;
  sys = await boot(hostileSystem);
  assert.equal(await sys.servers.hostile.honest('as declared'), 'as declared');
});

after(async () => {
  if (skip !== false) return;
  const pids = descendants();
  await sys.stop();
  await until('no process is left', () => !pids.some(isAlive));
});

const RECORDS: readonly (readonly [RecordAttack, Reaction])[] = [
  ['forbidden method', { answer: 'SKERRY_DENIED' }],
  ['unknown method', { answer: 'SKERRY_NOT_FOUND' }],
  ['same call id twice', { closed: 'SKERRY_CORRUPT' }],
  ['a reply', { closed: 'SKERRY_CORRUPT' }],
  ['an unknown kind', { closed: 'SKERRY_CORRUPT' }],
  ['garbage', { closed: 'SKERRY_CORRUPT' }],
  ['tail beyond the ring', { closed: 'SKERRY_CORRUPT' }],
];

for (const [attack, reaction] of RECORDS) {
  test(`a hand-written client sends ${attack}: ${Object.values(reaction)}, and the server lives`, OPTIONS, () =>
    nobodyEnds(async () => {
      assert.deepEqual(await sys.servers.hostile.attackByRecord(attack), reaction);
      assert.equal(await sys.servers.target.forbiddenRuns(), 0);
    }),
  );
}

test('attacks that are made often leave descriptors and maps of the others as they were', OPTIONS, () =>
  nobodyEnds(async () => {
    const { hostile } = sys.servers;
    const attacks = async () => {
      for (const [attack] of RECORDS) await hostile.attackByRecord(attack);
      for (const attack of ['too small', 'of another kind', 'with a wrong header'] satisfies RegionAttack[])
        await hostile.attackByRegion(attack);
    };
    await attacks();
    const then = await used();
    for (let n = 0; n < 10; n++) await attacks();
    await until('everything is given back', async () => JSON.stringify(await used()) === JSON.stringify(then)).catch(async () => {
      assert.deepEqual(await used(), then);
    });
  }),
);

for (const attack of ['too small', 'of another kind', 'with a wrong header'] satisfies RegionAttack[]) {
  test(`a client region ${attack}: the channel is refused`, OPTIONS, () =>
    nobodyEnds(async () => {
      assert.deepEqual(await sys.servers.hostile.attackByRegion(attack), { closed: 'SKERRY_CORRUPT' });
    }),
  );
}

test('a manifest that is widened later gives no new rights', OPTIONS, () =>
  nobodyEnds(async () => {
    assert.deepEqual(await sys.servers.hostile.widen(), { closed: 'SKERRY_DENIED' });
  }),
);

const ENDED: readonly (readonly [string, unknown, Attachment?])[] = [
  ['a message of an unknown kind', { t: 'nonsense' }],
  ['a message without a kind', {}],
  ['a kind that is inherited', { t: 'constructor' }],
  ['a field of a wrong type', { t: 'need', seq: 1, bytes: 'many' }],
  ['a negative number', { t: 'open', ref: -1, slot: 2 }],
  ['a slot that is not there', { t: 'open', ref: 50, slot: 4_000 }],
  ['a server without the right to it', { t: 'open', ref: 50, slot: 4 }, 'region of 8192'],
  ['a pipe as a region', { t: 'open', ref: 50, slot: 3 }, 'pipes'],
  ['a file as a region', { t: 'open', ref: 50, slot: 3 }, 'file'],
  ['a second hello', { t: 'hello', speaks: { least: 1, most: 1, features: [] } }, 'pipes'],
  ['a settlement of nothing', { t: 'settled', ref: 1, from: 0, startedCalls: 0, suspects: 0 }],
  ['a kind as long as a message', { t: 'x'.repeat(131_000) }],
  [
    'poison of a method that it may not call',
    { t: 'poison', ref: 1, call: { method: 'forbidden', deaths: 2, reason: 'SIGSEGV', bytes: 8, hasExtra: false } },
  ],
  [
    'poison with a text as long as a message',
    { t: 'poison', ref: 1, call: { method: 'allowed', deaths: 2, reason: 'x'.repeat(16_000), bytes: 8, hasExtra: false } },
  ],
  ['acting for another server', { t: 'open', ref: 50, slot: 3, as: 'server:bystander' }, 'region of 8192'],
  ['to listen nowhere', { t: 'listen', seq: 9, address: 'x'.repeat(20_000), port: 0, nth: 0 }],
  ['a list', []],
  ['no object', 'text'],
  ...(['spawn', 'init'] as const).map((t) => [`"${t}", which is for the process server`, { t, slot: 3 }] as const),
  ['"kill", which is for the process server', { t: 'kill', slot: 3, reason: 'because', ordered: true }],
  ['"zombie", which is for the process server', { t: 'zombie', slot: 3, error: { name: 'Error', message: 'no' }, note: '' }],
  ['"declare", which is for the process server', { t: 'declare', servers: [] }],
  ['"stopped", which is for the process server', { t: 'stopped' }],
  ['"stop", which is for the caller', { t: 'stop' }],
  ['"boot", which is for the caller', { t: 'boot', systemUrl: 'file:///tmp/x.js', memoryMb: 0 }],
];

for (const [what, message, descriptors] of ENDED) {
  test(`${what}: its sender alone is ended`, OPTIONS, () => hostileEnds(() => sys.servers.hostile.offend(message, descriptors)));
}

test('bytes that are no message: their sender alone is ended', OPTIONS, () =>
  hostileEnds(() => sys.servers.hostile.offendByBytes(new Uint8Array(100).fill(0xfe))),
);

test('a region of another size than was said: its sender alone is ended', OPTIONS, () =>
  hostileEnds(() =>
    sys.servers.hostile.offend({ t: 'offer', ref: 1, region: 9, purpose: 'ring', start: 0, bytes: 4_096 }, 'region of 8192'),
  ),
);

test('thousands of descriptors that nobody asked for: none is kept by the kernel', OPTIONS, () =>
  nobodyEnds(async () => {
    const then = (await used()).kernel;
    await sys.servers.hostile.chatter({ t: 'giveBack', bytes: 2 ** 40 }, 'pipes', 500);
    await sys.servers.hostile.chatter(
      { t: 'offer', ref: 77, region: 1, purpose: 'ring', start: 0, bytes: 8_192 },
      'region of 8192',
      50,
    );
    await sys.servers.hostile.chatter({ t: 'accept', channel: 123_456 }, 'region of 8192', 50);
    await until(
      'the kernel has as many descriptors as before',
      async () => (await used()).kernel?.descriptors === then?.descriptors,
    );
  }),
);

test('after all of it the kernel has no more descriptors than after the first boot of the hostile server', OPTIONS, async () => {
  await sys.processes.kill('hostile');
  assert.equal(await sys.servers.hostile.honest(1), 1);
  const then = await used();
  for (const [, message, descriptors] of ENDED.slice(0, 6)) {
    await hostileEnds(() => sys.servers.hostile.offend(message, descriptors));
  }
  assert.equal(await sys.servers.hostile.honest(1), 1);
  await until('descriptors and maps are as before', async () => JSON.stringify(await used()) === JSON.stringify(then)).catch(
    async () => {
      assert.deepEqual(await used(), then);
    },
  );
});

async function used(): Promise<Record<string, { descriptors: number; maps: number }>> {
  await sleep(20);
  const entries = (await sys.processes.list()).filter(({ name, pid }) => pid !== 0 && name !== 'hostile');
  return Object.fromEntries(
    entries.map(({ name, pid }) => [name, { descriptors: openDescriptors(pid), maps: mappedRegions(pid) }]),
  );
}

async function running(): Promise<readonly ProcessEntry[]> {
  await until('all servers run', async () => (await sys.processes.list()).every((entry) => entry.state === 'running'));
  return sys.processes.list();
}

async function nobodyEnds(body: () => Promise<void>): Promise<void> {
  const pids = (await running()).map(({ pid }) => pid);
  await body();
  assert.deepEqual(await sys.servers.target.allowed('others'), 'others');
  assert.equal(await sys.servers.hostile.honest('itself'), 'itself');
  assert.deepEqual(
    (await running()).map(({ pid }) => pid),
    pids,
    'no process has ended',
  );
}

async function hostileEnds(body: () => Promise<unknown>): Promise<void> {
  const then = await running();
  const { hostile, target, bystander } = sys.servers;
  await assert.rejects(body(), (error) => isSkerryError(error, 'SKERRY_SERVER_DIED'));
  assert.equal(await target.allowed('others'), 'others');
  assert.equal(await bystander.echo('others'), 'others');
  assert.equal(await hostile.honest('restarted'), 'restarted');
  for (const entry of await running()) {
    const before = then.find(({ name }) => name === entry.name);
    if (entry.name === 'hostile') assert.match(String(entry.lastReason), /broke the control protocol/);
    else assert.equal(entry.pid, before?.pid, `${entry.name} has not ended`);
  }
}
