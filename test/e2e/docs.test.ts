// README.md and the pages of docs/ say what is so. README's program is that of examples/hello, its server compiles. A page is followed
// step by step in an empty folder: its files are written, its commands run, what they print is compared.
//
//   ```ts name.ts       a file, and so with json
//   ```console          commands behind `$`, and what each prints; `…` stands for anything in a line, or for any lines if it is alone;
//                       4711 stands for any process. `skerry run` goes on until `skerry stop`, at the latest until the page's end.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandNames, loadCommand } from '../../src/cli/commands.ts';
import { COLUMNS } from '../../src/cli/ps.ts';
import { until } from '../fault/processes.ts';
import { emptyFolder, nothingIsLeft, root, run, start } from './world.ts';

const TIMEOUT = { timeout: 120_000 };
const NATIVE = Boolean((process.features as { typescript?: unknown }).typescript);

interface Block {
  readonly language: string;
  readonly file: string | undefined;
  readonly text: string;
}

test('docs/first-server.md', TIMEOUT, async (t) => {
  await follow(t, 'first-server.md', 'first');
  await nothingIsLeft();
});

test('docs/failure.md', TIMEOUT, async (t) => {
  await follow(t, 'failure.md', 'failure');
  await nothingIsLeft();
});

test('README.md shows the program of examples/hello, which prints what it says', TIMEOUT, async (t) => {
  const [system, main, printed] = blocksOf(readme());
  for (const [block, file] of [
    [system, 'system.ts'],
    [main, 'main.ts'],
  ] as const)
    assert.equal(block?.text, `// ${file}\n${readFileSync(join(root, 'examples/hello', file), 'utf8')}`);
  assert.equal(await run(t, [join(root, 'dist/examples/hello/main.js')]), printed?.text);
  await nothingIsLeft();
});

test('the server of README.md compiles', TIMEOUT, async (t) => {
  const { cwd } = emptyProject(t, 'readme');
  const [configuration] = blocksOf(readFileSync(join(root, 'docs/first-server.md'), 'utf8')).filter(
    ({ file }) => file === 'tsconfig.json',
  );
  const [snippet, ...more] = blocksOf(readme()).filter(({ text }) => text.includes('export default server('));
  assert.ok(configuration !== undefined && snippet !== undefined && more.length === 0);
  const files = {
    'tsconfig.json': configuration.text,
    'rows.server.ts': snippet.text,
    'ledger.ts': 'export interface Ledger { add(id: string, cents: number): Promise<void> }',
    'rows.ts': [
      'export declare function load(file: string): Promise<Map<string, { cents: number }>>;',
      'export declare function flush(rows: Map<string, { cents: number }>): Promise<void>;',
    ].join('\n'),
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(cwd, file), text);
  const { code, stdout, stderr } = await start(t, nodeArgumentsOf('npx tsc'), { cwd }).ended;
  assert.equal(code, 0, `${stdout}${stderr}`);
});

test('README.md refers to what is there', () => {
  for (const [, target = ''] of readme().matchAll(/\]\((?!https?:)([^)#]+)/g))
    assert.ok(existsSync(join(root, target)), `README.md refers to ${target}`);
});

test('the pages refer to what is there, and the index to all of them', () => {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8');
  for (const page of pages) {
    if (page !== 'README.md') assert.ok(index.includes(`(${page})`), `docs/README.md does not name ${page}`);
    const text = readFileSync(join(root, 'docs', page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g))
      assert.ok(existsSync(join(root, 'docs', target)), `docs/${page} refers to ${target}`);
  }
});

test('docs/operating.md has every command, and every column of ps', () => {
  const text = readFileSync(join(root, 'docs/operating.md'), 'utf8');
  for (const name of commandNames()) assert.match(text, new RegExp(`skerry ${name}\\b|\`${name}\``), name);
  for (const { title } of COLUMNS.filter((column) => !['NAME', 'PID'].includes(column.title)))
    assert.ok(text.includes(`\n| ${title} | `), `the column ${title} is not explained`);
  const headers = [...text.matchAll(/^NAME .*$/gm)].map(([header]) => header.replace(/ +/g, ' '));
  const columns = COLUMNS.map(({ title }) => title).join(' ');
  assert.deepEqual([...new Set(headers)], [columns]);
});

test('docs/operating.md names the commands that have --json', async () => {
  const text = readFileSync(join(root, 'docs/operating.md'), 'utf8');
  const [, sentence = ''] = /^(`ps`.*) have `--json`/m.exec(text) ?? [];
  const named = [...sentence.matchAll(/`([a-z]+)[ a-z]*`/g)].map(([, name]) => name);
  const having: string[] = [];
  for (const name of commandNames()) if ((await loadCommand(name))?.options.json !== undefined) having.push(name);
  assert.deepEqual([...new Set(named)], having);
});

async function follow(t: TestContext, page: string, folder: string): Promise<void> {
  const { outside, cwd } = emptyProject(t, folder);
  mkdirSync(join(outside, 'runtime'));
  let steps = 0;
  for (const { language, file, text } of blocksOf(readFileSync(join(root, 'docs', page), 'utf8'))) {
    if (file !== undefined) writeFileSync(join(cwd, file), text);
    if (language !== 'console') continue;
    for (const [command, expected] of commandsOf(text)) {
      await runs(t, command, expected, { cwd, env: { XDG_RUNTIME_DIR: join(outside, 'runtime'), SKERRY_SYSTEM: '' } });
      steps += 1;
    }
  }
  assert.ok(steps > 0, `${page} has no commands`);
}

/** A folder with a package.json, in which `skerry` and Node's types are found outside. */
function emptyProject(t: TestContext, folder: string): { readonly outside: string; readonly cwd: string } {
  const outside = emptyFolder(t);
  const cwd = join(outside, folder);
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'package.json'), '{ "private": true, "type": "module" }\n');
  for (const types of ['@types', 'undici-types'])
    symlinkSync(join(root, 'node_modules', types), join(outside, 'node_modules', types));
  return { outside, cwd };
}

function readme(): string {
  return readFileSync(join(root, 'README.md'), 'utf8');
}

async function runs(
  t: TestContext,
  command: string,
  expected: string,
  where: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<void> {
  const program = start(t, nodeArgumentsOf(command), where);
  const printed = () => `${program.stdout()}${program.stderr()}`;
  const pattern = patternOf(expected);
  if (command.startsWith('npx skerry run ')) {
    await until(`"${command}" prints\n${expected}, not\n${printed()}`, () => pattern.test(printed()), 20_000);
    return;
  }
  await program.ended;
  assert.match(`${program.stderr()}${program.stdout()}`, pattern, command);
}

function nodeArgumentsOf(command: string): string[] {
  const words = command.split(' ');
  if (words[0] === 'node') return [...(NATIVE ? [] : ['--import', 'skerry/typescript']), ...words.slice(1)];
  const [npx, name = '', ...rest] = words;
  const programs: Record<string, string> = { skerry: 'lib/cli/main.js', tsc: 'node_modules/typescript/bin/tsc' };
  assert.ok(npx === 'npx' && programs[name] !== undefined, `how is this run: ${command}`);
  return [join(root, programs[name]), ...rest];
}

function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\S*)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(([, language = '', file, text = '']) => {
    assert.ok(file === undefined || file === basename(file), `a file outside of the folder: ${file}`);
    return { language, file, text };
  });
}

function commandsOf(text: string): [command: string, expected: string][] {
  const [before, ...parts] = text.split(/^\$ /m);
  assert.equal(before, '', 'a console block begins with a command');
  return parts.map((part) => {
    const end = part.indexOf('\n');
    return [part.slice(0, end), part.slice(end + 1)];
  });
}

function patternOf(expected: string): RegExp {
  const lines = expected
    .trimEnd()
    .split('\n')
    .map((line) => (line === '…' ? '[^]*' : escaped(line)));
  return new RegExp(`^${lines.join('\\n')}\\n?$`);
}

function escaped(line: string): string {
  return line
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/ *4711/g, ' *\\d+')
    .replaceAll('…', '.*');
}
