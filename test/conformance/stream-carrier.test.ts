// How two processes meet over sockets: tokens admit, once for each direction; strangers are cut off.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import type { ClientEvents, ServerEvents } from '../../src/channel/transport.ts';
import type { Introduce, Opened } from '../../src/link/carrier.ts';
import { StreamCarrier } from '../../src/link/stream-carrier.ts';
import { Kind } from '../../src/protocol/record.ts';
import { until } from './case.ts';

const introduce = { suspects: 0 } as Introduce;
const clientEvents: ClientEvents = { onRecord: () => {}, onUnsent: () => {}, onCorrupt: () => {} };

function serverEvents(started: number[]): ServerEvents {
  return {
    ready: () => true,
    onStart: () => {},
    onRequest: (_kind, _flags, _method, callId) => started.push(callId),
    onControl: () => {},
    onUnsent: () => {},
    onCorrupt: () => {},
  };
}

function cutOff(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => resolve(true));
    setTimeout(() => resolve(false), 300);
  });
}

test('a client with its token is served once the server was told to start', { timeout: 10_000 }, async () => {
  const [one, two] = [new StreamCarrier(), new StreamCarrier()];
  two.life.hold();
  const address = await one.address();
  const started: number[] = [];
  const served = await one.openServer(introduce, [], serverEvents(started));
  const client = await two.openClient(1, 'test.0', clientEvents);
  client.end.send(Kind.call, 0, 0, 5, (encoder) => encoder.f64(0), undefined);
  client.attach({ address, token: served.token } as Opened, []);
  await new Promise((resolve) => {
    setTimeout(resolve, 30);
  });
  assert.deepEqual(started, []);
  served.start();
  await until(() => started.length === 1, 'the call to start');
  await until(() => client.end.unstarted === 0, 'the client to hear of it');
  served.end.close();
  await client.ended?.();
  client.end.close();
  two.life.drop();
  one.close();
  two.close();
});

test('who shows no token, a wrong one, or one that is used, is cut off', { timeout: 10_000 }, async () => {
  const carrier = new StreamCarrier();
  const address = await carrier.address();
  const served = await carrier.openServer(introduce, [], serverEvents([]));
  const token = Buffer.from(served.token ?? '', 'hex');
  const show = (bytes: Buffer): Socket => {
    const socket = connect(address);
    socket.write(bytes);
    return socket;
  };
  const wrong = Buffer.from(token);
  wrong[31] = (wrong[31] as number) ^ 1;
  assert.ok(await cutOff(show(Buffer.concat([Buffer.alloc(32), Buffer.of(1)]))), 'an unknown token');
  assert.ok(await cutOff(show(Buffer.concat([wrong, Buffer.of(1)]))), 'a wrong second half');
  assert.ok(await cutOff(show(Buffer.concat([token, Buffer.of(3)]))), 'a direction that does not exist');
  const right = show(Buffer.concat([token, Buffer.of(1)]));
  assert.equal(await cutOff(right), false, 'the right token');
  assert.ok(await cutOff(show(Buffer.concat([token, Buffer.of(1)]))), 'a token that is used');
  served.end.close();
  assert.ok(await cutOff(show(Buffer.concat([token, Buffer.of(2)]))), 'a token of a closed channel');
  right.destroy();
  carrier.close();
});
