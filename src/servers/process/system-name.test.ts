import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHello, parseSocketFile, socketFile } from '../../protocol/operator.ts';
import { systemName } from './system-name.ts';

test('a system has the name that its caller says, else that of its module or of the folder', () => {
  for (const [url, given, name] of [
    ['file:///srv/atlas/system.ts', undefined, 'atlas'],
    ['file:///srv/atlas/main.mjs', undefined, 'atlas'],
    ['file:///srv/app/shop.system.ts', undefined, 'shop'],
    ['file:///srv/app/shop.js', undefined, 'shop'],
    ['file:///srv/app/shop.js', 'prod-1', 'prod-1'],
    ['file:///srv/app/shop.js', '../prod', 'shop'],
    ['file:///srv/%C3%A4 b/system.ts', undefined, 'system'],
    ['file:///srv/my%20app/system.ts', undefined, 'my-app'],
    ['file:///system.ts', undefined, 'system'],
    ['data:text/javascript,', undefined, 'system'],
  ] as const)
    assert.equal(systemName(url, given), name, url);
});

test('a socket file tells name and pid, and nothing else is one', () => {
  assert.deepEqual(parseSocketFile(socketFile('atlas', 1234)), { name: 'atlas', pid: 1234 });
  for (const file of ['atlas.sock', '~1.sock', 'a~b.sock', 'a/b~1.sock', '..~1.sock', 'a~1.sock.bak', 'a~12345678901.sock'])
    assert.equal(parseSocketFile(file), undefined, file);
});

test('a greeting is one line of a form', () => {
  const token = '0123456789abcdef'.repeat(2);
  assert.deepEqual(parseHello(`skerry 1 requests ${token}`), { version: 1, direction: 'requests', token });
  for (const line of ['', 'skerry', `skerry 1 both ${token}`, `skerry 1 answers ${token}0`, `skerry x answers ${token}`])
    assert.equal(parseHello(line), undefined, line);
});
