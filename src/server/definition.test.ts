import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSkerryError, type SkerryErrorCode } from '../base/errors.ts';
import { method, methodTable, server } from './definition.ts';

const refused = (make: () => unknown, pattern: RegExp, code: SkerryErrorCode = 'SKERRY_INVALID') =>
  assert.throws(make, (error) => isSkerryError(error, code) && pattern.test(error.message));

test('a handler given twice has the properties of each place, and stays as it was', async () => {
  const save = Object.freeze(async (x: number) => x + 1);
  const api = { plain: save, once: method({ idempotent: true, timeoutMs: 50 }, save), later: method({ timeoutMs: 9 }, save) };
  const { infos, handlers } = methodTable(api);
  assert.deepEqual(infos, [
    { name: 'later', kind: 'call', idempotent: false, timeoutMs: 9 },
    { name: 'once', kind: 'call', idempotent: true, timeoutMs: 50 },
    { name: 'plain', kind: 'call', idempotent: false, timeoutMs: 0 },
  ]);
  assert.deepEqual(await Promise.all(handlers.map(({ run }) => run(1))), [2, 2, 2]);
  assert.equal(await api.once(1), 2);
});

test('a method of a method has the outer properties alone; a stream stays a stream, and `this` is the object', async () => {
  const api = {
    step: 2,
    count: method({ timeoutMs: 5 }, async function* (this: { step: number }) {
      yield this.step;
    }),
    twice: method(
      { timeoutMs: 7 },
      method({ idempotent: true }, (x: number) => x * 2),
    ),
  };
  const { infos, handlers } = methodTable(api);
  assert.deepEqual(
    infos.map(({ kind, idempotent, timeoutMs }) => [kind, idempotent, timeoutMs]),
    [
      ['stream', false, 5],
      ['call', false, 7],
    ],
  );
  assert.deepEqual(await (handlers.map(({ run }) => run())[0] as AsyncGenerator<number>).next(), { done: false, value: 2 });
});

test('what no method can be is refused with its name', () => {
  for (const name of ['then', 'toJSON', 'toString', 'valueOf', 'constructor', 'hasOwnProperty', '__proto__']) {
    const api = Object.defineProperty({}, name, { value: () => 1, enumerable: true });
    refused(() => methodTable(api), new RegExp(`named "${name}"`));
  }
  refused(() => methodTable({ ['x'.repeat(129)]: () => 1 }), /129 characters; it may have 128/, 'SKERRY_LIMIT');
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`m${i}`, () => i]));
  refused(() => methodTable(many), /1001 methods; it may have 1000/, 'SKERRY_LIMIT');
});

test('method() says what it was given and what it takes', () => {
  const given = method as unknown as (properties: unknown, run: unknown) => unknown;
  refused(() => given(null, () => 1), /properties and a function/);
  refused(() => given({}, 5), /takes a function; it was given 5/);
  refused(() => given({ idempotnt: true }, () => 1), /no option "idempotnt"; it has: idempotent, timeoutMs, input/);
  refused(() => given({ idempotent: 'yes' }, () => 1), /idempotent must be true or false; it is "yes"/);
  refused(() => given({ timeoutMs: 0 }, () => 1), /method\(\): timeoutMs must be an integer from 1 to 2147483647; it is 0/);
  refused(() => given({ idempotent: true }, async function* () {}), /cannot be idempotent/);
});

test('server() says what it was given and what it takes', () => {
  const given = server as unknown as (manifest: unknown, init?: unknown) => unknown;
  const init = () => ({});
  refused(() => given(5), /server\(\) takes an init function; it was given 5/);
  refused(() => given(null, init), /server\(\) takes a manifest and an init function; it was given null/);
  refused(() => given({ use: {} }, init), /server\(\) has no option "use"; it has: uses, options, concurrency, queueMax/);
  refused(() => given({ concurrency: 0 }, init), /server\(\): concurrency must be an integer from 1 to 1000000; it is 0/);
  refused(() => given({ queueMax: 1.5 }, init), /server\(\): queueMax must be an integer .*; it is 1.5/);
});
