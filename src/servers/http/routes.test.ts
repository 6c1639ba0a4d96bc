import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteSettings } from './options.ts';
import { createRouter } from './routes.ts';

function routes(...texts: string[]): RouteSettings[] {
  return texts.map((text) => {
    const [verb, path] = text.split(' ');
    return { verb, path, server: 's', method: text };
  });
}

/** The matched route's text and parameters, or the kind of miss. */
function find(router: ReturnType<typeof createRouter>, verb: string, path: string): unknown {
  const match = router(verb, path);
  if (match.kind === 'found') return [match.route.method, Object.fromEntries(match.params)];
  return match.kind === 'wrongMethod' ? match.allow : match.kind;
}

test('literals and parameters match whole segments', () => {
  const router = createRouter(routes('GET /', 'GET /nearest', 'POST /users/:id', 'GET /users/:id/pets/:pet'));
  assert.deepEqual(find(router, 'GET', '/'), ['GET /', {}]);
  assert.deepEqual(find(router, 'GET', '/nearest'), ['GET /nearest', {}]);
  assert.deepEqual(find(router, 'POST', '/users/a%2Fb%20c'), ['POST /users/:id', { id: 'a/b c' }]);
  assert.deepEqual(find(router, 'GET', '/users/1/pets/2'), ['GET /users/:id/pets/:pet', { id: '1', pet: '2' }]);
  for (const path of [
    '/near',
    '/nearest/',
    '//nearest',
    '/Nearest',
    '/users/',
    '/users',
    '/users/1/pets',
    '/x/../nearest',
    '/nearest%00',
  ]) {
    assert.equal(find(router, 'GET', path), 'unknownPath', path);
  }
});

test('a literal goes before a parameter, wherever it stands in the list', () => {
  const router = createRouter(routes('GET /:a/x', 'GET /:a/:b', 'GET /me/:b', 'GET /me/x'));
  assert.deepEqual(find(router, 'GET', '/me/x'), ['GET /me/x', {}]);
  assert.deepEqual(find(router, 'GET', '/me/y'), ['GET /me/:b', { b: 'y' }]);
  assert.deepEqual(find(router, 'GET', '/you/x'), ['GET /:a/x', { a: 'you' }]);
  assert.deepEqual(find(router, 'GET', '/you/y'), ['GET /:a/:b', { a: 'you', b: 'y' }]);
});

test('HEAD goes where GET goes, another method learns what is allowed', () => {
  const router = createRouter(routes('GET /x', 'PUT /x', 'POST /y'));
  assert.deepEqual(find(router, 'HEAD', '/x'), ['GET /x', {}]);
  assert.equal(find(router, 'DELETE', '/x'), 'GET, HEAD, PUT');
  assert.equal(find(router, 'HEAD', '/y'), 'POST');
});

test('bad percent encoding is told apart from an unknown path', () => {
  const router = createRouter(routes('GET /:a'));
  assert.equal(find(router, 'GET', '/%'), 'malformed');
  assert.equal(find(router, 'GET', '/%ff'), 'malformed');
});

test('routes that contradict each other or themselves are refused', () => {
  const refuse = (message: RegExp, ...texts: string[]): void => {
    assert.throws(() => createRouter(routes(...texts)), { code: 'SKERRY_INVALID', message });
  };
  refuse(/"GET \/a\/:x" and "GET \/a\/:y" answer the same requests/, 'GET /a/:x', 'GET /a/:y');
  refuse(/answer the same requests/, 'GET /a', 'GET /%61');
  refuse(/names a parameter twice/, 'GET /:x/:x');
  refuse(/a parameter's name/, 'GET /:');
  refuse(/a parameter's name/, 'GET /:__proto__');
  refuse(/percent encoding/, 'GET /%zz');
});
