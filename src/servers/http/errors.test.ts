import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkerryError } from '../../base/errors.ts';
import { HttpError, toReply } from './errors.ts';

test('a coded error keeps code and message and has its status', () => {
  const reply = toReply(new SkerryError('SKERRY_TIMEOUT', 'no answer from "geo" within 50 ms'));
  assert.equal(reply.status, 504);
  assert.deepEqual(reply.body, { error: { code: 'SKERRY_TIMEOUT', message: 'no answer from "geo" within 50 ms' } });
});

test('an error with a code of the catalogue counts as coded, whichever copy of the class it is of', () => {
  const data = { issues: [{ path: [0], message: 'wrong' }] };
  const reply = toReply(Object.assign(new Error('bad input'), { code: 'SKERRY_INVALID', data }), ['lat']);
  assert.equal(reply.status, 400);
  assert.deepEqual(reply.body.error.issues, [{ path: 'lat', message: 'wrong' }]);
});

test('a busy server says when to come again', () => {
  const reply = toReply(new SkerryError('SKERRY_BUSY', 'full'));
  assert.equal(reply.status, 503);
  assert.deepEqual(reply.headers, { 'retry-after': '1' });
});

test('what is no coded error is told without anything about it', () => {
  for (const error of [
    new Error('password is hunter2'),
    'text',
    undefined,
    null,
    Object.assign(new Error('x'), { code: 'ENOENT' }),
  ]) {
    const reply = toReply(error);
    assert.equal(reply.status, 500);
    assert.equal(reply.body.error.code, 'INTERNAL');
    assert.doesNotMatch(JSON.stringify(reply), /hunter2|stack|ENOENT/);
  }
});

test("an error of the driver's own keeps status and headers", () => {
  const reply = toReply(new HttpError(405, 'HTTP_METHOD_NOT_ALLOWED', 'no', { allow: 'GET' }));
  assert.deepEqual(reply, {
    status: 405,
    headers: { allow: 'GET' },
    body: { error: { code: 'HTTP_METHOD_NOT_ALLOWED', message: 'no' } },
  });
});

test('issues are told by the names of the arguments', () => {
  const told = (args: string[] | undefined, ...paths: unknown[]) => {
    const data = { issues: paths.map((path) => ({ path, message: 'wrong' })) };
    return toReply(new SkerryError('SKERRY_INVALID', 'args[0]: wrong', { data }), args).body.error;
  };
  const paths = (args: string[] | undefined, ...given: unknown[]) => told(args, ...given).issues?.map((issue) => issue.path);
  const args = ['lat', 'box'];
  assert.deepEqual(paths(args, [0], [1, 'min', 0, 'x'], [7, 'x'], []), ['lat', 'box.min[0].x', '[7].x', '']);
  assert.deepEqual(paths(undefined, [0, 'name'], [0, 3, 'name'], [0]), ['name', '[3].name', '']);
  assert.equal(told(args, [0], [1, 'min']).message, 'the input is not valid: lat: wrong; box.min: wrong');
});

test('an error without issues keeps its message', () => {
  const reply = toReply(new SkerryError('SKERRY_INVALID', 'no such unit: furlong'));
  assert.deepEqual(reply.body, { error: { code: 'SKERRY_INVALID', message: 'no such unit: furlong' } });
});

test('issues of a strange shape do no harm', () => {
  for (const issues of ['x', [null, 5, { path: 'lat' }, { path: [{}, null], message: {} }]]) {
    const reply = toReply(new SkerryError('SKERRY_INVALID', 'bad input', { data: { issues } }));
    assert.equal(reply.status, 400);
    JSON.stringify(reply.body);
  }
});

test('an error of the file server has the status of its code, and names neither owner nor path', () => {
  for (const [code, status] of [
    ['ENOENT', 404],
    ['EACCES', 403],
    ['EEXIST', 409],
    ['ENOSPC', 507],
  ] as const) {
    const error = Object.assign(new Error(`${code}: words (-rw------- foo; you are bar), read '/secret/plan'`), { code });
    Object.defineProperty(error, 'name', { value: 'FileError' });
    const reply = toReply(error);
    assert.deepEqual([reply.status, reply.body.error.code], [status, code]);
    assert.doesNotMatch(reply.body.error.message, /foo|bar|secret/);
  }
  const system = Object.assign(new Error("ENOENT: no such file or directory, open '/etc/x'"), { code: 'ENOENT' });
  assert.equal(toReply(system).status, 500, 'what fails in a handler by itself is its own affair');
});
