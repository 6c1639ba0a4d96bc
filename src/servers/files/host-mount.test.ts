// A directory of the host: nothing leads out of it, whatever is put there, and no write is half visible.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { rename, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AccessIndex } from './access-index.ts';
import { HostMount, OWN_FOLDER } from './host-mount.ts';
import { Tree } from './tree.ts';

const TIMEOUT = { timeout: 30_000 };
const SECRET = 'nobody may read this';

interface Rig {
  readonly inside: string;
  readonly outside: string;
  readonly tree: Tree;
  readonly mount: HostMount;
  reopen(): Promise<Rig>;
}

/** A folder with a secret beside it. */
async function rig(t: TestContext, base = mkdtempSync(join(tmpdir(), 'skerry-files-'))): Promise<Rig> {
  const inside = join(base, 'inside');
  const outside = join(base, 'outside');
  mkdirSync(inside, { recursive: true });
  mkdirSync(outside, { recursive: true });
  writeFileSync(join(outside, 'secret'), SECRET);
  const mount = await HostMount.open(inside, false);
  const index = new AccessIndex({ owner: 'operator', group: undefined, mode: 0o777 });
  await index.load(await mount.ownFolder(), (names) => mount.has(names));
  const tree = new Tree([{ at: [], mount, index }], {});
  t.after(async () => {
    await tree.close().catch(() => {});
    rmSync(base, { recursive: true, force: true });
  });
  return {
    inside,
    outside,
    tree,
    mount,
    reopen: async () => {
      await tree.close();
      return rig(t, base);
    },
  };
}

async function read(tree: Tree, path: string, who = 'operator'): Promise<string> {
  const file = await tree.open(who, path, 'read');
  try {
    return Buffer.from(await file.read(0, file.size)).toString();
  } finally {
    await file.close();
  }
}

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ value }),
    (error: { code?: unknown }) => error.code,
  );

test('a hundred hostile paths read nothing outside', TIMEOUT, async (t) => {
  const { tree, inside, outside } = await rig(t);
  symlinkSync(outside, join(inside, 'link'));
  symlinkSync(join(outside, 'secret'), join(inside, 'file'));
  symlinkSync('../outside', join(inside, 'relative'));
  symlinkSync('/', join(inside, 'slash'));
  symlinkSync('/proc/self/root', join(inside, 'proc'));
  symlinkSync('loop', join(inside, 'loop'));
  mkdirSync(join(inside, 'folder'));
  symlinkSync('../..', join(inside, 'folder', 'up'));
  const dots = [
    '..',
    '%2e%2e',
    '%252e%252e',
    '.%2e',
    '..%00',
    '..\\',
    '\\..',
    '..;',
    '．．',
    '‥',
    '.. ',
    ' ..',
    '..\t',
    '...',
    '....//',
    '%c0%ae%c0%ae',
  ];
  const hostile = [
    ...dots.flatMap((up) => [`/${up}/outside/secret`, `/folder/${up}/${up}/outside/secret`, `${up}/outside/secret`]),
    ...['link/secret', 'file', 'relative/secret', `slash${outside}/secret`, `proc${outside}/secret`, 'loop', 'loop/secret'].map(
      (path) => `/${path}`,
    ),
    ...['folder/up/outside/secret', 'folder/up', 'link', 'link/', 'link/.', 'link//secret', './link/secret'].map(
      (path) => `/${path}`,
    ),
    join(outside, 'secret'),
    `/${join(outside, 'secret')}`,
    `file://${join(outside, 'secret')}`,
    '/proc/self/environ',
    '/etc/passwd',
    '/dev/stdin',
    '//etc/passwd',
    '\\\\?\\C:\\secret',
    'C:\\secret',
    '~/secret',
    '/~root/.profile',
    '/\0/etc/passwd',
    '/folder\0/../../outside/secret',
    `/${OWN_FOLDER}`,
    `/${OWN_FOLDER}/owners`,
    `/${OWN_FOLDER.toUpperCase()}/owners`,
    `/${'x/'.repeat(2000)}secret`,
    `/${'../'.repeat(500)}etc/passwd`,
    `/${'x'.repeat(100_000)}`,
    '',
    ' ',
    '\n',
    '/\ud800',
    ...Array.from({ length: 20 }, (_, n) => `/proc/self/fd/${n}`),
  ];
  assert.ok(hostile.length >= 100, `${hostile.length}`);
  for (const path of hostile) {
    for (const run of [
      () => read(tree, path),
      () => tree.write('operator', path, Buffer.from('overwritten'), { isNew: false }),
      () => tree.append('operator', path, Buffer.from('overwritten')),
      () => tree.list('operator', path),
      () => tree.rename('operator', path, '/mine'),
      () => tree.remove('operator', path, true),
    ]) {
      const got = await code(run());
      // A write may make a file of a strange name, or replace a link: inside. What it never does is to read or change the outside.
      if (typeof got === 'object') assert.doesNotMatch(JSON.stringify(got), /nobody may|root:/, path);
      assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), SECRET, path);
      assert.deepEqual(readdirSync(outside), ['secret'], path);
    }
  }
});

test('links swapped for directories in a loop lead nowhere', TIMEOUT, async (t) => {
  const { tree, inside, outside } = await rig(t);
  mkdirSync(join(inside, 'a'));
  writeFileSync(join(inside, 'a', 'secret'), 'harmless');
  symlinkSync(outside, join(inside, 'b'));
  // Another process swaps the directory and the link as fast as it can: `swap` is one of them, then the other.
  const script = `
    const { renameSync } = require('node:fs');
    process.chdir(${JSON.stringify(inside)});
    renameSync('a', 'swap');
    for (;;) for (const [away, here] of [['a', 'b'], ['b', 'a']]) { renameSync('swap', away); renameSync(here, 'swap'); }`;
  const swapper = spawn(process.execPath, ['-e', script], { stdio: 'inherit' });
  t.after(() => swapper.kill('SIGKILL'));
  const seen = new Map<string, number>();
  const until = performance.now() + 3_000;
  for (let n = 0; performance.now() < until; n++) {
    const got = await (n % 3 === 0
      ? code(tree.append('operator', '/swap/secret', Buffer.from('')))
      : n % 3 === 1
        ? code(read(tree, '/swap/secret'))
        : code(tree.write('operator', '/swap/other', Buffer.from('mine'), {})));
    const what = typeof got === 'object' ? JSON.stringify(got) : String(got);
    seen.set(what, (seen.get(what) ?? 0) + 1);
  }
  swapper.kill('SIGKILL');
  assert.deepEqual(readdirSync(outside), ['secret']);
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), SECRET);
  assert.equal(
    [...seen.keys()].some((what) => what.includes('nobody may')),
    false,
  );
  assert.ok((seen.get('{"value":"harmless"}') ?? 0) > 0 && (seen.get('ENOTDIR') ?? 0) > 0, JSON.stringify([...seen]));
});

test(
  'a reader sees the old content or the new, never a part; an append is there as a whole for who comes later',
  TIMEOUT,
  async (t) => {
    const { tree, inside } = await rig(t);
    const contents = ['a'.repeat(300_000), 'b'.repeat(500_000)];
    await tree.write('operator', '/file', Buffer.from(contents[0] as string), {});
    let writing = true;
    const writer = (async () => {
      for (let n = 1; n <= 100; n++) await tree.write('operator', '/file', Buffer.from(contents[n % 2] as string), {});
      writing = false;
    })();
    let reads = 0;
    while (writing) {
      assert.ok(contents.includes(await read(tree, '/file')));
      reads += 1;
    }
    await writer;
    assert.ok(reads > 0);
    await tree.append('operator', '/file', Buffer.from('end'));
    assert.equal(await read(tree, '/file'), `${contents[0]}end`);
    assert.deepEqual(readdirSync(join(inside, OWN_FOLDER)), ['owners'], 'no unfinished write is left');
  },
);

test('an append for which there is no room leaves nothing of it', TIMEOUT, async (t) => {
  const { inside } = await rig(t);
  writeFileSync(join(inside, 'log'), 'before\n');
  // A file may have 8 blocks of 512 bytes (in some shells of 1,024): the system takes what fits, and refuses the rest.
  const script = `
    const { HostMount } = await import(${JSON.stringify(new URL('./host-mount.js', import.meta.url))});
    const mount = await HostMount.open(${JSON.stringify(inside)}, false);
    await mount.append(['log'], Buffer.alloc(100_000, 'x')).then(() => console.log('taken'), ({ code }) => console.log(code));
    await mount.append(['log'], Buffer.from('after\\n'));
    await mount.close();`;
  const command = `ulimit -f 8; exec "$0" --input-type=module -e "$1"`;
  assert.equal(execFileSync('/bin/sh', ['-c', command, process.execPath, script], { encoding: 'utf8' }), 'EFBIG\n');
  assert.equal(readFileSync(join(inside, 'log'), 'utf8'), 'before\nafter\n');
});

test(
  'owners outlive the server; a torn line does not count, what is unknown is the operator’s, unfinished writes go',
  TIMEOUT,
  async (t) => {
    const first = await rig(t);
    await first.tree.create('operator', '/private', Buffer.from('foo’s'), { owner: 'foo', permissions: '-rw-------' });
    await first.tree.create('operator', '/shown', Buffer.from('for all'), { owner: 'foo', permissions: 0o644 });
    writeFileSync(join(first.inside, 'foreign'), 'by another program');
    writeFileSync(join(first.inside, OWN_FOLDER, 'write-dead'), 'unfinished');
    writeFileSync(join(first.inside, OWN_FOLDER, 'owners'), '00000000 ["/shown","bar",null,511]\ndeadbeef ["/pri', { flag: 'a' });
    const { tree, inside } = await first.reopen();
    assert.deepEqual([await read(tree, '/private', 'foo'), await code(read(tree, '/private', 'bar'))], ['foo’s', 'EACCES']);
    assert.equal(await read(tree, '/shown', 'bar'), 'for all');
    assert.equal(await code(tree.write('bar', '/shown', Buffer.from('x'), {})), 'EACCES');
    assert.equal(await code(read(tree, '/foreign', 'foo')), 'EACCES');
    assert.equal(await read(tree, '/foreign'), 'by another program');
    assert.equal((await tree.stat('operator', '/foreign')).owner, 'operator');
    assert.deepEqual(readdirSync(join(inside, OWN_FOLDER)), ['owners']);
    assert.deepEqual(
      (await tree.list('operator', '/')).map(({ name }) => name),
      ['foreign', 'private', 'shown'],
    );
  },
);

test('what is no file is refused and not waited for', TIMEOUT, async (t) => {
  const { tree, inside } = await rig(t);
  execFileSync('mkfifo', [join(inside, 'pipe')]);
  assert.equal(await code(read(tree, '/pipe')), 'EPERM');
  assert.equal((await tree.stat('operator', '/pipe')).type, 'other');
  await symlink('pipe', join(inside, 'link'));
  assert.equal(await code(read(tree, '/link')), 'ELOOP');
  assert.equal((await tree.stat('operator', '/link')).type, 'link');
  await tree.remove('operator', '/link', false);
  assert.ok(existsSync(join(inside, 'pipe')), 'a link goes alone');
});

test('changes are told, of a file and of a directory; the server’s own are not', TIMEOUT, async (t) => {
  const { tree, inside } = await rig(t);
  await tree.mkdir('operator', '/folder', {});
  await tree.write('operator', '/folder/file', Buffer.from('1'), {});
  const over = new AbortController();
  const heard: string[] = [];
  let ends = 0;
  const hear = ({ path }: { readonly path: string }) => void heard.push(path);
  const end = () => {
    ends += 1;
  };
  await tree.watch('operator', '/folder', over.signal, hear, end);
  await tree.watch('operator', '/', over.signal, hear, end);
  await tree.append('operator', '/folder/file', Buffer.from('2'));
  writeFileSync(join(inside, 'foreign'), 'x');
  await rename(join(inside, 'foreign'), join(inside, 'moved'));
  const until = performance.now() + 5_000;
  while (!(heard.includes('/folder/file') && heard.includes('/moved')) && performance.now() < until)
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  over.abort();
  assert.ok(heard.includes('/folder/file') && heard.includes('/foreign') && heard.includes('/moved'), heard.join(', '));
  assert.equal(
    heard.some((path) => path.includes(OWN_FOLDER)),
    false,
  );
  await new Promise(setImmediate);
  assert.equal(ends, 2, 'who watched knows that nothing more comes');
  await code(tree.watch('foo', '/folder', over.signal, hear, end)).then((got) => assert.equal(got, 'EACCES'));
});
