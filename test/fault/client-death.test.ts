// What a dead client had asked for: its published notifications are delivered, its unstarted calls are dropped, and nothing of it stays.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot } from 'skerry';
import { loadNative } from '../../src/memory/load-native.ts';
import countingSystem from '../fixtures/fault/counting.system.ts';
import { Oracle } from './oracle.ts';
import { descendants, isAlive, mappedRegions, openDescriptors, until } from './processes.ts';

const skip = loadNative().addon === undefined ? `over streams they are dropped: ${loadNative().reason}` : false;
const NOTIFICATIONS = 150;
/** As many handlers as the server runs at once: what comes behind waits unstarted. */
const BUSY = 64;

test('notifications that a dead client had published are run, calls are not, and the channel is given back', {
  skip,
  timeout: 20_000,
}, async () => {
  const oracle = new Oracle();
  const sys = await boot(countingSystem, { env: { ...process.env, SKERRY_ORACLE: oracle.path } });
  let pids: number[] = [];
  try {
    const { herald, one } = sys.servers;
    const pid = await herald.ready();
    const used = () => [openDescriptors(pid), mappedRegions(pid)];
    const before = used();
    const busy = Array.from({ length: BUSY }, (_, id) => one.count(20_000 + id, 1_000));
    await until('the server is busy', () => oracle.read().total === BUSY);
    await assert.rejects(herald.announceAndDie(NOTIFICATIONS, 5), { code: 'SKERRY_SERVER_DIED' });
    assert.equal(oracle.read().total, BUSY, 'nothing of the dead client has been started yet');
    await Promise.all(busy);
    await until('all have been run', () => oracle.read().total >= BUSY + NOTIFICATIONS);
    await sleep(50);
    const executions = oracle.read();
    assert.equal(executions.total, BUSY + NOTIFICATIONS, 'and no call');
    for (let id = 0; id < NOTIFICATIONS; id++) assert.equal(executions.times(id), 1, `notification ${id}`);
    assert.equal(await herald.ready(), pid, 'the counting server has not ended');
    await until('one channel for each client, as before', () =>
      used().every((count, index) => count <= (before[index] as number)),
    );
    assert.equal(await one.pid(), pid);
  } finally {
    pids = descendants();
    await sys.stop();
    oracle.remove();
  }
  await until('no process is left', () => !pids.some(isAlive));
});
