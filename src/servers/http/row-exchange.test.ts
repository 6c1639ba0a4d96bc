// Requests of rows against a real driver: what is streamed, what is held back, what ends it.

import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SkerryError } from '../../base/errors.ts';
import { createDriver, type Driver } from './driver.ts';
import { checkOptions, type HttpOptions } from './options.ts';
import type { RowRequest } from './row-exchange.ts';

const TIMEOUT = { timeout: 30_000 };
const PLACES = 3;
const IN_FLIGHT_MAX = 2 * PLACES;

type Work = (chunk: RowRequest, signal: AbortSignal) => Promise<unknown>;

async function start(t: TestContext, work: Work, options: Partial<HttpOptions> = {}): Promise<Driver> {
  const driver = createDriver({
    options: checkOptions(
      { port: 0, routes: [{ route: 'POST /rows', server: 'rows', method: 'work', rows: true }], drainMs: 50, ...options },
      ['rows'],
    ),
    invoke: (_server, _method, [chunk], { signal }) => work(chunk as RowRequest, signal),
    placesOf: async () => PLACES,
  });
  await driver.listen();
  t.after(() => driver.close());
  return driver;
}

const echo: Work = async ({ bytes, header, first }) => (first ? Buffer.concat([Buffer.from(`${header}\n`), bytes]) : { bytes });

interface Asked {
  readonly response: IncomingMessage;
  readonly text: string;
}

async function* pieces(text: string, size = 10_000): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

function ask(driver: Driver, body: AsyncIterable<string>, headers: Record<string, string> = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      port: driver.port,
      path: '/rows?k=v',
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'text/csv', ...headers },
    });
    request.on('error', reject);
    request.on('response', async (response) => {
      let text = '';
      response.setEncoding('utf8');
      for await (const piece of response) text += piece;
      resolve({ response, text });
    });
    (async () => {
      for await (const piece of body) {
        if (request.destroyed) return;
        if (!request.write(piece)) await Promise.race([new Promise((drained) => request.once('drain', drained)), sleep(100)]);
      }
      request.end();
    })().catch(reject);
  });
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await sleep(10);
  assert.ok(condition(), `waited 10 s until ${what}`);
}

const rowsOf = (count: number): string => Array.from({ length: count }, (_, i) => `${i},"row\n${i}"\n`).join('');

test('rows go there and back in order, whatever order the chunks are done in', TIMEOUT, async (t) => {
  const seen: RowRequest[] = [];
  let inFlight = 0;
  let most = 0;
  const driver = await start(t, async (chunk, signal) => {
    seen.push(chunk);
    inFlight += 1;
    most = Math.max(most, inFlight);
    await sleep(seen.length % 3 === 0 ? 20 : 1);
    inFlight -= 1;
    return echo(chunk, signal);
  });
  const text = `a,b\n${rowsOf(60_000)}`;
  const { response, text: answer } = await ask(driver, pieces(text));
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['content-type'], 'text/csv; charset=utf-8');
  assert.equal(response.headers['transfer-encoding'], 'chunked');
  assert.ok(answer === text, 'the answer is the text that was sent');
  assert.ok(seen.length > 10);
  assert.ok(most > 1 && most <= IN_FLIGHT_MAX, `${most} at once`);
  assert.deepEqual([seen[0].header, seen[0].line, seen[0].format, { ...seen[0].query }], ['a,b', 2, 'csv', { k: 'v' }]);
});

test('NDJSON has its own type; other types, GET and a route with args are refused', TIMEOUT, async (t) => {
  const driver = await start(t, echo);
  const ndjson = await ask(driver, pieces('{"a":1}\n'), { 'content-type': 'application/x-ndjson; charset=UTF-8' });
  assert.equal(ndjson.response.headers['content-type'], 'application/x-ndjson; charset=utf-8');
  assert.equal(ndjson.text, '\n{"a":1}\n');
  for (const type of ['', 'application/json', 'text/csv; charset=latin1']) {
    const { response, text } = await ask(driver, pieces('a\n1\n'), { 'content-type': type });
    assert.deepEqual([response.statusCode, JSON.parse(text).error.code], [415, 'HTTP_UNSUPPORTED_MEDIA_TYPE']);
  }
  const zipped = await ask(driver, pieces('a\n1\n'), { 'content-encoding': 'gzip' });
  assert.equal(zipped.response.statusCode, 415);
  const route = { server: 'rows', method: 'work', rows: true };
  assert.throws(
    () => checkOptions({ port: 0, routes: [{ ...route, route: 'GET /rows' }] }, ['rows']),
    /routes\[0\].rows must be of a POST/,
  );
  assert.throws(
    () => checkOptions({ port: 0, routes: [{ ...route, route: 'POST /rows', args: ['a'] }] }, ['rows']),
    /without `args`/,
  );
});

test('what fails before the first answer has a status; what fails later is the last row', TIMEOUT, async (t) => {
  let failing = 0;
  const driver = await start(t, async (chunk, signal) => {
    if (chunk.line >= failing) throw new SkerryError('SKERRY_INVALID', 'the column "lat" is missing');
    return echo(chunk, signal);
  });
  const refused = await ask(driver, pieces(`a\n${rowsOf(100_000)}`));
  assert.equal(refused.response.statusCode, 400);
  assert.deepEqual(JSON.parse(refused.text).error, { code: 'SKERRY_INVALID', message: 'the column "lat" is missing' });
  failing = 10_000;
  const cut = await ask(driver, pieces(`a\n${rowsOf(50_000)}`));
  assert.equal(cut.response.statusCode, 200);
  assert.match(cut.text, /^a\n0,"row\n0"\n[\s\S]*"\n"error: SKERRY_INVALID: the column ""lat"" is missing"\n$/);
});

test('a row without end is 413 at once, and a last row when there were others', TIMEOUT, async (t) => {
  const driver = await start(t, echo, { rowBytesMax: 2_000 });
  const endless = async function* (head: string) {
    yield head;
    for (let i = 0; i < 1000; i++) yield 'x'.repeat(1000);
  };
  const first = await ask(driver, endless('a\n"'));
  assert.equal(first.response.statusCode, 413);
  assert.match(JSON.parse(first.text).error.message, /row that begins at line 2 is longer than 2000 bytes/);
  const later = await ask(driver, endless('{"a":1}\n'), { 'content-type': 'application/x-ndjson' });
  assert.equal(later.response.statusCode, 200);
  const [, row, last] = later.text.split('\n');
  assert.equal(row, '{"a":1}');
  assert.equal(JSON.parse(last).error.code, 'SKERRY_LIMIT');
});

test('a client that reads nothing is not read from: what is in flight and in memory stays bounded', TIMEOUT, async (t) => {
  let calls = 0;
  const driver = await start(t, async (chunk, signal) => {
    calls += 1;
    return echo(chunk, signal);
  });
  const socket = connect(driver.port, '127.0.0.1').on('error', () => {});
  t.after(() => socket.destroy());
  socket.pause();
  const line = `${'z'.repeat(999)}\n`;
  const sent = await pour(socket, `a\n${line}`, line.repeat(100), 200_000_000);
  // All that the client could send is in the sockets' buffers, in chunks, and in answers that nobody reads.
  assert.ok(sent < 60_000_000, `${sent} bytes were taken`);
  const before = calls;
  await sleep(200);
  assert.equal(calls, before);
  assert.ok(calls * 64 * 1024 <= sent + 64 * 1024);
});

/** Sends until the other side takes no more for a second. @returns bytes that were taken */
async function pour(socket: Socket, head: string, body: string, most: number): Promise<number> {
  const hex = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  socket.write(`POST /rows HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\ntransfer-encoding: chunked\r\n\r\n${hex(head)}`);
  const piece = hex(body);
  let sent = 0;
  while (sent < most) {
    if (!socket.write(piece)) {
      const taken = await Promise.race([new Promise((drained) => socket.once('drain', () => drained(true))), sleep(1000)]);
      if (taken !== true) return sent;
    }
    sent += piece.length;
  }
  return sent;
}

test('a client that goes away aborts what runs and asks for nothing more', TIMEOUT, async (t) => {
  const signals: AbortSignal[] = [];
  const driver = await start(t, (_chunk, signal) => {
    signals.push(signal);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
  });
  const socket = connect(driver.port, '127.0.0.1').on('error', () => {});
  const line = `${'z'.repeat(999)}\n`;
  void pour(socket, `a\n${line}`, line.repeat(100), 600_000);
  await until('calls are in flight', () => signals.length === IN_FLIGHT_MAX);
  socket.destroy();
  await until('all are aborted', () => signals.every(({ aborted }) => aborted));
  await until('the request is over', () => driver.requests === 0);
  assert.equal(signals.length, IN_FLIGHT_MAX);
});

test('a client that stops sending is told so; a slow one that goes on is not', TIMEOUT, async (t) => {
  const driver = await start(t, echo, { bodyTimeoutMs: 300, headersTimeoutMs: 100 });
  const slow = async function* () {
    for (let i = 0; i < 10; i++) {
      yield `${i}\n`;
      await sleep(100);
    }
  };
  const { text } = await ask(driver, slow());
  assert.equal(text, '0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n');
  const stopped = async function* () {
    yield 'a\n1\n';
    await sleep(10_000, undefined, { ref: false });
  };
  const { response } = await ask(driver, stopped());
  assert.equal(response.statusCode, 408);
});

test('only so many such requests run at once; a stop cuts them with a last row', TIMEOUT, async (t) => {
  const driver = await start(t, echo, { rowRequestsMax: 1 });
  let goOn = true;
  const long = async function* () {
    yield `a\n${rowsOf(10_000)}`;
    while (goOn) {
      yield '1,2\n';
      await sleep(20);
    }
  };
  const first = ask(driver, long());
  await until('it runs', () => driver.requests === 1);
  const second = await ask(driver, pieces('a\n1\n'));
  assert.equal(second.response.statusCode, 503);
  await driver.close();
  goOn = false;
  const { text } = await first;
  assert.match(text, /"error: HTTP_STOPPING: the server is stopping"\n$/);
});
