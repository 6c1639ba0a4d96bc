// What must not be won by timing, by failure, or by what was left behind.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deferred } from '../../base/deferred.ts';
import { AccessIndex } from './access-index.ts';
import { MemoryMount } from './memory-mount.ts';
import type { Names } from './path.ts';
import { Tree } from './tree.ts';

const OPEN = { owner: 'operator', group: undefined, mode: 0o777 };

/** A mount whose renames take as long as the test likes. */
class SlowMount extends MemoryMount {
  gate: Promise<void> = Promise.resolve();

  override async rename(from: Names, to: Names): Promise<void> {
    await this.gate;
    return super.rename(from, to);
  }
}

function rig(): { tree: Tree; mount: SlowMount; index: AccessIndex } {
  const mount = new SlowMount(1 << 20);
  const index = new AccessIndex(OPEN);
  return { tree: new Tree([{ at: [], mount, index }], {}), mount, index };
}

async function read(tree: Tree, who: string, path: string): Promise<string> {
  const file = await tree.open(who, path, 'read');
  return Buffer.from(await file.read(0, file.size)).toString();
}

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: { code?: unknown }) => error.code,
  );

test('while something is moved over a file nobody reads that file as the new owner', async () => {
  const { tree, mount, index } = rig();
  await tree.write('bar', '/t', Buffer.from('of bar'), {});
  await tree.write('foo', '/mine', Buffer.from('of foo'), {});
  const gate = deferred<void>();
  mount.gate = gate.promise;
  const moving = tree.rename('foo', '/mine', '/t');
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(index.get(['t'], false).owner, 'operator', 'who dies now leaves it closed');
  const reading = read(tree, 'foo', '/t');
  const asBar = code(read(tree, 'bar', '/t'));
  gate.resolve();
  await moving;
  assert.deepEqual([await reading, await asBar], ['of foo', 'EACCES']);
});

test('a rename that fails changes nothing', async () => {
  const { tree } = rig();
  await tree.mkdir('bar', '/bar', {});
  await tree.write('bar', '/bar/secret', Buffer.from('of bar'), {});
  await tree.mkdir('foo', '/foo', {});
  await tree.write('foo', '/file', Buffer.from('of foo'), {});
  assert.equal(await code(tree.rename('foo', '/foo', '/bar')), 'ENOTEMPTY');
  assert.equal(await code(tree.rename('foo', '/file', '/bar')), 'EISDIR');
  assert.equal(await code(tree.rename('bar', '/bar/secret', '/bar')), 'ENOTEMPTY');
  assert.equal(await code(tree.rename('bar', '/bar', '/bar/secret')), 'EINVAL');
  assert.equal(await read(tree, 'bar', '/bar/secret'), 'of bar');
  assert.equal(await code(read(tree, 'foo', '/bar/secret')), 'EACCES');
  assert.equal((await tree.stat('operator', '/bar/secret')).owner, 'bar');
});

test('what could not be made leaves no owner for what comes there', async () => {
  const { tree, index } = rig();
  assert.equal(await code(tree.create('operator', '/nodir/x', Buffer.from(''), { owner: 'foo' })), 'ENOENT');
  assert.equal(await code(tree.mkdir('operator', '/nodir/y', { owner: 'foo' })), 'ENOENT');
  assert.equal(await code(tree.mkdir('foo', '/.skerry', {})), 'ENOENT');
  for (const names of [['nodir', 'x'], ['nodir', 'y'], ['.skerry']]) assert.equal(index.get(names, false).owner, 'operator');
  await index.set(['d', 'x'], { owner: 'foo', group: undefined, mode: 0o600 }); // of a directory that another program took away
  await tree.mkdir('bar', '/d', { permissions: 0o755 });
  assert.equal(index.get(['d', 'x'], false).owner, 'operator');
});

test('a mount within a closed mount is closed; what only leads to a mount is not', async () => {
  const at = (names: Names, mode: number) => ({
    at: names,
    mount: new MemoryMount(1 << 20),
    index: new AccessIndex({ ...OPEN, mode }),
  });
  const tree = new Tree([at([], 0o755), at(['priv'], 0o700), at(['priv', 'in'], 0o777), at(['way', 'to'], 0o777)], {});
  await tree.write('operator', '/priv/in/f', Buffer.from('x'), {});
  assert.equal(await code(tree.list('foo', '/priv/in')), 'EACCES');
  assert.equal(await code(read(tree, 'foo', '/priv/in/f')), 'EACCES');
  await tree.write('foo', '/way/to/f', Buffer.from('y'), {});
  assert.equal(await read(tree, 'foo', '/way/to/f'), 'y');
});

test('permissions of a file are no directory’s, nor the other way round', async () => {
  const { tree } = rig();
  const create = (permissions: string) => tree.create('foo', '/file', Buffer.from(''), { permissions });
  assert.equal(await code(create('drw-r-----')), 'SKERRY_INVALID');
  assert.equal(await code(tree.mkdir('foo', '/folder', { permissions: '-rwxr-x---' })), 'SKERRY_INVALID');
  assert.deepEqual(await tree.list('foo', '/'), []);
  assert.equal((await create('-rw-r-----')).permissions, '-rw-r-----');
  assert.equal((await tree.mkdir('foo', '/folder', { permissions: 'drwxr-x---' })).permissions, 'drwxr-x---');
  assert.equal(await code(tree.setHolder('foo', '/file', { permissions: 'drwxr-x---' })), 'SKERRY_INVALID');
  assert.equal(await code(tree.setHolder('foo', '/folder', { permissions: '-rw-r-----' })), 'SKERRY_INVALID');
  await tree.setHolder('foo', '/folder', { permissions: 'drwx--x--x' });
  assert.equal((await tree.stat('foo', '/folder')).permissions, 'drwx--x--x');
});
