// Systems bundled by esbuild, with `skerry` left outside: everything in one file, or the main program apart.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type BuildOptions, build, stop } from 'esbuild';
import { emptyFolder, lineOf, nothingIsLeft, root, run, start } from './world.ts';

const TIMEOUT = { timeout: 30_000 };
const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['skerry', 'skerry/*'],
  sourcemap: true,
};

function check(output: string): void {
  const said = JSON.parse(output) as { greeting: { text: string }; letters: string[]; failure: string };
  assert.equal(said.greeting.text, 'hello youhello you');
  assert.deepEqual(said.letters, ['a', 'b', 'c']);
  const line = lineOf('typescript/greeter.server.ts', 'throw new Error(message)');
  assert.match(said.failure, new RegExp(`greeter\\.server\\.ts:${line}:`), 'mapped back to the source');
}

test('main program, system and servers in one file', TIMEOUT, async (t) => {
  const folder = emptyFolder(t);
  await build({ ...common, entryPoints: [join(root, 'test/fixtures/typescript/main.ts')], outfile: join(folder, 'all.mjs') });
  check(await run(t, ['all.mjs'], { cwd: folder }));
  await stop(); // esbuild's own process
  await nothingIsLeft();
});

test('split into chunks, each server in its own', TIMEOUT, async (t) => {
  const folder = emptyFolder(t);
  await build({
    ...common,
    entryPoints: [join(root, 'test/fixtures/typescript/main.ts'), join(root, 'test/fixtures/typescript/system.ts')],
    splitting: true,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
  });
  check(await run(t, ['main.mjs'], { cwd: folder }));
});

test('the system bundled, the main program apart', TIMEOUT, async (t) => {
  const folder = emptyFolder(t);
  await build({
    ...common,
    entryPoints: [join(root, 'test/fixtures/typescript/system.ts')],
    outfile: join(folder, 'system.mjs'),
  });
  await build({
    ...common,
    entryPoints: [join(root, 'test/fixtures/typescript/main.ts')],
    outfile: join(folder, 'main.mjs'),
    plugins: [
      {
        name: 'system apart',
        setup: ({ onResolve }) => onResolve({ filter: /\/system\.ts$/ }, () => ({ path: './system.mjs', external: true })),
      },
    ],
  });
  check(await run(t, ['main.mjs'], { cwd: folder }));
});

test('skerry bundled too, by mistake: it says what to do', TIMEOUT, async (t) => {
  const folder = emptyFolder(t);
  await build({
    ...common,
    external: [],
    entryPoints: [join(root, 'test/fixtures/typescript/main.ts')],
    outfile: join(folder, 'all.mjs'),
  });
  const { code, stderr } = await start(t, ['all.mjs'], { cwd: folder }).ended;
  assert.equal(code, 1);
  assert.match(stderr, /there is no .*kernel\/main\.js.*--external:skerry/);
});
