// A server's client before it is connected: deadlines, signals, and the interface that its calls are written for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowMs } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import { isSkerryError, SkerryError, type SkerryErrorCode } from '../base/errors.ts';
import { interfaceHash, type MethodInfo } from '../protocol/methods.ts';
import { type CurrentCall, enableCallContext, runInCall } from './call-context.ts';
import type { Channel } from './channel.ts';
import { Deadlines } from './deadlines.ts';
import { type Connector, type Directory, RemoteServer, type ReplicaEvents } from './remote-server.ts';

const OPTIONS = { timeout: 10_000 };
const old = methods('add', 'remove');
const changed = methods('clear', 'remove');

function methods(...names: string[]): MethodInfo[] {
  return names.map((name) => ({ name, kind: 'call', idempotent: false, timeoutMs: 0 }));
}

interface Opened {
  readonly hash: number | undefined;
  readonly events: ReplicaEvents;
}

/** A kernel that knows one replica, and channels that answer a call with the number of its method. */
class Kernel implements Connector {
  readonly deadlines = new Deadlines();
  readonly opened: Opened[] = [];
  directory: Promise<Directory> | Directory = new Promise(() => {});

  async connect(): Promise<Directory> {
    return this.directory;
  }

  leave(): void {}

  async open(_name: string, _slot: number, hash: number | undefined, events: ReplicaEvents): Promise<Channel> {
    this.opened.push({ hash, events });
    return { call: async ({ method }: { method: number }) => method } as unknown as Channel;
  }
}

function rejectsWith(promise: unknown, code: SkerryErrorCode, maybeExecuted: boolean | undefined): Promise<void> {
  return assert.rejects(promise as Promise<unknown>, (error) => {
    assert.ok(isSkerryError(error, code), String(error));
    assert.equal(error.maybeExecuted, maybeExecuted);
    return true;
  });
}

/** The timers of these waits keep no process alive: this does. */
async function alive(body: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => {}, 1000);
  await body().finally(() => clearInterval(timer));
}

test('a call or notification that is not connected by its deadline ends then, unexecuted', OPTIONS, () =>
  alive(async () => {
    const remote = new RemoteServer('ledger', new Kernel());
    await rejectsWith(remote.invoke('add', [], { timeoutMs: 20 }), 'SKERRY_TIMEOUT', false);
    await rejectsWith(remote.notify('add', [], { timeoutMs: 20 }), 'SKERRY_TIMEOUT', false);
    const stream = remote.invoke('add', [], { timeoutMs: 20 }) as AsyncIterable<unknown>;
    await rejectsWith(stream[Symbol.asyncIterator]().next(), 'SKERRY_TIMEOUT', false);
  }),
);

test('so does one whose server is known and has no instance yet', OPTIONS, () =>
  alive(async () => {
    const kernel = new Kernel();
    kernel.directory = { slots: [{ slot: 2, replica: 0, runs: true }], methods: undefined, concurrency: 0 };
    const remote = new RemoteServer('ledger', kernel);
    await rejectsWith(remote.invoke('add', [], { timeoutMs: 20 }), 'SKERRY_TIMEOUT', false);
    const later = remote.invoke('remove', []);
    kernel.opened[0]?.events.onOpened(old, 64);
    assert.equal(await later, 1, 'the next one goes out when there is one');
  }),
);

test('a call that is aborted before it is connected ends at once, unexecuted', OPTIONS, () =>
  alive(async () => {
    const remote = new RemoteServer('ledger', new Kernel());
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = [remote.invoke('add', [], { signal }), remote.notify('add', [], { signal })];
    controller.abort();
    for (const one of [...waiting, remote.invoke('add', [], { signal })]) await rejectsWith(one, 'SKERRY_ABORTED', false);
  }),
);

test('what the connection took is taken from the deadline', OPTIONS, (t) =>
  alive(async () => {
    const kernel = new Kernel();
    const connected = deferred<Directory>();
    kernel.directory = connected.promise;
    const remote = new RemoteServer('ledger', kernel);
    let leftMs = Number.NaN;
    t.mock.method(kernel, 'open', async () => ({
      call: async ({ timeoutMs, deadline }: { timeoutMs: number; deadline: number }) => {
        assert.equal(timeoutMs, 5_000, 'messages name what was asked for');
        leftMs = deadline - nowMs();
      },
    }));
    const call = remote.invoke('add', [], { timeoutMs: 5_000 });
    const from = performance.now();
    while (performance.now() - from < 20) await new Promise(setImmediate);
    connected.resolve({ slots: [{ slot: 2, replica: 0, runs: true }], methods: old, concurrency: 64 });
    await call;
    assert.ok(leftMs > 0 && leftMs <= 4_981, `${leftMs} ms were left`);
  }),
);

test(
  'a channel is opened for the interface that calls are written for; another one is refused, and learned by the next call',
  OPTIONS,
  () =>
    alive(async () => {
      const kernel = new Kernel();
      kernel.directory = { slots: [{ slot: 2, replica: 0, runs: true }], methods: old, concurrency: 64 };
      const remote = new RemoteServer('ledger', kernel);
      assert.equal(await remote.invoke('remove', []), 1);
      assert.deepEqual(
        kernel.opened.map(({ hash }) => hash),
        [interfaceHash(old)],
      );
      const { events } = kernel.opened[0] as Opened;
      events.onOpened(old, 64);
      assert.throws(() => events.onOpened(changed, 64), { code: 'SKERRY_VERSION' });
      events.onClosed(new SkerryError('SKERRY_VERSION', 'it came back with another interface'));
      kernel.directory = { slots: [{ slot: 2, replica: 0, runs: true }], methods: changed, concurrency: 64 };
      assert.equal(await remote.invoke('clear', []), 0);
      assert.equal(kernel.opened.at(-1)?.hash, interfaceHash(changed));
      await assert.rejects(async () => remote.invoke('add', []), { code: 'SKERRY_NOT_FOUND' });
    }),
);

test('a channel that was closed otherwise is opened again for the same interface', OPTIONS, () =>
  alive(async () => {
    const kernel = new Kernel();
    kernel.directory = { slots: [{ slot: 2, replica: 0, runs: true }], methods: old, concurrency: 64 };
    const remote = new RemoteServer('ledger', kernel);
    await remote.invoke('add', []);
    kernel.opened[0]?.events.onClosed(new SkerryError('SKERRY_CORRUPT', 'it broke'));
    await remote.invoke('add', []);
    assert.deepEqual(
      kernel.opened.map(({ hash }) => hash),
      [interfaceHash(old), interfaceHash(old)],
    );
  }),
);

test('a call that is aborted already opens no channel', OPTIONS, () =>
  alive(async () => {
    const kernel = new Kernel();
    kernel.directory = { slots: [{ slot: 2, replica: 0, runs: true }], methods: old, concurrency: 1 };
    const remote = new RemoteServer('ledger', kernel);
    await remote.invoke('add', []);
    kernel.opened[0]?.events.onClosed(new SkerryError('SKERRY_CORRUPT', 'it broke'));
    kernel.opened.length = 0;
    await rejectsWith(remote.invoke('add', [], { signal: AbortSignal.abort() }), 'SKERRY_ABORTED', false);
    await rejectsWith(remote.notify('add', [], { signal: AbortSignal.abort() }), 'SKERRY_ABORTED', false);
    assert.equal(kernel.opened.length, 0, 'whose failure nobody would hear of');
  }),
);

test('a call made within another, to a server that is not connected yet, ends at the deadline of that one', OPTIONS, () =>
  alive(async () => {
    enableCallContext();
    const remote = new RemoteServer('ledger', new Kernel());
    const within = { deadline: nowMs() + 20, path: ['web'], settled: false } as unknown as CurrentCall;
    await rejectsWith(
      runInCall(within, () => remote.invoke('add', [])),
      'SKERRY_TIMEOUT',
      false,
    );
  }),
);

test('a call made within one whose deadline is later than a timer can be waits for its connection', OPTIONS, () =>
  alive(async () => {
    enableCallContext();
    const kernel = new Kernel();
    const connected = deferred<Directory>();
    kernel.directory = connected.promise;
    const remote = new RemoteServer('ledger', kernel);
    const within = { deadline: nowMs() + 2 ** 31 + 5, path: ['web'], settled: false } as unknown as CurrentCall;
    const answer = runInCall(within, () => remote.invoke('add', [], { timeoutMs: 0 }));
    setTimeout(() => connected.resolve({ slots: [{ slot: 2, replica: 0, runs: true }], methods: old, concurrency: 64 }), 30);
    assert.equal(await answer, 0);
  }),
);

test('a call whose channel has to be opened again ends at its deadline, also when the kernel does not answer', OPTIONS, () =>
  alive(async () => {
    const kernel = new Kernel();
    kernel.directory = { slots: [{ slot: 2, replica: 0, runs: true }], methods: old, concurrency: 64 };
    const remote = new RemoteServer('ledger', kernel);
    assert.equal(await remote.invoke('remove', []), 1);
    kernel.open = () => new Promise(() => {});
    kernel.opened[0]?.events.onClosed(new SkerryError('SKERRY_CORRUPT', 'it broke'));
    await rejectsWith(remote.invoke('add', [], { timeoutMs: 20 }), 'SKERRY_TIMEOUT', false);
  }),
);

test('the first calls, too, go to the replicas that run', OPTIONS, () =>
  alive(async () => {
    const kernel = new Kernel();
    const called = new Set<number>();
    kernel.open = async (_name, slot) => ({ call: async () => called.add(slot), load: 0 }) as unknown as Channel;
    const down = new SkerryError('SKERRY_SERVER_DOWN', 'it died too often');
    const slots = [
      { slot: 2, replica: 0, runs: false, down },
      { slot: 3, replica: 1, runs: false },
      { slot: 4, replica: 2, runs: true },
    ];
    kernel.directory = { slots, methods: old, concurrency: 64 };
    const remote = new RemoteServer('ledger', kernel);
    await Promise.all(Array.from({ length: 12 }, () => remote.invoke('remove', [])));
    assert.deepEqual([...called], [4]);
    kernel.directory = { slots: slots.slice(0, 2), methods: old, concurrency: 64 };
    const other = new RemoteServer('ledger', kernel);
    await Promise.all(Array.from({ length: 12 }, () => other.invoke('remove', [])));
    assert.deepEqual([...called], [4, 3], 'one that is on its way is waited for');
    kernel.directory = { slots: slots.slice(0, 1), methods: old, concurrency: 64 };
    await rejectsWith(new RemoteServer('ledger', kernel).invoke('remove', []), 'SKERRY_SERVER_DOWN', false);
  }),
);

test('tells how many of its replicas run, through deaths, returns and closed channels', OPTIONS, () =>
  alive(async () => {
    const kernel = new Kernel();
    const slots = [
      { slot: 2, replica: 0, runs: true },
      { slot: 3, replica: 1, runs: true },
    ];
    kernel.directory = { slots, methods: old, concurrency: 64 };
    const remote = new RemoteServer('ledger', kernel);
    const asked = remote.running();
    await new Promise(setImmediate);
    const [first, second] = kernel.opened.map(({ events }) => events);
    assert.ok(first && second);
    first.onOpened(old, 64);
    assert.equal(await asked, 1, 'the first one is waited for');
    second.onOpened(old, 64);
    assert.equal(await remote.running(), 2);
    first.onDied();
    assert.equal(await remote.running(), 1);
    second.onDown(new SkerryError('SKERRY_SERVER_DOWN', 'it died too often'));
    assert.equal(await remote.running(), 0);
    second.onRevived();
    const revived = remote.running();
    second.onOpened(old, 64);
    assert.equal(await revived, 1);
    first.onOpened(old, 64);
    assert.equal(await remote.running(), 2);
    first.onClosed(new SkerryError('SKERRY_CORRUPT', 'it lied'));
    assert.equal(kernel.opened.length, 2);
    assert.equal(await remote.running(), 1);
    assert.equal(kernel.opened.length, 3, 'nobody else may call it: this opens the channel again');
    kernel.opened[2]?.events.onOpened(old, 64);
    assert.equal(await remote.running(), 2);
    second.onRevived();
    kernel.opened[2]?.events.onRevived();
    const left = remote.running();
    await new Promise(setImmediate);
    remote.leave(new SkerryError('SKERRY_ABORTED', 'the program has left'));
    await assert.rejects(left, { code: 'SKERRY_ABORTED' });
  }),
);

test('a call without a deadline keeps the process alive while it waits for its channel', OPTIONS, async () => {
  const kernel = new Kernel();
  const directory = deferred<Directory>();
  kernel.directory = directory.promise;
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const before = timers();
  const pending = new RemoteServer('server', kernel).invoke('add', [], { timeoutMs: 0 }) as Promise<unknown>;
  assert.equal(timers(), before + 1);
  directory.reject(new SkerryError('SKERRY_NOT_FOUND', 'there is no such server'));
  await assert.rejects(pending);
  assert.equal(timers(), before);
});

/** A server of two replicas that run. What was called is in `called`, by replica; each says that it has `loads` to do. */
function twoReplicas() {
  const kernel = new Kernel();
  const called = [0, 0];
  const loads = [0, 0];
  const events: ReplicaEvents[] = [];
  kernel.open = async (_name, slot, _hash, replicaEvents) => {
    const replica = slot - 2;
    events[replica] = replicaEvents;
    return {
      call: async () => {
        called[replica] = (called[replica] as number) + 1;
        return replica;
      },
      get load() {
        return loads[replica];
      },
    } as unknown as Channel;
  };
  const slots = [2, 3].map((slot) => ({ slot, replica: slot - 2, runs: true }));
  kernel.directory = { slots, methods: old, concurrency: 64 };
  return { remote: new RemoteServer('ledger', kernel), called, loads, events };
}

test('calls go to the replica with the least to do; where it is the same, in turn', OPTIONS, () =>
  alive(async () => {
    const { remote, called, loads, events } = twoReplicas();
    await remote.prepare();
    for (const { onOpened } of events) onOpened(old, 64);
    for (const busy of [0, 1]) {
      loads[busy] = 5;
      called.fill(0);
      for (let n = 0; n < 21; n++) assert.equal(await remote.invoke('add', []), 1 - busy);
      loads[1 - busy] = 6;
      for (let n = 0; n < 3; n++) assert.equal(await remote.invoke('add', []), busy, 'a few less is less');
      loads.fill(0);
    }
    called.fill(0);
    for (let n = 0; n < 20; n++) await remote.invoke('add', []);
    assert.deepEqual(called, [10, 10]);
  }),
);

test('calls with a key go to one replica, whatever it has to do, and wait for its successor while it is dead', OPTIONS, () =>
  alive(async () => {
    const { remote, loads, events } = twoReplicas();
    await remote.prepare();
    for (const { onOpened } of events) onOpened(old, 64);
    const reached = new Set<number>();
    for (let key = 0; key < 20; key++) {
      const options = { key: `customer ${key}` };
      const home = (await remote.invoke('add', [], options)) as number;
      reached.add(home);
      loads[home] = 1000;
      for (let n = 0; n < 10; n++) assert.equal(await remote.invoke('add', [], options), home);
      events[home]?.onDied();
      assert.equal(await remote.invoke('add', []), 1 - home, 'without a key: the one that runs');
      for (let n = 0; n < 10; n++) assert.equal(await remote.invoke('add', [], options), home, 'its mailbox');
      events[home]?.onOpened(old, 64);
      loads.fill(0);
    }
    assert.deepEqual([...reached].sort(), [0, 1]);
  }),
);
