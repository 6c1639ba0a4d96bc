// What a watch hears of, and when it ends, on both kinds of mounts.

import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AccessIndex } from './access-index.ts';
import type { FileChange } from './files-api.ts';
import { HostMount } from './host-mount.ts';
import { MemoryMount } from './memory-mount.ts';
import { Tree } from './tree.ts';

const TIMEOUT = { timeout: 30_000 };
const OPEN = { owner: 'operator', group: undefined, mode: 0o777 };

interface Heard {
  readonly changes: FileChange[];
  readonly over: AbortController;
  ends: number;
}

async function watch(tree: Tree, path: string): Promise<Heard> {
  const heard: Heard = { changes: [], over: new AbortController(), ends: 0 };
  const hear = (change: FileChange) => void heard.changes.push(change);
  const end = () => {
    heard.ends += 1;
  };
  await tree.watch('operator', path, heard.over.signal, hear, end);
  return heard;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

async function onHost(t: TestContext): Promise<{ tree: Tree; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-watch-'));
  const tree = new Tree([{ at: [], mount: await HostMount.open(folder, false), index: new AccessIndex(OPEN) }], {});
  t.after(async () => {
    await tree.close();
    rmSync(folder, { recursive: true });
  });
  return { tree, folder };
}

for (const [kind, treeOf] of [
  ['memory', async () => new Tree([{ at: [], mount: new MemoryMount(1 << 20), index: new AccessIndex(OPEN) }], {})],
  ['a directory of the host', async (t: TestContext) => (await onHost(t)).tree],
] as const) {
  test(`in ${kind} a change of permissions or owner is told`, TIMEOUT, async (t) => {
    const tree = await treeOf(t);
    await tree.mkdir('operator', '/folder', {});
    await tree.write('operator', '/folder/file', Buffer.from('1'), {});
    const [root, folder, file] = [await watch(tree, '/'), await watch(tree, '/folder'), await watch(tree, '/folder/file')];
    await sleep(50); // what was before
    for (const { changes } of [root, folder, file]) changes.length = 0;
    await tree.setHolder('operator', '/folder/file', { permissions: 0o644 });
    await tree.setHolder('operator', '/folder/file', { owner: 'foo', group: undefined });
    const change = { path: '/folder/file', what: 'change' };
    assert.deepEqual([root.changes, folder.changes, file.changes], [[], [change, change], [change, change]]);
    await tree.setHolder('operator', '/folder', { permissions: 0o755 });
    assert.deepEqual(
      [root.changes.at(-1), folder.changes.at(-1)],
      [
        { path: '/folder', what: 'change' },
        { path: '/folder', what: 'change' },
      ],
    );
    for (const { over } of [root, folder, file]) over.abort();
    await tree.setHolder('operator', '/folder/file', { permissions: 0o600 });
    assert.equal(file.changes.length, 2);
  });

  test(
    `in ${kind} a watch ends with its directory, removed or moved; that of a file does not end with the file`,
    TIMEOUT,
    async (t) => {
      const tree = await treeOf(t);
      for (const path of ['/gone', '/gone/in', '/moved', '/replaced', '/stays']) await tree.mkdir('operator', path, {});
      for (const path of ['/moved/file', '/stays/file']) await tree.write('operator', path, Buffer.from('1'), {});
      const gone = await watch(tree, '/gone');
      const inGone = await watch(tree, '/gone/in');
      const moved = await watch(tree, '/moved');
      const inMoved = await watch(tree, '/moved/file');
      const replaced = await watch(tree, '/replaced');
      const stays = await watch(tree, '/stays');
      const inStays = await watch(tree, '/stays/file');
      await tree.remove('operator', '/gone', true);
      assert.deepEqual([gone.ends, inGone.ends], [1, 1]);
      await tree.rename('operator', '/moved', '/replaced');
      assert.deepEqual([moved.ends, inMoved.ends, replaced.ends], [1, 1, 1]);
      await tree.remove('operator', '/stays/file', false);
      inStays.changes.length = 0;
      await tree.write('operator', '/stays/file', Buffer.from('2'), {});
      await until(() => inStays.changes.length > 0);
      assert.deepEqual([stays.ends, inStays.ends], [0, 0]);
      for (const { over } of [gone, inGone, moved, inMoved, replaced, stays, inStays]) over.abort();
      await sleep(20);
      assert.deepEqual(
        [gone, inGone, moved, inMoved, replaced, stays, inStays].map(({ ends }) => ends),
        [1, 1, 1, 1, 1, 1, 1],
      );
    },
  );
}

test('a watch ends also when another program removes or moves its directory', {
  ...TIMEOUT,
  skip: process.platform !== 'linux' && 'told so on Linux',
}, async (t) => {
  const { tree, folder } = await onHost(t);
  for (const path of ['/gone', '/moved']) await tree.mkdir('operator', path, {});
  const [gone, moved] = [await watch(tree, '/gone'), await watch(tree, '/moved')];
  rmdirSync(join(folder, 'gone'));
  renameSync(join(folder, 'moved'), join(folder, 'elsewhere'));
  await until(() => gone.ends === 1 && moved.ends === 1);
  gone.over.abort();
  moved.over.abort();
});
