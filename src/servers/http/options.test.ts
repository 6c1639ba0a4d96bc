import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOptions } from './options.ts';

const route = { route: 'GET /nearest', server: 'geo', method: 'nearest' };
const good = { port: 4180, routes: [route] };

function refusal(options: unknown, servers = ['geo', 'users']): string {
  try {
    checkOptions(options, servers);
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'SKERRY_INVALID');
    return (error as Error).message;
  }
  return assert.fail('it was accepted');
}

test('defaults are filled in', () => {
  const settings = checkOptions(good, ['geo']);
  assert.equal(settings.host, '127.0.0.1');
  assert.equal(settings.bodyBytesMax, 1024 * 1024);
  assert.deepEqual(settings.routes, [{ verb: 'GET', path: '/nearest', server: 'geo', method: 'nearest' }]);
});

test('what is given is kept', () => {
  const full = { ...route, route: 'POST /a/:id', args: ['id', 'k'], timeoutMs: 50, cacheControl: 'max-age=60' };
  const settings = checkOptions({ port: 0, host: '::', routes: [full], drainMs: 0 }, ['geo']);
  assert.equal(settings.port, 0);
  assert.equal(settings.drainMs, 0);
  const { route: _, ...rest } = full;
  assert.deepEqual(settings.routes[0], { verb: 'POST', path: '/a/:id', ...rest });
});

test('a wrong option is named, with what was expected and what was found', () => {
  assert.equal(refusal({ ...good, port: Number.NaN }), 'http driver: option port must be an integer from 0 to 65535, got NaN');
  assert.equal(refusal({ routes: [route] }), 'http driver: option port must be an integer from 0 to 65535, got undefined');
  assert.match(refusal({ ...good, port: '80' }), /port must be an integer .* got '80'$/);
  assert.match(refusal({ ...good, port: 65_536 }), /option port /);
  assert.match(refusal({ ...good, host: '' }), /option host /);
  assert.match(refusal({ ...good, bodyBytesMax: -1 }), /option bodyBytesMax must be an integer from 0 to 67108864, got -1$/);
  assert.match(refusal({ ...good, routes: [] }), /option routes must be a list of at least one route, got \[\]$/);
  assert.match(refusal({ ...good, prot: 1 }), /unknown option "prot"; there are port, /);
  assert.match(refusal(undefined), /options must be an object, got undefined$/);
});

test('a wrong route is named by its place', () => {
  const at = (change: object): string => refusal({ ...good, routes: [route, { ...route, ...change }] });
  for (const text of ['nearest', 'get /nearest', 'GET nearest', 'GET  /x', 'GET /x?y', 'TRACE /x', 'GET /x y', 5]) {
    assert.match(at({ route: text }), /option routes\[1\]\.route must be a method \(GET, POST, /);
  }
  assert.match(at({ server: 'goe' }), /routes\[1\]\.server must be a server that the driver uses \(geo, users\), got 'goe'$/);
  assert.match(refusal(good, []), /\(none: add it to `uses`\), got 'geo'$/);
  for (const method of ['', 'then', '__proto__', 5])
    assert.match(at({ method }), /routes\[1\]\.method must be the name of a method/);
  for (const args of ['lat', [1], ['a', 'a'], ['']])
    assert.match(at({ args }), /routes\[1\]\.args must be a list of different names/);
  for (const timeoutMs of [0, Number.NaN, '5', 2 ** 31]) assert.match(at({ timeoutMs }), /routes\[1\]\.timeoutMs must be /);
  for (const cacheControl of ['', 'a\r\nb: c', 5])
    assert.match(at({ cacheControl }), /routes\[1\]\.cacheControl must be a header value/);
  assert.match(at({ arg: [] }), /routes\[1\] has an unknown option "arg"/);
});
