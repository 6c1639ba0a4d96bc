// The package as its users get it: packed, installed into an empty folder, running the README's program (examples/hello).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { build } from 'esbuild';
import { loadNative } from '../../src/memory/load-native.ts';
import { findPrebuilt } from '../../src/memory/prebuilt.ts';
import { nothingIsLeft, root, run } from './world.ts';

const TIMEOUT = { timeout: 60_000 };
const OUTPUT = '168 primes below 1000\n';

function npm(args: readonly string[], cwd: string): { readonly ok: boolean; readonly stdout: string; readonly output: string } {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_TEST_CONTEXT|NODE_OPTIONS)/.test(name)),
  );
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const { status, stdout, stderr } = spawnSync('npm', [...args, ...quiet], { cwd, env, encoding: 'utf8' });
  return { ok: status === 0, stdout, output: `${stdout}${stderr}` };
}

describe('the package', { timeout: 180_000 }, () => {
  let folder: string;
  let installed: string;
  let files: string[];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'skerry-pack-'));
    const packed = npm(['pack', '--ignore-scripts', '--pack-destination', folder], root);
    assert.ok(packed.ok, packed.output);
    const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'no tarball');
    const app = join(folder, 'app');
    mkdirSync(app);
    writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }\n');
    const fresh = npm(['install', '--ignore-scripts', '--prefer-offline', tarball], app);
    if (!fresh.ok) {
      // No registry at hand: the dependencies that this checkout has.
      const local = ['amaro', '@standard-schema/spec'].map((name) => `file:${join(root, 'node_modules', name)}`);
      const offline = npm(['install', '--ignore-scripts', '--offline', tarball, ...local], app);
      assert.ok(offline.ok, `${fresh.output}\n${offline.output}`);
    }
    folder = app;
    installed = join(app, 'node_modules', 'skerry');
    files = listed(installed);
  });
  after(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

  test('holds what is run, with the addon of this platform, and nothing else; installing it runs nothing', TIMEOUT, () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { scripts?: Record<string, string> };
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
      assert.equal(manifest.scripts?.[script], undefined, script);
    assert.deepEqual(
      files.filter((file) => /\.test\.|fixtures|^test|^bench|^native|^examples|^scripts|^src|\.tsbuildinfo/.test(file)),
      [],
    );
    if (loadNative().addon !== undefined)
      assert.ok(
        files.some((file) => /^prebuilt\/skerry-.*\.node$/.test(file)),
        files.join('\n'),
      );
    if (findPrebuilt('launcher').file !== undefined) {
      const launcher = files.find((file) => /^prebuilt\/skerry-launch-[^.]*$/.test(file)) ?? 'no launcher';
      accessSync(join(installed, launcher), constants.X_OK);
    }
    accessSync(join(root, 'lib/cli/main.js'), constants.X_OK); // for npx in a checkout; npm sees to it where it installs
    assert.ok(files.includes('LICENSE'));
    assert.ok(!files.includes('binding.gyp'), 'npm would try to build it');
    for (const [name, at] of exportsOf(installed)) assert.ok(existsSync(join(installed, at)), `${name} → ${at}`);
  });

  test("runs the README's program in JavaScript", TIMEOUT, async (t) => {
    const cwd = copied(folder, 'javascript', 'dist/examples/hello', ['system.js', 'main.js']);
    assert.equal(await run(t, ['main.js'], { cwd }), OUTPUT);
    await nothingIsLeft();
  });

  test("runs the README's program in TypeScript", TIMEOUT, async (t) => {
    const cwd = copied(folder, 'typescript', 'examples/hello', ['system.ts', 'main.ts']);
    const native = Boolean((process.features as { typescript?: unknown }).typescript);
    assert.equal(await run(t, [...(native ? [] : ['--import', 'skerry/typescript']), 'main.ts'], { cwd }), OUTPUT);
  });

  test("runs the README's program bundled into one file", TIMEOUT, async (t) => {
    const cwd = copied(folder, 'bundled', 'examples/hello', []);
    await build({
      entryPoints: [join(root, 'examples/hello/main.ts')],
      outfile: join(cwd, 'hello.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['skerry'],
    });
    assert.equal(await run(t, ['hello.mjs'], { cwd }), OUTPUT);
  });

  test('the program has two files and at most 20 lines', () => {
    const sources = readdirSync(join(root, 'examples/hello')).filter((name) => name.endsWith('.ts'));
    assert.deepEqual(sources.sort(), ['main.ts', 'system.ts']);
    const lines = sources.flatMap((name) =>
      readFileSync(join(root, 'examples/hello', name), 'utf8')
        .trimEnd()
        .split('\n'),
    );
    assert.ok(lines.length <= 20, `${lines.length} lines`);
  });
});

function copied(app: string, name: string, from: string, sources: readonly string[]): string {
  const to = join(app, name);
  mkdirSync(to);
  for (const source of sources) copyFileSync(join(root, from, source), join(to, source));
  return to;
}

function listed(folder: string, below = folder): string[] {
  return readdirSync(below, { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    return entry.isDirectory() ? listed(folder, path) : [relative(folder, path)];
  });
}

function exportsOf(folder: string): [name: string, file: string][] {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, string | Record<string, string>>;
  };
  return Object.entries(exports).flatMap(([name, at]) =>
    (typeof at === 'string' ? [at] : Object.values(at)).map((file): [string, string] => [name, file]),
  );
}
