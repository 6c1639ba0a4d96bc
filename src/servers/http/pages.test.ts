// Pages, read from a folder of the test and served by a listening driver.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createDriver, type Driver } from './driver.ts';
import { checkOptions, type HttpOptions, type PageOptions } from './options.ts';
import { PAGES_BYTES_MAX, readPages } from './pages.ts';

const LIMIT = { timeout: 20_000 };

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'skerry-pages-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function start(t: TestContext, pages: readonly PageOptions[], more: Partial<HttpOptions> = {}): Promise<Driver> {
  const options = checkOptions({ port: 0, drainMs: 50, routes: [], pages, ...more }, ['geo']);
  const driver = createDriver({
    options,
    invoke: async (_server, method, args) => ({ method, args }),
    pages: await readPages(options.pages, options.contentSecurityPolicy),
  });
  await driver.listen();
  t.after(() => driver.close());
  return driver;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Sends the path as it is: `fetch` would resolve `..` itself. */
async function ask(driver: Driver, path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
  const request = httpRequest({ port: driver.port, path, method, headers, agent: false }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

test('a page is sent as it was read at the start, with its type and the headers that keep a browser strict', LIMIT, async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'a.html'), '<p>ä</p>');
  writeFileSync(join(dir, 'b.bin'), 'b');
  const driver = await start(t, [
    { path: '/', file: join(dir, 'a.html') },
    { path: '/b', file: pathToFileURL(join(dir, 'b.bin')), type: 'application/x-b' },
    { path: '/c.html', file: pathToFileURL(join(dir, 'a.html')).href },
  ]);
  writeFileSync(join(dir, 'a.html'), 'changed');
  const answer = await ask(driver, '/?x=1');
  assert.deepEqual([answer.status, answer.text], [200, '<p>ä</p>']);
  assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(answer.headers['content-length'], '9');
  assert.equal(answer.headers['cache-control'], 'no-cache');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.match(String(answer.headers['content-security-policy']), /^default-src 'none'; script-src 'self'; /);
  assert.doesNotMatch(String(answer.headers['content-security-policy']), /unsafe|\*|https?:|data:/);
  assert.equal((await ask(driver, '/b')).headers['content-type'], 'application/x-b');
  assert.equal((await ask(driver, '/c.html')).text, '<p>ä</p>');
  const head = await ask(driver, '/', 'HEAD');
  assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '9']);
});

test('who has a page already is told so, and only then', LIMIT, async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'a.txt'), 'a');
  writeFileSync(join(dir, 'b.txt'), 'b');
  const driver = await start(t, [
    { path: '/a', file: join(dir, 'a.txt') },
    { path: '/b', file: join(dir, 'b.txt') },
  ]);
  const etag = (await ask(driver, '/a')).headers.etag ?? '';
  assert.match(etag, /^"[\w-]{22}"$/);
  for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const answer = await ask(driver, '/a', 'GET', { 'if-none-match': known });
    assert.deepEqual([answer.status, answer.text, answer.headers.etag], [304, '', etag], known);
    assert.equal(answer.headers['content-type'], undefined);
  }
  assert.equal((await ask(driver, '/b', 'GET', { 'if-none-match': etag })).status, 200);
  assert.equal((await ask(driver, '/a', 'GET', { 'if-none-match': '"x"' })).status, 200);
});

test('no other path leads to a file', LIMIT, async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'a.txt'), 'a');
  writeFileSync(join(dir, 'secret.txt'), 'secret');
  const driver = await start(t, [{ path: '/files/a.txt', file: join(dir, 'a.txt') }]);
  const paths = ['/', '/files', '/files/', '/files/secret.txt', '/files/../files/a.txt', '/files/./a.txt', '/files//a.txt'];
  for (const path of [...paths, '/files/%61.txt', '/files/a.txt/', '/files/..%2fa.txt', '/FILES/a.txt', '/__proto__']) {
    const { status, text } = await ask(driver, path);
    assert.deepEqual([status, JSON.parse(text).error.code], [404, 'SKERRY_NOT_FOUND'], path);
  }
  const wrong = await ask(driver, '/files/a.txt', 'POST');
  assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'GET, HEAD']);
});

test(
  'a page goes before a route with a parameter; with a route of its own path only another method is shared',
  LIMIT,
  async (t) => {
    const dir = folder(t);
    writeFileSync(join(dir, 'a.txt'), 'a');
    const pages = [{ path: '/a', file: join(dir, 'a.txt') }];
    const route = (text: string) => ({ route: text, server: 'geo', method: 'find' });
    const driver = await start(t, pages, { routes: [route('GET /:name'), route('POST /a')] });
    assert.equal((await ask(driver, '/a')).text, 'a');
    assert.equal(JSON.parse((await ask(driver, '/b')).text).args[0].name, 'b');
    assert.equal((await ask(driver, '/a', 'POST')).status, 200);
    assert.equal((await ask(driver, '/a', 'PUT')).headers.allow, 'GET, HEAD, POST');
    await assert.rejects(start(t, pages, { routes: [route('GET /%61')] }), {
      code: 'SKERRY_INVALID',
      message: 'http driver: page "/a" and route "GET /%61" answer the same requests',
    });
  },
);

test('a file that cannot be read, or is too much, ends the start with its name', LIMIT, async (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'folder.txt'));
  writeFileSync(join(dir, 'large.txt'), '');
  truncateSync(join(dir, 'large.txt'), PAGES_BYTES_MAX - 1);
  writeFileSync(join(dir, 'two.txt'), '12');
  const read = (...names: string[]) =>
    readPages(
      names.map((name) => ({ path: `/${name}`, file: join(dir, name), type: 'text/plain' })),
      'x',
    );
  await assert.rejects(read('none.txt'), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'SKERRY_INIT');
    assert.ok(
      error.message.includes(`the file ${join(dir, 'none.txt')} of page "/none.txt" cannot be read: ENOENT`),
      error.message,
    );
    return true;
  });
  await assert.rejects(read('folder.txt'), { code: 'SKERRY_INIT', message: /folder\.txt .*it is not a regular file$/ });
  await assert.rejects(read('large.txt', 'two.txt'), {
    code: 'SKERRY_INIT',
    message: /all pages together may have 16777216 bytes; .*two\.txt has 2, and 1 were left$/,
  });
  assert.equal((await read('large.txt')).size, 1);
});

test('wrong options of pages are named by their place', () => {
  const page = { path: '/a.js', file: '/a.js' };
  const refusal = (change: object, more: object = {}): string => {
    try {
      checkOptions({ port: 0, routes: [], pages: [page, { ...page, ...change }], ...more }, []);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'SKERRY_INVALID');
      return (error as Error).message;
    }
    return assert.fail('it was accepted');
  };
  for (const path of ['a.js', '', '/a b', '/a?b', '/%61', '/../a', '/a/./b', '/ä', 5, '/a\r\nb']) {
    assert.match(refusal({ path }), /option pages\[1\]\.path must be a path that starts with "\/"/, String(path));
  }
  for (const file of [
    'a.js',
    './a.js',
    'https://example.org/a.js',
    new URL('https://example.org/a.js'),
    'file://host/a.js',
    5,
    undefined,
  ]) {
    assert.match(refusal({ file }), /option pages\[1\]\.file must be an absolute path or a file: URL/, String(file));
  }
  assert.match(refusal({ path: '/b', file: '/a.xyz' }), /pages\[1\]\.type must be given: the extension of \/a\.xyz is not known/);
  assert.match(refusal({ path: '/b', type: 'a\r\nb: c' }), /pages\[1\]\.type must be a content type/);
  assert.match(refusal({ path: '/b', typ: 'x' }), /pages\[1\] has an unknown option "typ"/);
  assert.match(refusal({}), /option pages\[1\]\.path must be a path of its own/);
  assert.match(refusal({ path: '/b' }, { contentSecurityPolicy: 'a\nb' }), /option contentSecurityPolicy must be a header value/);
  assert.match(refusal({ path: '/b' }, { health: 1 }), /option health must be true or false, got 1$/);
});
