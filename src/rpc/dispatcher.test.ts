// A successor's dispatcher: what it holds back for suspects, and when it stops waiting for them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deferred } from '../base/deferred.ts';
import type { SkerryError } from '../base/errors.ts';
import { Decoder } from '../channel/codec/decoder.ts';
import { Encoder } from '../channel/codec/encoder.ts';
import type { ServerEnd } from '../channel/transport.ts';
import { StatusCounters } from '../memory/status.ts';
import { Kind } from '../protocol/record.ts';
import type { Connection } from './connection.ts';
import { Dispatcher } from './dispatcher.ts';
import type { Handler } from './handler.ts';
import { writeCall } from './wire.ts';

const SUSPECT_MS = 1000;

interface Client {
  readonly connection: Connection;
  readonly broken: (string | undefined)[];
  asked: number;
  resumed: number;
}

/** A client of a successor that has announced so many suspects, whose bytes do not come by themselves. */
function introduce(dispatcher: Dispatcher, suspects: number): Client {
  const broken: (string | undefined)[] = [];
  const connection = dispatcher.connect({
    principal: 'test',
    allowed: undefined,
    onBroken: (error: SkerryError) => broken.push(error.code),
  });
  const client: Client = { connection, broken, asked: 0, resumed: 0 };
  connection.use({
    suspectsWaiting: suspects,
    unstarted: 0,
    startSuspect: () => {
      client.asked += 1;
    },
    resume: () => {
      client.resumed += 1;
    },
    creditOf: () => 1,
    isCancelled: () => false,
    send: () => {},
    close: () => {},
  } as unknown as ServerEnd);
  return client;
}

/** The same, and it has joined. */
function join(dispatcher: Dispatcher, suspects: number): Client {
  const client = introduce(dispatcher, suspects);
  client.connection.join();
  return client;
}

function successor(handlers: readonly Handler[] = [], concurrency = 64): Dispatcher {
  return new Dispatcher({ server: 'test', handlers, concurrency, status: new StatusCounters(undefined) });
}

/** A request of this client, without arguments. */
function call({ connection }: Client, method: number): void {
  const encoder = new Encoder();
  encoder.beginScratch(1024);
  writeCall(encoder, { deadline: 0, extra: undefined, args: [], encodedArgs: undefined });
  const body = new Decoder();
  body.begin(encoder.bytes, 0, encoder.finish());
  connection.onStart();
  connection.onRequest(Kind.call, 0, method, 1024, body, 0);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a suspect that was announced and never comes ends its own channel after a second; the others are served then', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const dispatcher = successor();
  const liar = introduce(dispatcher, 1);
  const honest = introduce(dispatcher, 0);
  for (const { connection } of [honest, liar]) connection.join();
  assert.deepEqual([liar.asked, dispatcher.ready()], [1, false]);
  const before = honest.resumed;
  t.mock.timers.tick(SUSPECT_MS - 1);
  assert.deepEqual([liar.broken, dispatcher.ready()], [[], false]);
  t.mock.timers.tick(1);
  assert.deepEqual([liar.broken, dispatcher.ready()], [['SKERRY_CORRUPT'], true]);
  assert.ok(honest.resumed > before);
});

test('a suspect that comes late, and runs long, breaks nothing', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const dispatcher = successor();
  const late = join(dispatcher, 1);
  t.mock.timers.tick(SUSPECT_MS - 1);
  late.connection.onStart();
  t.mock.timers.tick(10 * SUSPECT_MS);
  assert.deepEqual([late.broken, dispatcher.ready()], [[], false]);
});

test('a client that leaves before its suspect came lets the others be served', () => {
  const dispatcher = successor();
  const leaving = introduce(dispatcher, 2);
  const honest = introduce(dispatcher, 0);
  for (const { connection } of [leaving, honest]) connection.join();
  assert.equal(dispatcher.ready(), false);
  leaving.connection.close(new Error('it left') as SkerryError);
  assert.equal(dispatcher.ready(), true);
  assert.ok(honest.resumed > 0);
});

test('a suspect has a second of its own, however late the one before it came', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const dispatcher = successor();
  const late = join(dispatcher, 2);
  t.mock.timers.tick(SUSPECT_MS - 100);
  late.connection.onStart(); // the first comes, and runs
  dispatcher.ended(false); // and ends: the second is asked for
  t.mock.timers.tick(SUSPECT_MS - 100);
  assert.deepEqual(late.broken, []);
  t.mock.timers.tick(100);
  assert.deepEqual(late.broken, ['SKERRY_CORRUPT']);
});

test('streams that wait for their consumers hold no suspect up; one that goes on does', () => {
  const dispatcher = successor();
  join(dispatcher, 0);
  dispatcher.starting(); // a stream, which then waits for credit
  dispatcher.pause(1);
  const late = join(dispatcher, 2);
  assert.equal(late.asked, 1);
  late.connection.onStart();
  dispatcher.pause(-1); // its consumer has taken something
  dispatcher.ended(false); // the first suspect
  assert.equal(late.asked, 1, 'the stream runs');
  dispatcher.pause(1);
  assert.equal(late.asked, 2);
});

test('an aborted stream that waited is counted once: a suspect does not run beside others', async () => {
  const gate = deferred<void>();
  const endless = async function* () {
    for (;;) yield 1;
  };
  const dispatcher = successor([
    { name: 'busy', stream: false, input: undefined, run: () => gate.promise },
    { name: 'endless', stream: true, input: undefined, run: endless },
  ]);
  const [busy, leaving, late] = [introduce(dispatcher, 0), introduce(dispatcher, 0), introduce(dispatcher, 1)];
  for (const { connection } of [busy, leaving]) connection.join();
  call(busy, 0);
  call(leaving, 1);
  await turn(); // it has sent what it has credit for, and waits
  late.connection.join();
  leaving.connection.close(new Error('it left') as SkerryError);
  assert.equal(late.asked, 0, 'something runs');
  await turn();
  assert.deepEqual([late.asked, dispatcher.running], [0, 1]);
  gate.resolve();
  await turn();
  assert.deepEqual([late.asked, dispatcher.running], [1, 0]);
});

test('where one call runs at a time, no suspect runs within a stream either', () => {
  const dispatcher = successor([], 1);
  dispatcher.starting();
  dispatcher.pause(1);
  const late = join(dispatcher, 1);
  assert.equal(late.asked, 0);
  dispatcher.pause(-1);
  dispatcher.ended(false);
  assert.equal(late.asked, 1);
});
