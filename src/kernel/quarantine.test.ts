import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PoisonedCall } from '../protocol/quarantine.ts';
import type { Channel } from './channels.ts';
import type { Process } from './process-record.ts';
import { Quarantine } from './quarantine.ts';

const CALL: PoisonedCall = { method: 'm', deaths: 2, reason: 'SIGSEGV', bytes: 3, payload: 'AAAA', hasExtra: false };

function client(slot: number): Process {
  return { role: 'server', name: `client-${slot}`, endpoint: { node: 0, slot, generation: 1 } } as Process;
}

const CHANNEL = { slot: { server: { name: 'geo' }, replica: 1 }, principal: 'server:web' } as Channel;

test('what is kept has who called whom, and a number of its own', () => {
  const quarantine = new Quarantine();
  const { call, gone } = quarantine.keep(client(2), CHANNEL, CALL);
  assert.deepEqual(gone, []);
  const { time, ...rest } = call;
  assert.ok(Math.abs(time - Date.now()) < 10_000);
  assert.deepEqual(rest, { ...CALL, id: 1, server: 'geo', replica: 1, client: 'client-2', principal: 'server:web' });
  assert.equal(quarantine.keep(client(2), CHANNEL, CALL).call.id, 2);
  quarantine.pardon(1);
  assert.deepEqual(
    quarantine.all.map(({ id }) => id),
    [2],
  );
  assert.equal(quarantine.keep(client(2), CHANNEL, CALL).call.id, 3, 'a number is never used again');
});

test('what is beyond the bounds goes, the oldest first, of who has too many', () => {
  const quarantine = new Quarantine();
  quarantine.keep(client(2), CHANNEL, CALL);
  for (let i = 0; i < 16; i++) assert.deepEqual(quarantine.keep(client(3), CHANNEL, CALL).gone, []);
  assert.deepEqual(quarantine.keep(client(3), CHANNEL, CALL).gone, [2], 'its own, not the oldest of all');
  for (const slot of [4, 5]) for (let i = 0; i < 16; i++) quarantine.keep(client(slot), CHANNEL, CALL);
  for (let i = 0; i < 15; i++) assert.deepEqual(quarantine.keep(client(6), CHANNEL, CALL).gone, []);
  assert.equal(quarantine.all.length, 64);
  assert.deepEqual(quarantine.keep(client(7), CHANNEL, CALL).gone, [1]);
  assert.equal(quarantine.all.length, 64);
});

test('what a client says of a call is not more than it may say', () => {
  const quarantine = new Quarantine();
  const { call } = quarantine.keep(client(2), CHANNEL, { ...CALL, id: 99, principal: 'operator' } as PoisonedCall);
  assert.equal(call.id, 1);
  assert.equal(call.principal, 'server:web');
});
