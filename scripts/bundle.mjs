// node scripts/bundle.mjs: makes lib/ from dist/src/, what the package ships.
//
// Some hundred small files are good to read and dear to load: a module costs a process some 45 KB (Node 24) and time, and every server is a
// process. esbuild joins them:
//
//   chunks/core.js            all that a program and an instance load in any case, once: a user's module and the runtime around it share it
//   the entries, chunks/*.js  what stands on the core, with chunks for what they share and for what is loaded only when it is needed
//   STANDALONE                processes and threads that run no code of a user's: one file each
//
// Modules of Node come by way of process.getBuiltinModule(): an `import` of one makes Node read each of its exports, and so load what they
// load, which nobody asked for (node:fs its promises and streams: 1.3 MB, node:util 1.5 MB, on Node 24).
//
// Chunks lie one folder deep, as all files of src/ do: `new URL('../kernel/main.js', import.meta.url)` holds in both.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const CORE = 'chunks/core.js';

/** What these load at their start, and what that loads, is the core. */
const CORE_OF = ['index.js', 'context.js', 'server/main.js'];
/** What is imported by users, or started as a process of its own. */
const ENTRIES = [
  ...CORE_OF,
  'typescript.js',
  'servers/http/index.js',
  'servers/files/index.js',
  'testing.js',
  'cli/main.js',
  'servers/process/main.js',
];
const STANDALONE = ['kernel/main.js', 'server/typescript-hooks.js', 'server/loaded-modules-hooks.js'];

/** Node's own that are imported all the same: on the path of each call, or cheap. */
const IMPORTED = ['node:async_hooks', 'node:module'];

const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path: name, kind }) =>
      IMPORTED.includes(name) || kind === 'dynamic-import'
        ? { path: name, external: true }
        : { path: name, namespace: 'builtin' },
    );
    // One constant for each export: those that nobody imports are left out, unread.
    onLoad({ filter: /.*/, namespace: 'builtin' }, async ({ path: name }) => {
      const names = Object.keys(await import(name)).filter((one) => one !== 'default' && /^\w+$/.test(one));
      return {
        contents: names
          .map((one) => `export const ${one} = /* @__PURE__ */ builtin('${name}', '${one}');`)
          .concat(`export default /* @__PURE__ */ builtin('${name}');`)
          .join('\n'),
      };
    });
  },
};

const OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
  // Every process holds the text of what it has loaded. In lines, so that a stack says where.
  minifyWhitespace: true,
  lineLimit: 120,
  // Node 20 has it since 20.16.
  banner: {
    js: [
      "import { createRequire as requireOf } from 'node:module';",
      'const builtinModule = process.getBuiltinModule ?? requireOf(import.meta.url);',
      'const builtin = (module, name) => (name === undefined ? builtinModule(module) : builtinModule(module)[name]);',
    ].join('\n'),
  },
};

/**
 * @param from the compiled modules, beside a file `.compiled` that tells what was compiled. @param to what is there is replaced, at once:
 *   something may run from it.
 * @returns false when `to` was up to date.
 */
export async function bundle({ from = join(root, 'dist/src'), to = join(root, 'lib') } = {}) {
  const stamp = join(to, '.bundled');
  const path = (name) => join(from, name);
  const fingerprint = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  const wanted = fingerprint.update(readFileSync(join(from, '../.compiled'))).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return false;
  const { build } = await import('esbuild');
  const made = join(from, '../lib.new');
  rmSync(made, { recursive: true, force: true });
  const { core, later } = await coreOf(build, from);
  await build({
    ...OPTIONS,
    stdin: { contents: core.map((file) => `export * from ${JSON.stringify(file)};`).join('\n'), resolveDir: from },
    outfile: join(made, CORE),
    plugins: [externalLater(from), builtins],
  });
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: [...ENTRIES, ...later].map(path),
    outbase: from,
    outdir: made,
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    write: false,
    plugins: [externalCore(new Set(core)), builtins],
  });
  for (const { path: file, text } of outputFiles) {
    const toCore = relative(dirname(file), join(made, CORE));
    mkdirSync(dirname(file), { recursive: true });
    const linked = text.replaceAll(`"${CORE}"`, JSON.stringify(toCore.startsWith('.') ? toCore : `./${toCore}`));
    writeFileSync(file, linked, { mode: text.startsWith('#!') ? 0o755 : 0o644 }); // npx runs the command of a checkout as it lies there
  }
  await build({ ...OPTIONS, entryPoints: STANDALONE.map(path), outbase: from, outdir: made, plugins: [builtins] });
  writeFileSync(join(made, '.bundled'), wanted);
  rmSync(to, { recursive: true, force: true });
  renameSync(made, to);
  return true;
}

/** @returns the files of the core, and those that it loads when it needs them, as names in `from`. */
async function coreOf(build, from) {
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: CORE_OF.map((name) => join(from, name)),
    outdir: from,
    write: false,
    metafile: true,
  });
  const inputs = new Map(Object.entries(metafile.inputs).map(([file, input]) => [resolve(file), input]));
  const all = new Set();
  const later = new Set();
  const add = (file) => {
    if (all.has(file)) return;
    all.add(file);
    for (const { path: imported, kind, external } of inputs.get(file).imports) {
      if (external) continue;
      if (kind === 'dynamic-import') later.add(relative(from, resolve(imported)));
      else add(resolve(imported));
    }
  };
  for (const name of CORE_OF) add(join(from, name));
  return { core: [...all].filter((file) => !CORE_OF.includes(relative(from, file))), later: [...later] };
}

/** In the core: what is loaded only when it is needed stays a file of its own. */
const externalLater = (from) => ({
  name: 'later',
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ kind, path: imported, resolveDir }) =>
      kind === 'dynamic-import' ? { path: `../${relative(from, resolve(resolveDir, imported))}`, external: true } : undefined,
    );
  },
});

/** Outside of the core: what is in it is not joined a second time. */
const externalCore = (core) => ({
  name: 'core',
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ path: imported, resolveDir }) =>
      core.has(resolve(resolveDir, imported)) ? { path: CORE, external: true } : undefined,
    );
  },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
