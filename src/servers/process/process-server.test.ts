// The process server's decisions over time: its link is a list of what it sends, its kernel the test, its clock a mock.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Link } from '../../link/link.ts';
import { StatusCounters } from '../../memory/status.ts';
import type { BirthConfig, FromProcessServer, InstanceEvent } from '../../protocol/control.ts';
import type { Dispatcher } from '../../rpc/dispatcher.ts';
import { server } from '../../server/definition.ts';
import { type Entries, type SystemOptions, system } from '../../server/system.ts';
import type { ProcessEntry } from './process-api.ts';
import { ProcessServer } from './process-server.ts';

const INIT_MS = 1000;
const DRAIN_MS = 5000;
const FIRST_SLOT = 2;
let systems = 0;

const load = async () => ({ default: server(() => ({})) });
const entry = { load, initTimeoutMs: INIT_MS };

/** Of a server that had been ready. */
const NOTE = JSON.stringify({ since: 1, generation: 7, spawned: true, unstable: 1, restarts: 3, readySince: 0 });

type Kept = Partial<Extract<InstanceEvent, { what: 'kept' }>> & { readonly name: string; readonly isReady?: boolean };

/** A process server of these servers, and the kernel's part. */
class Rig {
  readonly process: ProcessServer;
  readonly names: readonly string[];
  #said: FromProcessServer[] = [];
  #dispatcher: Dispatcher | undefined;
  #generation = 0;

  private constructor(servers: Entries, options: SystemOptions<string, Record<never, never>> = {}) {
    systems += 1;
    const { url } = system(`data:text/javascript,export default ${systems}`, servers, options as object); // a module with nothing else in it
    this.names = Object.keys(servers);
    const link = {
      send: (message: FromProcessServer) => this.#said.push(message),
      carrier: { status: new StatusCounters(undefined), address: async () => undefined },
      connections: {
        use: (dispatcher: Dispatcher) => {
          this.#dispatcher = dispatcher;
        },
      },
    };
    this.process = new ProcessServer(
      link as unknown as Link,
      { systemUrl: url, systemSince: 0, endpoint: { node: 0, slot: 0, generation: 1 } } as BirthConfig,
      undefined,
    );
  }

  /** All of them are asked for. */
  static async declared(t: TestContext, servers: Entries, options?: SystemOptions<string, Record<never, never>>): Promise<Rig> {
    const rig = new Rig(servers, options);
    await rig.process.run();
    await turn();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    rig.process.onDeclared(false);
    return rig;
  }

  /** A successor: of a system that runs, whose kernel tells what `kept` lists. */
  static async resumed(t: TestContext, servers: Entries, kept: readonly Kept[]): Promise<Rig> {
    const rig = new Rig(servers);
    await rig.process.run();
    await turn();
    rig.said();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    kept.forEach(({ isReady = false, ...event }, index) => {
      const slot = FIRST_SLOT + index;
      rig.process.onInstance(slot, { what: 'kept', replica: 0, generation: 7, isDown: false, runs: false, ...event });
      if (event.runs !== true) return;
      rig.process.onInstance(slot, { what: 'born', pid: 500 + index, generation: 7 });
      rig.process.onInstance(slot, { what: 'manifest', uses: [] });
      if (isReady) rig.process.onInstance(slot, { what: 'ready', concurrency: 64 });
    });
    rig.process.onDeclared(true);
    return rig;
  }

  /** All of them run. */
  static async up(t: TestContext, servers: Entries, options?: SystemOptions<string, Record<never, never>>): Promise<Rig> {
    const rig = await Rig.declared(t, servers, options);
    for (const name of rig.names) {
      rig.born(name);
      rig.manifest(name);
    }
    for (const name of rig.names) rig.ready(name);
    assert.ok(rig.said().includes('up'));
    return rig;
  }

  /** What it has sent since this was asked last: kinds, with the names of slots. */
  said(): string[] {
    const orders = this.#said.splice(0).filter(({ t }) => t !== 'remember' && (t as string) !== 'ready');
    return orders.map((message) => {
      const { t, slot } = message as { t: string; slot?: number };
      return slot === undefined ? t : `${t} ${this.names[slot - FIRST_SLOT]}`;
    });
  }

  /** The same, with the notes for a successor: `(spawned)` where it says so. */
  noted(): string[] {
    return this.#said.splice(0).map((message) => {
      const { t, note } = message as { t: string; note?: string };
      if (note === undefined) return t;
      const { spawned } = JSON.parse(note) as { spawned: boolean };
      return spawned ? `${t} (spawned)` : t;
    });
  }

  born(name: string): void {
    this.#generation += 1;
    this.process.onInstance(this.#slot(name), { what: 'born', pid: 1000 + this.#generation, generation: this.#generation });
  }

  manifest(name: string, uses: readonly string[] = []): void {
    this.process.onInstance(this.#slot(name), { what: 'manifest', uses });
  }

  ready(name: string): void {
    this.process.onInstance(this.#slot(name), { what: 'ready', concurrency: 64 });
  }

  failed(name: string, message: string): void {
    this.process.onInstance(this.#slot(name), { what: 'failed', stage: 'init', error: { name: 'Error', message } });
  }

  died(name: string, reason = 'SIGKILL'): void {
    this.process.onInstance(this.#slot(name), { what: 'died', reason, ordered: false });
  }

  /** Calls a method of the process server, as an operator does. */
  async operate(method: 'list' | 'kill' | 'boot', ...args: unknown[]): Promise<unknown> {
    return this.#dispatcher?.options.handlers.find(({ name }) => name === method)?.run(...args);
  }

  async entryOf(name: string): Promise<ProcessEntry> {
    const entries = (await this.operate('list')) as ProcessEntry[];
    return entries.find((one) => one.name === name) as ProcessEntry;
  }

  #slot(name: string): number {
    return FIRST_SLOT + this.names.indexOf(name);
  }
}

/** `fragile` has died twice before it was stable: it waits 50 ms for its next start. */
async function inBackOff(t: TestContext): Promise<Rig> {
  const rig = await Rig.up(t, { fragile: entry });
  rig.died('fragile');
  assert.deepEqual(rig.said(), ['spawn fragile']);
  rig.born('fragile');
  rig.died('fragile');
  assert.deepEqual(rig.said(), []);
  return rig;
}

test('a server that is killed in its back-off starts at once, and not a second time when the back-off is over', async (t) => {
  const rig = await inBackOff(t);
  await rig.operate('kill', 'fragile');
  assert.deepEqual(rig.said(), ['spawn fragile']);
  rig.born('fragile');
  t.mock.timers.tick(INIT_MS - 1);
  assert.deepEqual(rig.said(), []);
});

test('one that is killed for good in its back-off stays down, and its clients are told', async (t) => {
  const rig = await inBackOff(t);
  await rig.operate('kill', 'fragile', { restart: false });
  assert.deepEqual(rig.said(), ['zombie fragile']);
  t.mock.timers.tick(60_000);
  assert.deepEqual(rig.said(), []);
  assert.equal((await rig.entryOf('fragile')).state, 'zombie');
  const booted = rig.operate('boot', 'fragile');
  assert.deepEqual(rig.said(), ['spawn fragile']);
  rig.born('fragile');
  rig.manifest('fragile');
  rig.ready('fragile');
  await booted;
});

test('one that is booted in its back-off starts at once, and once', async (t) => {
  const rig = await inBackOff(t);
  const booted = rig.operate('boot', 'fragile');
  assert.deepEqual(rig.said(), ['spawn fragile']);
  rig.born('fragile');
  rig.manifest('fragile');
  rig.ready('fragile');
  await booted;
  t.mock.timers.tick(60_000);
  assert.deepEqual(rig.said(), ['init fragile']);
});

test('a kill that comes before the process is known waits for its death', async (t) => {
  const rig = await Rig.up(t, { fragile: entry });
  rig.died('fragile');
  assert.deepEqual(rig.said(), ['spawn fragile']);
  let over = false;
  const killed = rig.operate('kill', 'fragile', { restart: false }).then(() => {
    over = true;
  });
  await turn();
  assert.deepEqual([over, rig.said()], [false, ['kill fragile']]);
  rig.died('fragile');
  await killed;
  assert.deepEqual(rig.said(), ['zombie fragile']);
});

test('a process that cannot be started backs off like one that died, and ends as a zombie', async (t) => {
  const rig = await Rig.up(t, { fragile: entry });
  rig.died('fragile');
  const said = rig.said();
  for (let death = 1; death < 5; death++) {
    rig.died('fragile', 'a process could not be started');
    t.mock.timers.tick(1000);
    said.push(...rig.said());
  }
  assert.deepEqual(said, [...Array(4).fill('spawn fragile'), 'zombie fragile']);
  assert.match((await rig.entryOf('fragile')).lastReason ?? '', /could not be started/);
});

test('the time for init begins when it may begin: not at the spawn, and not while it waits for what it uses', async (t) => {
  const rig = await Rig.declared(t, { web: entry, geo: { load, initTimeoutMs: 5 * INIT_MS } });
  for (const name of ['web', 'geo']) rig.born(name);
  rig.said();
  t.mock.timers.tick(INIT_MS - 1);
  rig.manifest('web', ['geo']);
  rig.manifest('geo');
  t.mock.timers.tick(3 * INIT_MS);
  assert.deepEqual(rig.said(), ['init geo'], 'the init of geo takes its time, web waits');
  rig.ready('geo');
  t.mock.timers.tick(INIT_MS - 1);
  assert.deepEqual(rig.said(), ['init web']);
  t.mock.timers.tick(1);
  await turn(); // the last words of the dead are shown first
  assert.deepEqual(rig.said(), ['bootFailed'], 'its own init has taken too long');
});

test('an init that hangs after the boot ends its instance, and not the next one', async (t) => {
  const rig = await Rig.up(t, { fragile: entry });
  rig.died('fragile');
  rig.born('fragile');
  rig.manifest('fragile');
  assert.deepEqual(rig.said(), ['spawn fragile', 'init fragile']);
  t.mock.timers.tick(INIT_MS);
  assert.deepEqual(rig.said(), ['kill fragile']);
  rig.died('fragile', 'it was not ready within 1000 ms');
  t.mock.timers.tick(50);
  assert.deepEqual(rig.said(), ['spawn fragile']);
  rig.born('fragile');
  t.mock.timers.tick(INIT_MS - 1);
  rig.manifest('fragile');
  t.mock.timers.tick(INIT_MS - 1);
  rig.ready('fragile');
  t.mock.timers.tick(60_000);
  assert.deepEqual(rig.said(), ['init fragile']);
});

test('servers stop in the reverse order of need, also when one of them is between two instances', async (t) => {
  const rig = await Rig.declared(t, { store: entry, geo: entry, web: entry });
  for (const name of rig.names) rig.born(name);
  rig.manifest('store');
  rig.manifest('geo', ['store']);
  rig.manifest('web', ['geo']);
  for (const name of rig.names) rig.ready(name);
  rig.died('geo'); // what it uses is remembered
  rig.born('geo');
  rig.said();
  const stopped = rig.process.stop();
  for (const name of ['web', 'geo', 'store']) {
    await turn();
    assert.deepEqual(rig.said(), [`stopInstance ${name}`]);
    t.mock.timers.tick(100);
    await turn();
    assert.deepEqual(rig.said(), [], 'the others wait for its end');
    rig.died(name);
  }
  await stopped;
  assert.deepEqual(rig.said(), ['stopped']);
  t.mock.timers.tick(60_000);
  assert.deepEqual(rig.said(), []);
});

test('a server that does not stop is killed; one that waits for its next start is not started any more', async (t) => {
  const rig = await Rig.up(t, { stubborn: entry, fragile: entry });
  for (let death = 0; death < 2; death++) {
    rig.died('fragile');
    if (death === 0) rig.born('fragile');
  }
  rig.said();
  const stopped = rig.process.stop();
  assert.deepEqual(rig.said(), ['stopInstance stubborn']);
  t.mock.timers.tick(2 * DRAIN_MS + 200);
  assert.deepEqual(rig.said(), ['kill stubborn']);
  rig.died('stubborn');
  await stopped;
  t.mock.timers.tick(60_000);
  assert.deepEqual(rig.said(), ['stopped']);
});

test('a successor leaves alone what runs and what is down, and starts what has died unseen or waits for its next start', async (t) => {
  const note = (more: object) => JSON.stringify({ ...JSON.parse(NOTE), ...more });
  const died = { what: 'died', reason: 'SIGKILL', ordered: false } as const;
  const rig = await Rig.resumed(t, { runs: entry, died: entry, waits: entry, down: entry, starts: entry }, [
    { name: 'runs', runs: true, isReady: true, note: note({}) },
    { name: 'died', died, note: note({}) },
    { name: 'waits', died, note: note({ spawned: false, lastReason: 'SIGSEGV' }) },
    { name: 'down', isDown: true, note: note({ spawned: false, lastReason: 'stopped by an operator' }) },
    { name: 'starts', runs: true, note: note({ readySince: undefined }) },
  ]);
  assert.deepEqual(rig.said(), ['init starts', 'spawn died', 'spawn waits']);
  const told = async (name: string) => {
    const { state, restarts, lastReason } = await rig.entryOf(name);
    return [state, restarts, lastReason];
  };
  assert.deepEqual(await told('runs'), ['running', 3, undefined]);
  assert.deepEqual(await told('died'), ['restart', 4, 'SIGKILL']);
  assert.deepEqual(await told('waits'), ['restart', 3, 'SIGSEGV']);
  assert.deepEqual(await told('down'), ['zombie', 3, 'stopped by an operator']);
  rig.ready('starts');
  assert.deepEqual((await told('starts'))[0], 'running');
  t.mock.timers.tick(60_000);
  assert.ok(!rig.said().includes('kill starts'), 'it was ready in time');
});

test('a successor that reads another system module goes by what the kernel has', async (t) => {
  const rig = await Rig.resumed(t, { geo: entry, fresh: entry, third: entry }, [
    { name: 'geo', runs: true, isReady: true, note: NOTE },
    { name: 'gone', runs: true, isReady: true, note: NOTE },
  ]);
  assert.deepEqual(rig.said(), []);
  const names = ((await rig.operate('list')) as ProcessEntry[]).map(({ name }) => name);
  assert.deepEqual(names, ['kernel', 'process', 'geo', 'gone']);
});

const ordered = { supervision: [{ strategy: 'restForOne', of: ['store', 'cache'] }] } as const;

/** The store has died, the cache has stopped, both are asked for again. */
async function restarting(t: TestContext): Promise<Rig> {
  const rig = await Rig.up(t, { store: { ...entry, restart: { stableMs: 0 } }, cache: entry }, ordered);
  rig.said();
  rig.died('store');
  await turn();
  rig.died('cache');
  await turn();
  t.mock.timers.tick(0);
  await turn();
  assert.deepEqual(rig.said(), ['stopInstance cache', 'spawn store', 'spawn cache']);
  return rig;
}

test('of a group each waits for those before it, and for nobody who is down', async (t) => {
  const rig = await restarting(t);
  rig.born('store');
  rig.born('cache');
  rig.manifest('cache');
  assert.deepEqual(rig.said(), []);
  const killed = rig.operate('kill', 'store', { restart: false });
  rig.died('store');
  await killed;
  assert.deepEqual(rig.said(), ['kill store', 'zombie store', 'init cache']);
});

test('what an operator takes down while its group restarts stays down', async (t) => {
  const rig = await Rig.up(t, { store: { ...entry, restart: { stableMs: 0 } }, cache: entry }, ordered);
  rig.said();
  const killed = rig.operate('kill', 'cache', { restart: false });
  rig.died('store');
  await turn();
  rig.died('cache');
  await killed;
  await turn();
  t.mock.timers.tick(0);
  await turn();
  assert.deepEqual(rig.said(), ['kill cache', 'zombie cache', 'spawn store']);
});

test('the reason of an end is its own, also of one that never was ready', async (t) => {
  const rig = await Rig.up(t, { fragile: { ...entry, restart: { type: 'transient' } } });
  rig.died('fragile', 'exit code 1');
  rig.born('fragile');
  rig.failed('fragile', 'no init today');
  rig.died('fragile', 'exit code 1');
  assert.equal((await rig.entryOf('fragile')).lastReason, 'init failed: no init today');
  t.mock.timers.tick(50);
  rig.born('fragile');
  rig.died('fragile', 'Error: thrown in a timer');
  assert.equal((await rig.entryOf('fragile')).lastReason, 'Error: thrown in a timer');
});

test('an order goes in one message with the note that says so: its sender may die between two', async (t) => {
  const rig = await Rig.up(t, { fragile: { ...entry, restart: { unstableMax: 2 } } });
  rig.died('fragile');
  assert.deepEqual(rig.noted(), ['spawn (spawned)']);
  rig.born('fragile');
  rig.died('fragile');
  assert.deepEqual(rig.noted(), ['zombie']);
  void rig.operate('boot', 'fragile');
  assert.deepEqual(rig.noted(), ['spawn (spawned)']);
});
