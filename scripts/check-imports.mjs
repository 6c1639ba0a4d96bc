// Imports point down only: the layers of src/, and no file that imports itself by way of others.
//
//   node scripts/check-imports.mjs     prints file:line, and why
//
// A folder may import what stands above it in this table, and itself; folders on one line do not know each other. Tests may look
// anywhere. Types count as imports do for the layers; for cycles they do not, since they are gone when the program runs.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const LAYERS = [
  ['base'],
  ['memory', 'protocol'],
  ['channel'],
  ['rpc'],
  ['link'],
  ['server'],
  ['shared', 'kernel', 'servers'],
  ['system', 'testing'],
  ['cli'],
];
/** The package's entry files stand on top of all: nothing imports them. */
const ENTRY = 'entry files';
/** Beyond the table: types only. */
const TYPES_ALLOWED = [['memory', 'protocol']];

const rank = new Map([...LAYERS.flatMap((folders, layer) => folders.map((folder) => [folder, layer])), [ENTRY, LAYERS.length]]);

/** @returns {string[]} problems, a line each. */
export function checkImports(root) {
  const src = join(root, 'src');
  const files = sourcesIn(src).map((path) => ({ path, imports: importsOf(path) }));
  const problems = [];
  for (const { path, imports } of files) {
    for (const { line, target, typeOnly } of imports) {
      const why = isTest(path) ? undefined : breach(src, path, target, typeOnly);
      if (why !== undefined) problems.push(`${relative(root, path)}:${line}: ${why}`);
    }
  }
  return [...problems, ...cycles(root, files)];
}

function breach(src, path, target, typeOnly) {
  const from = layerOf(src, path);
  const to = layerOf(src, target);
  if (!rank.has(from)) return `the folder ${from} is in no layer (scripts/check-imports.mjs)`;
  if (to === undefined) return `imports ${relative(src, target)}, which is outside of src/`;
  if (isTest(target)) return 'imports a test';
  if (from === to || rank.get(to) < rank.get(from)) return undefined;
  if (typeOnly && TYPES_ALLOWED.some(([who, whose]) => who === from && whose === to)) return undefined;
  const order = rank.get(to) === rank.get(from) ? 'beside' : 'above';
  return `${from} imports ${to}, which stands ${order} it`;
}

/** Each cycle once, as its way round. */
function cycles(root, files) {
  const needs = new Map(files.map(({ path, imports }) => [path, imports.filter(({ typeOnly }) => !typeOnly)]));
  const done = new Set();
  const trail = [];
  const problems = [];
  const visit = (path) => {
    const at = trail.indexOf(path);
    if (at !== -1) {
      const round = [...trail.slice(at), path];
      const { line } = needs.get(round[0]).find(({ target }) => target === round[1]);
      problems.push(`${relative(root, path)}:${line}: a cycle: ${round.map((file) => relative(root, file)).join(' → ')}`);
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const { target } of needs.get(path) ?? []) visit(target);
    trail.pop();
    done.add(path);
  };
  for (const { path } of files) visit(path);
  return problems;
}

function layerOf(src, path) {
  const parts = relative(src, path).split('/');
  if (parts[0] === '..') return undefined;
  return parts.length === 1 ? ENTRY : parts[0];
}

function isTest(path) {
  return path.endsWith('.test.ts');
}

function sourcesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcesIn(path);
    return path.endsWith('.ts') && !path.endsWith('.d.ts') ? [path] : [];
  });
}

/** Static and dynamic imports of relative paths, with their lines. */
function importsOf(path) {
  const text = withoutComments(readFileSync(path, 'utf8'));
  const pattern = /\b(?:import|export)\s+(type\s)?(?:[\w$*{}\s,]+?\sfrom\s+)?'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'/g;
  return [...text.matchAll(pattern)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    target: join(dirname(path), match[2] ?? match[3]),
    typeOnly: match[1] !== undefined || onlyTypes(match[0]),
  }));
}

/** `import { type A, type B } from …` */
function onlyTypes(statement) {
  const names = /^(?:import|export)\s*\{([^}]*)\}/.exec(statement)?.[1];
  return names?.split(',').every((name) => /^\s*(type\s.*)?$/s.test(name)) === true;
}

/** Comments become blanks, so that lines stay. Strings with `//` in them lose their rest, which is no import. */
function withoutComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<!['":])\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '));
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1]) {
  const problems = checkImports(dirname(dirname(fileURLToPath(import.meta.url))));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
