// Files with owners, in a running system: on whose behalf a call is made decides, over whichever way it comes.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { boot, call, isSkerryError, type OperatingSystem } from 'skerry';
import { openDescriptors, until } from '../fault/processes.ts';
import files from '../fixtures/e2e/files.system.ts';
import { nothingIsLeft, TRANSPORTS, type Transport } from './world.ts';

const TIMEOUT = { timeout: 30_000 };
type Sys = OperatingSystem<typeof files.servers>;

async function booted(t: TestContext, transport: Transport): Promise<{ sys: Sys; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-files-'));
  const sys = await boot(files, { transport, env: { ...process.env, E2E_FOLDER: folder } });
  t.after(async () => {
    await sys.stop();
    await nothingIsLeft();
    rmSync(folder, { recursive: true });
  });
  return { sys, folder };
}

const fails = (promise: Promise<unknown>, code: string, pattern = /./) =>
  assert.rejects(promise, (error: Error & { code?: unknown }) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, pattern);
    return true;
  });

for (const transport of TRANSPORTS) {
  test(
    `${transport}: a file is its owner's, over any path and any server, also after the file server's death`,
    TIMEOUT,
    async (t) => {
      const { sys, folder } = await booted(t, transport);
      const [foo, bar] = [sys.as('foo'), sys.as('bar')];
      const made = await sys.createFile('foo', '/data/private.txt', '-rw-------', 'foo was here');
      assert.deepEqual([made.owner, made.permissions, made.size], ['foo', '-rw-------', 12]);
      await sys.createFile('foo', '/data/shown.txt', 0o644, 'for all');
      for (let round = 0; round < 2; round++) {
        assert.equal(await foo.files.readText('/data/private.txt'), 'foo was here');
        await fails(
          bar.files.readText('/data/private.txt'),
          'EACCES',
          /-rw------- foo; you are bar.*read '\/data\/private\.txt'/,
        );
        await fails(bar.servers.files.readText('/data/private.txt'), 'EACCES');
        await fails(bar.files.stream('/data/private.txt').next(), 'EACCES');
        await fails(bar.files.write('/data/private.txt', 'x'), 'EACCES');
        await fails(bar.files.setPermissions('/data/private.txt', 0o777), 'EACCES');
        await fails(bar.files.setOwner('/data/private.txt', 'bar'), 'EACCES');
        await fails(bar.files.create('/data/as-foo', { owner: 'foo' }), 'EACCES');
        await fails(bar.servers.reader.read('/data/private.txt'), 'EACCES', /server:reader/);
        assert.equal(await bar.files.readText('/data/shown.txt'), 'for all');
        await fails(bar.files.append('/data/shown.txt', 'x'), 'EACCES');
        await fails(sys.as('baz').files.readText('/data/shown.txt'), 'EACCES', /baz may not enter '\/data'/);
        await fails(sys.as('baz').files.list('/data'), 'EACCES');
        assert.deepEqual(await bar.files.list('/data'), [
          { name: 'private.txt', type: 'file' },
          { name: 'shown.txt', type: 'file' },
        ]);
        await sys.processes.kill('files'); // the index of owners is on the disk
      }
      assert.deepEqual(readdirSync(folder).sort(), ['.skerry', 'private.txt', 'shown.txt']);
    },
  );

  test(`${transport}: whole, range, stream, text; memory and bundle; changes`, TIMEOUT, async (t) => {
    const { sys } = await booted(t, transport);
    const { files: my } = sys.as('foo');
    const bytes = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7) % 251);
    await my.write('/big.bin', bytes);
    assert.deepEqual(await my.read('/big.bin'), bytes);
    assert.deepEqual(await my.read('/big.bin', { start: 10, end: 20 }), bytes.slice(10, 20));
    assert.deepEqual(await my.read('/big.bin', { start: 999_990, end: 2_000_000 }), bytes.slice(999_990));
    await fails(my.read('/big.bin', { start: -1 }), 'EINVAL', /start must be a number of bytes/);
    const pieces: Uint8Array[] = [];
    for await (const piece of my.stream('/big.bin', { start: 5 })) pieces.push(piece);
    assert.deepEqual(Buffer.concat(pieces), Buffer.from(bytes.slice(5)));
    assert.equal(await my.readText('/bundle/about.txt'), 'read me');
    assert.deepEqual(await my.read('/bundle/deep/down.bin'), new Uint8Array([1, 2, 3]));
    await fails(sys.files.write('/bundle/about.txt', 'x'), 'EROFS');
    await fails(my.rename('/big.bin', '/bundle/big.bin'), 'EXDEV');
    assert.deepEqual(
      (await my.list('/')).map(({ name }) => name),
      ['big.bin', 'bundle', 'data'],
    );
    await fails(my.write('/much.bin', new Uint8Array(9 * 1024 * 1024)), 'ENOSPC');

    const changes = my.watch('/');
    const first = changes.next();
    await until('the watch hears', async () => {
      await my.append('/big.bin', 'x');
      return Promise.race([first.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 20, false))]);
    });
    assert.deepEqual((await first).value, { path: '/big.bin', what: 'change' });
    await changes.return?.();
    await my.mkdir('/folder');
    await my.create('/folder/a', { content: 'a' });
    await fails(my.remove('/folder'), 'ENOTEMPTY');
    await my.remove('/folder', { recursive: true });
    await fails(my.stat('/folder/a'), 'ENOENT', /stat '\/folder\/a'/);
  });
}

for (const transport of TRANSPORTS) {
  test(`${transport}: a view that is closed gives back what it had; a new one can be made`, TIMEOUT, async (t) => {
    const { sys } = await booted(t, transport);
    const pids = (await sys.processes.list()).filter(({ name }) => name === 'kernel' || name === 'files').map(({ pid }) => pid);
    const visit = async (user: string) => {
      const view = sys.as(user);
      assert.equal(await view.files.readText('/bundle/about.txt'), 'read me');
      const pending = view.files.watch('/').next();
      view.close();
      await fails(pending, 'SKERRY_SERVER_DOWN', /view of user .* has been closed/);
      await fails(view.files.list('/'), 'SKERRY_SERVER_DOWN');
    };
    await sys.files.list('/'); // the system's own channels are open
    assert.equal(await sys.servers.reader.read('/bundle/about.txt'), 'read me');
    await visit('first');
    const open = () => [process.pid, ...pids].map(openDescriptors);
    const before = open();
    for (let n = 0; n < 30; n++) await visit(`user-${n % 10}`);
    await until('descriptors are as before', () => open().every((count, index) => count <= (before[index] as number) + 1)).catch(
      (error) => {
        throw new Error(`${error.message}: ${before} and then ${open()}`);
      },
    );
    assert.equal(await sys.as('first').files.readText('/bundle/about.txt'), 'read me');
    const running = async () => (await sys.processes.usage()).find(({ name }) => name === 'files')?.running ?? 0;
    await until('no watch goes on', async () => (await running()) === 0);
  });
}

test('watches that wait stop nobody; one user cannot have all descriptors', TIMEOUT, async (t) => {
  const { sys } = await booted(t, 'ring');
  const foo = sys.as('foo');
  const watches = Array.from({ length: 128 }, () => foo.files.watch('/'));
  const firsts = watches.map((watch) => watch.next());
  const others = Array.from({ length: 70 }, () => sys.processes.watch());
  for (const watch of others) for (let n = 0; n < 4; n++) await watch.next();
  const states = others.map((watch) => watch.next());
  await until('all are there', async () =>
    foo.files
      .watch('/')
      .next()
      .then(
        () => false,
        (error) => error.code === 'EMFILE',
      ),
  );
  assert.deepEqual(
    (await call(sys.files, { timeoutMs: 5_000 }).list('/')).map(({ name }) => name),
    ['bundle', 'data'],
  );
  assert.equal((await call(sys.processes, { timeoutMs: 5_000 }).list()).length, 4);
  await foo.files.write('/told', 'x');
  assert.equal((await Promise.all(firsts)).length, 128);
  for (const watch of [...watches, ...others]) await watch.return?.();
  await Promise.allSettled(states);
});

test('who speaks for whom, and malformed permissions, are said plainly', TIMEOUT, async (t) => {
  const { sys } = await booted(t, 'ring');
  for (const user of ['', 'operator', 'server:files', 'a b', 'x'.repeat(65), '../foo', 5]) {
    assert.throws(
      () => sys.as(user as string),
      (error) => isSkerryError(error, 'SKERRY_INVALID') && /the name of a user must be/.test(error.message),
    );
  }
  assert.equal(sys.as('foo'), sys.as('foo'));
  await assert.rejects(
    sys.createFile('foo', '/x', 'rw-r--r--'),
    (error) => isSkerryError(error, 'SKERRY_INVALID') && /'-rw-r-----'.*0o640; found "rw-r--r--"/.test(error.message),
  );
});

test('options of a call that there are not, or of a wrong type, are refused and nothing is done', TIMEOUT, async (t) => {
  const { sys } = await booted(t, 'ring');
  const files = sys.files as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  await sys.files.create('/file', { content: 'text' });
  await sys.files.mkdir('/folder');
  await sys.files.create('/folder/a');
  const wrong: [method: string, args: unknown[], message: string][] = [
    [
      'create',
      ['/b', { permision: 0o600 }],
      'files.create() has no option "permision"; it has: owner, group, permissions, content',
    ],
    ['create', ['/b', 'text'], 'files.create() takes a path and options; the options are "text"'],
    [
      'create',
      ['/b', { owner: '' }],
      "files.create(): owner must be a principal: a user's name, 'server:<name>' or 'operator'; it is \"\"",
    ],
    ['create', ['/b', { group: 5 }], 'files.create(): group must be the name of a group; it is 5'],
    ['mkdir', ['/b', { content: 'x' }], 'files.mkdir() has no option "content"; it has: owner, group, permissions'],
    ['write', ['/b', 'x', { isnew: true }], 'files.write() has no option "isnew"; it has: isNew, permissions'],
    ['write', ['/b', 'x', { isNew: 'yes' }], 'files.write(): isNew must be true or false; it is "yes"'],
    ['read', ['/file', { from: 1 }], 'files.read() has no option "from"; it has: start, end'],
    ['remove', ['/folder', { recursive: 'yes' }], 'files.remove(): recursive must be true or false; it is "yes"'],
    ['remove', ['/folder', true], 'files.remove() takes a path and options; the options are true'],
    [
      'setOwner',
      ['/file', undefined],
      "files.setOwner(): owner must be a principal: a user's name, 'server:<name>' or 'operator'; it is undefined",
    ],
    [
      'setOwner',
      ['/file', ''],
      "files.setOwner(): owner must be a principal: a user's name, 'server:<name>' or 'operator'; it is \"\"",
    ],
    ['setOwner', ['/file', 'foo', 5], 'files.setOwner(): group must be the name of a group; it is 5'],
  ];
  for (const [method, args, message] of wrong)
    await assert.rejects(
      async () => files[method]?.(...args),
      (error) => {
        assert.ok(isSkerryError(error, 'SKERRY_INVALID'), String(error));
        assert.ok(error.message.includes(message), error.message);
        return true;
      },
      method,
    );
  const stream = sys.files.stream('/file', { from: 1 } as object);
  await fails(stream.next() as Promise<unknown>, 'SKERRY_INVALID', /files\.stream\(\) has no option "from"; it has: start, end/);
  assert.equal((await sys.files.stat('/file')).owner, 'operator');
  assert.deepEqual(
    (await sys.files.list('/')).map(({ name }) => name),
    ['bundle', 'data', 'file', 'folder'],
  );
  await sys.files.setOwner('/file', 'foo', 'editors');
  assert.equal(await sys.as('foo').files.readText('/file'), 'text');
});
