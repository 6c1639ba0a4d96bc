// Handlers that go wrong in every way: one instance ends at most, every caller gets an answer or a coded error, the other servers go
// on, and the reason names what happened.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, call, isSkerryError, type OperatingSystem, type ProcessEntry, SkerryError } from 'skerry';
import faultySystem from '../fixtures/fault/faulty.system.ts';
import { descendants, isAlive, until } from './processes.ts';

type FaultySystem = OperatingSystem<(typeof faultySystem)['servers']>;

let sys: FaultySystem;
const TIMEOUT = { timeout: 25_000 };

before(async () => {
  sys = await boot(faultySystem);
});

after(async () => {
  const pids = descendants();
  await sys.stop();
  await until('no process is left', () => !pids.some(isAlive));
});

test('a handler that throws or rejects: its error arrives, with class, code and data', TIMEOUT, () =>
  without(async () => {
    const { faulty } = sys.servers;
    await assert.rejects(faulty.throws('Error'), (error: Error & { code?: string; data?: unknown }) => {
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, 'out of every range');
      assert.equal(error.code, 'E_OWN');
      assert.deepEqual(error.data, { n: 1 });
      assert.match(String(error.stack), /faulty\.server/);
      return true;
    });
    await assert.rejects(
      faulty.throws('SkerryError'),
      (error) => isSkerryError(error, 'SKERRY_INVALID') && error.data?.field === 'x',
    );
    await assert.rejects(faulty.rejects(), (error) => error instanceof TypeError && error.message === 'rejected later');
  }),
);

test('a handler that throws what is no error: an error that shows it', TIMEOUT, () =>
  without(async () => {
    const { faulty } = sys.servers;
    for (const [how, shown] of [
      ['string', /"a text"/],
      ['undefined', /undefined/],
      ['object', /object/],
      ['function', /function/],
    ] as const) {
      await assert.rejects(faulty.throws(how), (error) => error instanceof Error && shown.test(error.message), how);
    }
  }),
);

test('a result that cannot travel: its path', TIMEOUT, () =>
  without(async () => {
    await assert.rejects(
      sys.servers.faulty.unsendable(),
      (error) => isSkerryError(error, 'SKERRY_UNSENDABLE') && /result\.deep\[0\]/.test(error.message),
    );
  }),
);

test('a handler that never answers: the deadline, and its signal aborts', TIMEOUT, () =>
  without(async () => {
    const { faulty } = sys.servers;
    const started = performance.now();
    await assert.rejects(
      call(faulty, { timeoutMs: 100 }).never(),
      (error) => isSkerryError(error, 'SKERRY_TIMEOUT') && error.name === 'TimeoutError',
    );
    assert.ok(performance.now() - started >= 99);
    await until('its signal has aborted', async () => (await faulty.whyAborted()) !== undefined);
    const controller = new AbortController();
    const given = call(faulty, { signal: controller.signal }).never();
    setTimeout(() => controller.abort(), 30);
    await assert.rejects(given, (error) => isSkerryError(error, 'SKERRY_ABORTED') && error.name === 'AbortError');
  }),
);

test(
  'a handler that blocks its loop for 2 s: calls to other servers go on, its own callers wait or hit their deadline',
  TIMEOUT,
  () =>
    without(async () => {
      const { faulty, bystander } = sys.servers;
      let over = false;
      const blocked = faulty.block(2_000).finally(() => {
        over = true;
      });
      const waiting = faulty.echo('behind it');
      const hurried = assert.rejects(call(faulty, { timeoutMs: 200 }).echo('in a hurry'), (error) =>
        isSkerryError(error, 'SKERRY_TIMEOUT'),
      );
      let others = 0;
      while (!over) {
        await bystander.echo(others);
        others += 1;
        await sleep(1);
      }
      assert.ok(others >= 100, `only ${others} calls to the other server in 2 s`);
      assert.equal(await blocked, 2_000);
      assert.equal(await waiting, 'behind it');
      await hurried;
    }),
);

test('process.exit(3) in a handler', TIMEOUT, () => ends('faulty', (server) => server.die('exit'), /exit code 3/));
test('a SIGKILL', TIMEOUT, () => ends('faulty', (server) => server.die('SIGKILL'), /SIGKILL/));
test('process.abort()', TIMEOUT, () => ends('faulty', (server) => server.die('abort'), /SIGABRT/));
test('process.abort() in a server with a limit that it is far from', TIMEOUT, () =>
  ends('limited', (server) => server.die('abort'), /SIGABRT/),
);
test('a write to memory of somebody else', TIMEOUT, () => ends('faulty', (server) => server.die('segfault'), /SIGSEGV/));
test('an unhandled rejection', TIMEOUT, () => ends('faulty', (server) => server.unhandled(), /nobody hears this/));
test('an exception in a timer', TIMEOUT, () => ends('faulty', (server) => server.uncaught(), /thrown in a timer/));

test('out of memory: a Map of objects', TIMEOUT, () => ends('limited', (server) => server.hoard('map'), /memory limit/));
test('out of memory: arrays', TIMEOUT, () => ends('limited', (server) => server.hoard('array'), /memory limit/));
test('out of memory: strings', TIMEOUT, () => ends('limited', (server) => server.hoard('strings'), /memory limit/));
test('out of memory: buffers outside of the heap, refused or the end', TIMEOUT, async () => {
  const { limited } = sys.servers;
  await assert.rejects(limited.hoard('buffers'), (error) => {
    if (isSkerryError(error, 'SKERRY_SERVER_DIED')) assert.match(String(error.data?.reason), /memory limit/);
    else assert.ok(error instanceof RangeError, String(error));
    return true;
  });
  await sys.processes.kill('limited');
  assert.equal(await limited.echo('after'), 'after');
});
test('out of memory: one array beyond the limit', TIMEOUT, () =>
  ends('limited', (server) => server.hugeArray(2 ** 26), /memory limit/),
);

type Server = FaultySystem['servers']['faulty'];

/** Runs a fault in a server of which at most its handler may suffer: no instance ends. */
async function without(body: () => Promise<void>): Promise<void> {
  const pids = (await running()).map(({ pid }) => pid);
  await body();
  assert.deepEqual(
    (await running()).map(({ pid }) => pid),
    pids,
    'no instance has ended',
  );
}

/** Runs a fault that ends its instance, with other calls in flight there, and calls to another server all the while. */
async function ends(name: 'faulty' | 'limited', fault: (server: Server) => Promise<unknown>, reason: RegExp): Promise<void> {
  const server = sys.servers[name];
  const before = new Map((await running()).map((entry) => [entry.name, entry]));
  let over = false;
  const others = (async () => {
    let calls = 0;
    for (; !over; calls++) {
      assert.equal(await sys.servers.bystander.echo(calls), calls);
      await sleep(2);
    }
    return calls;
  })();
  const beside = Promise.allSettled([server.later(20_000, 'beside'), server.innocent(1), server.later(0, 'before')]);
  await sleep(20);
  await assert.rejects(fault(server), (error) => {
    assert.ok(isSkerryError(error, 'SKERRY_SERVER_DIED'), String(error));
    assert.equal(error.maybeExecuted, true);
    assert.match(String(error.data?.reason), reason);
    return true;
  });
  for (const outcome of await beside) {
    if (outcome.status === 'rejected')
      assert.ok(outcome.reason instanceof SkerryError && outcome.reason.code === 'SKERRY_SERVER_DIED');
  }
  assert.equal(await server.echo('after'), 'after');
  over = true;
  assert.ok((await others) > 0);
  for (const entry of await running()) {
    const then = before.get(entry.name) as ProcessEntry;
    if (entry.name !== name) {
      assert.equal(entry.pid, then.pid, `${entry.name} has not ended`);
      continue;
    }
    assert.equal(entry.restarts, then.restarts + 1, 'one instance has ended');
    assert.match(String(entry.lastReason), reason);
  }
}

async function running(): Promise<readonly ProcessEntry[]> {
  await until('all servers run', async () => (await sys.processes.list()).every((entry) => entry.state === 'running'));
  return sys.processes.list();
}
