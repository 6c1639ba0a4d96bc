// A listening driver, with a function in place of the servers behind it, against clients of all kinds.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SkerryError } from '../../base/errors.ts';
import { createDriver, type Driver } from './driver.ts';
import type { Invoke } from './exchange.ts';
import { checkOptions, type HttpOptions } from './options.ts';

const routes: HttpOptions['routes'] = [
  { route: 'GET /nearest', server: 'geo', method: 'nearest', args: ['lat', 'lng', 'k'] },
  { route: 'POST /echo', server: 'geo', method: 'echo', timeoutMs: 250 },
  { route: 'PUT /users/:id', server: 'geo', method: 'echo', args: ['id', 'name'], cacheControl: 'max-age=5' },
];

/** Answers with what it was asked. */
const mirror: Invoke = async (server, method, args, { timeoutMs }) => ({ server, method, args, timeoutMs });

/** A driver that listens on a free port and is closed with the test. */
async function start(
  t: TestContext,
  invoke: Invoke = mirror,
  options: Partial<HttpOptions> = {},
  faults: unknown[] = [],
): Promise<Driver> {
  const driver = createDriver({
    options: checkOptions({ port: 0, routes, drainMs: 50, ...options }, ['geo']),
    invoke,
    onFault: (message, error) => faults.push([message, error]),
  });
  await driver.listen();
  t.after(() => driver.close());
  return driver;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed body; undefined if there is none. */
  readonly json: unknown;
}

interface Ask {
  readonly method?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent;
}

/** Asks without `fetch`, which would change paths and hide connections. */
function ask(driver: Driver, path: string, { method = 'GET', body, headers = {}, agent }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = httpRequest({
      port: driver.port,
      path,
      method,
      headers: { ...type, ...headers },
      ...(agent ? { agent } : { agent: false }),
    });
    request.on('error', reject);
    request.on('response', async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      const json: unknown = text === '' ? undefined : JSON.parse(text);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
    });
    request.end(body);
  });
}

/** Writes bytes as they are and gives all that comes back until the connection is closed. */
async function raw(driver: Driver, bytes: string): Promise<string> {
  const socket = connect(driver.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes);
  return await readAll(socket);
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

function errorOf({ json }: Answer): { code?: string; message?: string; issues?: unknown } {
  return (json as { error?: object }).error ?? {};
}

/** A call that never ends by itself; `signals` has what would end it. */
function never(signals: AbortSignal[]): Invoke {
  return (_server, _method, _args, { signal }) => {
    signals.push(signal);
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new SkerryError('SKERRY_ABORTED', 'cancelled')));
    });
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await sleep(10);
  assert.ok(condition(), 'waited 5 s for it');
}

test('a query becomes the arguments of the call, its result the answer', async (t) => {
  const driver = await start(t);
  const answer = await ask(driver, '/nearest?lng=13.4&lat=52.5');
  assert.equal(answer.status, 200);
  // JSON has no undefined: a missing argument shows as null here, but is passed as undefined.
  assert.deepEqual(answer.json, { server: 'geo', method: 'nearest', args: ['52.5', '13.4', null] });
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
  assert.equal(answer.headers['content-length'], String(Buffer.byteLength(answer.text)));
  assert.equal(answer.headers['cache-control'], 'no-store');
});

test('a missing argument is undefined', async (t) => {
  const seen: unknown[] = [];
  const driver = await start(t, async (_server, _method, args) => void seen.push(...args));
  await ask(driver, '/nearest?lat=1');
  assert.deepEqual(seen, ['1', undefined, undefined]);
});

test('a JSON body and the path become arguments, with the deadline and the cache rule of the route', async (t) => {
  const driver = await start(t);
  const echoed = await ask(driver, '/echo', {
    method: 'POST',
    body: '{"a":[1,"ü"]}',
    headers: { 'content-type': 'application/merge-patch+json; charset="UTF-8"' },
  });
  assert.deepEqual(echoed.json, { server: 'geo', method: 'echo', args: [{ a: [1, 'ü'] }], timeoutMs: 250 });
  const put = await ask(driver, '/users/7', { method: 'PUT', body: '{"name":"alice","id":"8"}' });
  assert.deepEqual((put.json as { args: unknown }).args, ['7', 'alice']);
  assert.equal(put.headers['cache-control'], 'max-age=5');
  const empty = await ask(driver, '/echo', { method: 'POST' });
  assert.deepEqual((empty.json as { args: unknown }).args, [{}]);
});

test('a result of undefined is 204 without a body', async (t) => {
  const driver = await start(t, async () => undefined);
  const answer = await ask(driver, '/nearest');
  assert.equal(answer.status, 204);
  assert.equal(answer.text, '');
  assert.equal(answer.headers['content-type'], undefined);
});

test('HEAD has the headers of GET and no body', async (t) => {
  const driver = await start(t);
  const [head, get] = [await ask(driver, '/nearest?lat=1', { method: 'HEAD' }), await ask(driver, '/nearest?lat=1')];
  assert.equal(head.status, 200);
  assert.equal(head.text, '');
  assert.equal(head.headers['content-length'], get.headers['content-length']);
  const missing = await ask(driver, '/none', { method: 'HEAD' });
  assert.equal(missing.status, 404);
  assert.equal(missing.text, '');
});

test('unknown paths and wrong methods are told apart', async (t) => {
  const driver = await start(t);
  const missing = await ask(driver, '/none');
  assert.equal(missing.status, 404);
  assert.equal(errorOf(missing).code, 'SKERRY_NOT_FOUND');
  const wrong = await ask(driver, '/nearest', { method: 'POST', body: '{}' });
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.allow, 'GET, HEAD');
  assert.equal(errorOf(wrong).code, 'HTTP_METHOD_NOT_ALLOWED');
});

test('bad input is 400 with the name of the argument', async (t) => {
  const driver = await start(t, async () => {
    throw new SkerryError('SKERRY_INVALID', 'input of geo.nearest is not valid', {
      data: { issues: [{ path: [0], message: 'too large' }] },
    });
  });
  const answer = await ask(driver, '/nearest?lat=91');
  assert.equal(answer.status, 400);
  assert.deepEqual(errorOf(answer), {
    code: 'SKERRY_INVALID',
    message: 'the input is not valid: lat: too large',
    issues: [{ path: 'lat', message: 'too large' }],
  });
});

test('a coded error has its status, any other is 500, logged and not leaked', async (t) => {
  const faults: unknown[] = [];
  const failures: unknown[] = [new SkerryError('SKERRY_BUSY', 'full'), new Error('secret'), 'secret'];
  const driver = await start(
    t,
    async () => {
      throw failures.shift();
    },
    {},
    faults,
  );
  const busy = await ask(driver, '/nearest');
  assert.deepEqual([busy.status, busy.headers['retry-after'], errorOf(busy).code], [503, '1', 'SKERRY_BUSY']);
  for (let i = 0; i < 2; i++) {
    const failed = await ask(driver, '/nearest');
    assert.equal(failed.status, 500);
    assert.doesNotMatch(failed.text, /secret|at /);
  }
  assert.equal(faults.length, 2);
});

test('a result that JSON cannot express is 500, and the driver goes on', async (t) => {
  const faults: unknown[] = [];
  const results: unknown[] = [10n, 1];
  const driver = await start(t, async () => results.shift(), {}, faults);
  assert.equal((await ask(driver, '/nearest')).status, 500);
  assert.match(String(faults), /geo\.nearest cannot be sent as JSON/);
  assert.equal((await ask(driver, '/nearest')).text, '1');
});

test('a call that throws before it gives a promise is answered', async (t) => {
  const driver = await start(t, () => {
    throw new SkerryError('SKERRY_SERVER_DOWN', 'geo is down');
  });
  assert.equal((await ask(driver, '/nearest')).status, 503);
});

test('a body that is too large is refused, announced or not', async (t) => {
  const driver = await start(t, mirror, { bodyBytesMax: 1000 });
  const exact = JSON.stringify('x'.repeat(998));
  assert.equal((await ask(driver, '/echo', { method: 'POST', body: exact })).status, 200);
  const announced = await ask(driver, '/echo', { method: 'POST', body: `${exact} ` });
  assert.deepEqual([announced.status, errorOf(announced).code, announced.headers.connection], [413, 'SKERRY_LIMIT', 'close']);
  const chunked = await ask(driver, '/echo', { method: 'POST', body: `${exact} `, headers: { 'transfer-encoding': 'chunked' } });
  assert.equal(chunked.status, 413);
});

test('a huge body gets its 413 although the client is still sending', async (t) => {
  const driver = await start(t);
  const body = new Uint8Array(30_000_000).fill(32);
  const answers = await Promise.all([
    ask(driver, '/echo', { method: 'POST', body }),
    ask(driver, '/echo', { method: 'POST', body, headers: { 'transfer-encoding': 'chunked' } }),
  ]);
  assert.deepEqual(
    answers.map((answer) => answer.status),
    [413, 413],
  );
});

test('a client that asks before it sends is told to go on, or not to', async (t) => {
  const driver = await start(t, mirror, { bodyBytesMax: 10 });
  const head = (length: number): string =>
    `POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: ${length}\r\n\r\n`;
  const refused = connect(driver.port, '127.0.0.1');
  refused.write(head(11));
  const [first] = (await once(refused, 'data')) as [Buffer];
  assert.match(first.toString(), /^HTTP\/1\.1 413 /);
  refused.destroy();
  const accepted = connect(driver.port, '127.0.0.1');
  accepted.write(head(2));
  const [go] = (await once(accepted, 'data')) as [Buffer];
  assert.match(go.toString(), /^HTTP\/1\.1 100 /);
  accepted.write('{}');
  assert.match(await readAll(accepted), /^HTTP\/1\.1 200 /);
});

test('only JSON in UTF-8 is taken as a body', async (t) => {
  const driver = await start(t);
  const post = (type: string, more: Record<string, string> = {}): Promise<Answer> =>
    ask(driver, '/echo', { method: 'POST', body: '{}', headers: { 'content-type': type, ...more } });
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/json; charset=latin1',
    '',
  ]) {
    const answer = await post(type);
    assert.deepEqual([answer.status, errorOf(answer).code], [415, 'HTTP_UNSUPPORTED_MEDIA_TYPE'], type);
  }
  assert.equal((await post('application/json', { 'content-encoding': 'gzip' })).status, 415);
  assert.equal((await post('Application/JSON;charset=utf-8', { 'content-encoding': 'identity' })).status, 200);
});

test('a body that is no JSON is 400 with the place of the mistake', async (t) => {
  const driver = await start(t);
  const post = (body: string | Uint8Array): Promise<Answer> => ask(driver, '/echo', { method: 'POST', body });
  const bad = await post('{"a":1,\n"b":}');
  assert.equal(bad.status, 400);
  assert.equal(errorOf(bad).message, 'the body is not valid JSON at position 12 (line 2, column 5)');
  assert.match(String(errorOf(await post(Buffer.from([0x22, 0xff, 0x22]))).message), /not valid UTF-8/);
  assert.match(String(errorOf(await post('{"a":{"__proto__":{"x":1}}}')).message), /__proto__/);
  assert.equal((await post('['.repeat(500_000))).status, 400);
  assert.equal((await post('\ufeff{"a":1}')).status, 200);
  assert.equal(({} as { x?: unknown }).x, undefined);
});

test('strange targets are answered plainly', async (t) => {
  const driver = await start(t);
  assert.equal((await ask(driver, '/nearest?lat=%')).status, 400);
  assert.equal((await ask(driver, '/%zz')).status, 400);
  assert.equal((await ask(driver, '/nearest?__proto__=1')).status, 400);
  assert.equal((await ask(driver, '/../nearest')).status, 404);
  assert.equal((await ask(driver, '//nearest')).status, 404);
  assert.equal((await ask(driver, 'http://elsewhere.example/nearest?lat=1')).status, 200);
  assert.deepEqual(((await ask(driver, '/nearest?lat=1&lat=2')).json as { args: unknown }).args, [['1', '2'], null, null]);
  assert.match(await raw(driver, 'OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.equal(await raw(driver, 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n'), '');
});

test('headers that are too large or no HTTP at all are answered in JSON', async (t) => {
  const driver = await start(t);
  const long = await raw(driver, `GET /nearest?lat=${'1'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`);
  assert.match(long, /^HTTP\/1\.1 431 .*"code":"HTTP_HEADERS_TOO_LARGE"/s);
  assert.match(await raw(driver, 'hello\r\n\r\n'), /^HTTP\/1\.1 400 .*"code":"SKERRY_INVALID"/s);
  assert.match(
    await raw(driver, 'GET / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'),
    /^HTTP\/1\.1 400 /,
  );
});

test('a client that is slow with its headers or its body is sent away', async (t) => {
  const driver = await start(t, mirror, { headersTimeoutMs: 100, bodyTimeoutMs: 100 });
  const [headers, chunked, short] = await Promise.all([
    raw(driver, 'GET /nearest HTTP/1.1\r\nhost: x\r\n'),
    raw(
      driver,
      'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n',
    ),
    raw(driver, 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{'),
  ]);
  for (const answer of [headers, chunked, short]) assert.match(answer, /^HTTP\/1\.1 408 .*"code":"HTTP_REQUEST_TIMEOUT"/s);
  assert.equal(driver.requests, 0);
});

test('a client that does not read its answer is cut off', async (t) => {
  const driver = await start(t, async () => 'x'.repeat(30_000_000), { stallTimeoutMs: 100 });
  const socket = connect(driver.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  socket.write('GET /nearest HTTP/1.1\r\nhost: x\r\n\r\n');
  await until(() => driver.requests === 1);
  await until(() => driver.requests === 0);
  socket.destroy();
});

test('a call may take longer than a client may be silent', async (t) => {
  const driver = await start(t, () => sleep(400, 'late'), { stallTimeoutMs: 100, keepAliveMs: 100 });
  assert.equal((await ask(driver, '/nearest')).json, 'late');
});

test('requests that come in one piece are answered in their order', async (t) => {
  const driver = await start(t, async (_server, _method, [lat]) => {
    await sleep(lat === '1' ? 50 : 0);
    return `answer ${lat}`;
  });
  const get = (lat: number, more = ''): string => `GET /nearest?lat=${lat} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
  const answers = await raw(driver, get(1) + get(2) + get(3, 'connection: close\r\n'));
  assert.deepEqual(answers.match(/answer \d/g), ['answer 1', 'answer 2', 'answer 3']);
});

test('a client that goes away aborts its calls, those in the queue behind them too', async (t) => {
  const signals: AbortSignal[] = [];
  const driver = await start(t, never(signals));
  const socket = connect(driver.port, '127.0.0.1');
  socket.write('GET /nearest HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3));
  await until(() => signals.length === 3);
  assert.equal(driver.requests, 3);
  socket.destroy();
  await until(() => signals.every((signal) => signal.aborted));
  assert.equal(driver.requests, 0);
});

test('a client that goes away while it sends does no harm', async (t) => {
  const faults: unknown[] = [];
  const driver = await start(t, mirror, {}, faults);
  const socket = connect(driver.port, '127.0.0.1');
  socket.write('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{');
  await until(() => driver.requests === 1);
  socket.resetAndDestroy();
  await until(() => driver.requests === 0);
  assert.equal((await ask(driver, '/nearest')).status, 200);
  assert.deepEqual(faults, []);
});

test('an answered call is not aborted', async (t) => {
  const signals: AbortSignal[] = [];
  const driver = await start(t, async (_server, _method, _args, { signal }) => void signals.push(signal));
  await ask(driver, '/nearest');
  await until(() => driver.requests === 0);
  assert.deepEqual(
    signals.map((signal) => signal.aborted),
    [false],
  );
});

test('more requests than may be under way are 503', async (t) => {
  const signals: AbortSignal[] = [];
  const driver = await start(t, never(signals), { requestsMax: 2 });
  const waiting = [ask(driver, '/nearest'), ask(driver, '/nearest')];
  await until(() => driver.requests === 2);
  const refused = await ask(driver, '/nearest');
  assert.deepEqual([refused.status, errorOf(refused).code, refused.headers['retry-after']], [503, 'SKERRY_BUSY', '1']);
  await driver.close();
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 503);
});

test('connections are kept between requests, unless that is turned off', async (t) => {
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const [keeping, closing] = [await start(t), await start(t, mirror, { keepAliveMs: 0 })];
  assert.equal((await ask(keeping, '/nearest', { agent })).headers.connection, 'keep-alive');
  assert.equal((await ask(closing, '/nearest', { agent })).headers.connection, 'close');
});

test('a port in use is said plainly', async (t) => {
  const first = await start(t);
  const second = createDriver({ options: checkOptions({ port: first.port, routes }, ['geo']), invoke: mirror });
  await assert.rejects(second.listen(), { code: 'SKERRY_INIT', message: `port ${first.port} on 127.0.0.1 is in use` });
  await second.close();
});

test('an address that is not of this machine is said plainly', async () => {
  const driver = createDriver({ options: checkOptions({ port: 0, host: '192.0.2.1', routes }, ['geo']), invoke: mirror });
  await assert.rejects(driver.listen(), { code: 'SKERRY_INIT', message: '192.0.2.1 is not an address of this machine' });
});

test('closing lets requests under way finish and closes what is idle', async (t) => {
  let finish = (_value: string): void => {};
  const driver = await start(t, () => new Promise((resolve) => (finish = resolve)), { drainMs: 60_000 });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const idle = connect(driver.port, '127.0.0.1'); // has sent nothing
  await once(idle, 'connect');
  const answer = ask(driver, '/nearest', { agent });
  await until(() => driver.requests === 1);
  const closed = driver.close();
  assert.equal(driver.close(), closed, 'closing twice is closing once');
  await assert.rejects(ask(driver, '/nearest'), { code: 'ECONNREFUSED' });
  finish('done');
  assert.deepEqual([(await answer).json, (await answer).headers.connection], ['done', 'close']);
  await closed;
  assert.equal(driver.requests, 0);
  idle.destroy();
});

test('closing with an idle kept connection does not wait for it', async (t) => {
  const driver = await start(t, mirror, { drainMs: 60_000, keepAliveMs: 60_000 });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  await ask(driver, '/nearest', { agent });
  await driver.close();
});

test('what is not finished when the drain ends is aborted and answered with 503', async (t) => {
  const signals: AbortSignal[] = [];
  const driver = await start(t, never(signals), { drainMs: 50 });
  const answer = ask(driver, '/nearest');
  await until(() => signals.length === 1);
  await driver.close();
  assert.ok(signals[0].aborted);
  assert.deepEqual([(await answer).status, errorOf(await answer).code], [503, 'HTTP_STOPPING']);
});

test('a call that ignores its signal does not keep the driver from closing', async (t) => {
  const driver = await start(t, () => new Promise(() => {}), { drainMs: 10 });
  const answer = ask(driver, '/nearest');
  answer.catch(() => {});
  await until(() => driver.requests === 1);
  await driver.close();
  await assert.rejects(answer);
});

test('a route to a stream is answered once, with 501, and the stream is ended', async (t) => {
  let ended = 0;
  const stream = async function* () {
    try {
      for (;;) yield 1;
    } finally {
      ended += 1;
    }
  };
  const driver = await start(t, async () => {
    const items = stream();
    await items.next();
    return items;
  });
  const answer = await ask(driver, '/nearest?lat=1&lng=2');
  assert.equal(answer.status, 501);
  assert.equal((answer.json as { error: { code: string } }).error.code, 'SKERRY_UNSUPPORTED');
  assert.equal(ended, 1);
});
