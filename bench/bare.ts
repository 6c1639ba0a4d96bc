/**
 * The build that `overhead` compares with: the package without what watches it.
 *
 *      dist/src/  --copy, the pens below emptied-->  dist/bare/src/  --bundle-->  dist/bare/lib/        as lib/ is made of dist/src/
 *      dist/bench/ --copy--------------------------> dist/bare/bench/             its `skerry` is dist/bare/
 *
 * Emptied are the black box, the counters of the status region, the rates and durations of calls, the loop's phase and counter, and the
 * watch for hangs. What calls them stands: a function that does nothing is inlined to nothing. What is computed for them stands too; it
 * is rare (the depth of the queue, once for each batch).
 */
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { projectRoot } from './paths.ts';

/** Of a module: what is written at its end, or what a piece of it is replaced by. */
type Edit = { readonly module: string } & ({ readonly append: string } | { readonly find: string; readonly put: string });

const empty = (module: string, name: string, ...methods: readonly string[]): Edit => ({
  module,
  append: methods.map((method) => `${name}.prototype.${method} = function () { return 0; };`).join('\n'),
});

const EDITS: readonly Edit[] = [
  empty('memory/black-box', 'BlackBox', 'begin', 'end', 'text', 'methods', 'client'),
  empty('memory/call-times', 'CallTimes', 'count', 'took'),
  empty('memory/status', 'StatusCounters', 'begin', 'end', 'count'),
  empty('rpc/dispatcher', 'Dispatcher', 'countQueue'),
  { module: 'link/ring-carrier', find: 'this.#addon.watchLoop(this.statusRegion.buffer, LOOP_WORDS_OFFSET);', put: '' },
  { module: 'memory/hang-watch', append: 'watchForHangs = () => () => {};' },
];

const from = (path: string): URL => new URL(path, projectRoot);

/** @returns the folder of its compiled benchmarks. @throws Error when a module is not as the edits expect it. */
export async function buildBare(): Promise<URL> {
  const bare = from('dist/bare/');
  rmSync(bare, { recursive: true, force: true });
  mkdirSync(bare);
  for (const folder of ['src', 'bench']) cpSync(from(`dist/${folder}`), new URL(folder, bare), { recursive: true });
  for (const file of ['package.json', 'dist/.compiled']) cpSync(from(file), new URL(file.replace('dist/', ''), bare));
  symlinkSync(fileURLToPath(from('prebuilt')), new URL('prebuilt', bare));
  for (const edit of EDITS) change(new URL(`src/${edit.module}.js`, bare), edit);
  const { bundle } = (await import(from('scripts/bundle.mjs').href)) as { bundle(where: object): Promise<boolean> };
  await bundle({ from: fileURLToPath(new URL('src', bare)), to: fileURLToPath(new URL('lib', bare)) });
  return new URL('bench/', bare);
}

function change(file: URL, edit: Edit): void {
  const text = readFileSync(file, 'utf8');
  if ('append' in edit) return writeFileSync(file, `${text}\n${edit.append}\n`);
  if (!text.includes(edit.find)) throw new Error(`${file.pathname}: the build without counters expects '${edit.find}' in it`);
  writeFileSync(file, text.replace(edit.find, edit.put));
}
