// What `npm test` prints: a line for each test file, each failure in full at the end, and the counts that the runner itself gives.

import { basename, relative, sep } from 'node:path';

/** Of what a file writes, characters. */
const OUTPUT_MAX = 4000;
const COUNTED = ['pass', 'fail', 'cancelled', 'skipped', 'todo'];

export default async function* report(events) {
  const files = new Map();
  const failures = [];
  const counts = {};
  const output = new Map();
  let current;
  for await (const { type, data } of events) {
    switch (type) {
      case 'test:stdout':
      case 'test:stderr':
        output.set(data.file, ((output.get(data.file) ?? '') + data.message).slice(-OUTPUT_MAX));
        break;
      case 'test:pass':
      case 'test:fail': {
        // The runner reports file by file: what is cut off in the middle has said which files were done.
        if (data.file !== current && files.has(current)) yield* line(files, current);
        current = data.file;
        const file = files.get(data.file) ?? { tests: 0, failed: 0, ms: 0 };
        files.set(data.file, file);
        const isGroup = data.details?.type === 'suite' || isWholeFile(data);
        if (!isGroup) file.tests += 1;
        if (data.nesting === 0) file.ms += data.details?.duration_ms ?? 0;
        if (type === 'test:pass' || data.todo !== undefined) break;
        if (isGroup && data.details?.error?.failureType === 'subtestsFailed') break;
        file.failed += 1;
        failures.push(data);
        yield `FAIL  ${shown(data.file)}: ${data.name}\n`;
        break;
      }
      case 'test:diagnostic': {
        const [, name, number] = /^(\w+) ([\d.]+)$/.exec(data.message) ?? [];
        if (data.nesting === 0 && COUNTED.includes(name)) counts[name] = Number(number);
        break;
      }
    }
  }
  for (const file of [...files.keys()]) yield* line(files, file);
  for (const failure of failures) yield describe(failure);
  for (const file of new Set(failures.map((failure) => failure.file))) {
    const said = output.get(file)?.trimEnd();
    if (said) yield `\n--- ${shown(file)} wrote, at the end:\n${indent(said)}\n`;
  }
  yield `\n${summary(counts)}\n`;
}

function* line(files, file) {
  const { tests, failed, ms } = files.get(file);
  files.delete(file);
  yield `${failed > 0 ? 'FAIL' : 'ok  '}  ${shown(file)}  ${tests} tests, ${(ms / 1000).toFixed(1)} s\n`;
}

/** A file that failed as a whole (it crashed, hung, or did not end) is reported as a test with the file's name. */
function isWholeFile({ name, file, nesting }) {
  return nesting === 0 && file !== undefined && (name === file || basename(name) === basename(file));
}

function describe({ file, name, details }) {
  const { error } = details;
  const cause = error?.cause ?? error;
  const text = cause instanceof Error || typeof cause?.stack === 'string' ? (cause.stack ?? cause.message) : String(cause);
  const more = difference(cause);
  const end = error?.signal ? ` (ended by ${error.signal})` : error?.exitCode ? ` (exit code ${error.exitCode})` : '';
  return `\n--- ${shown(file)}: ${name}\n${indent(text)}${end}${more}\n`;
}

function difference(error) {
  if (error?.code !== 'ERR_ASSERTION' || error.expected === undefined || String(error.message).includes('actual')) return '';
  return `\n    expected ${JSON.stringify(error.expected)}\n    actual   ${JSON.stringify(error.actual)}`;
}

function indent(text) {
  return text.replace(/^/gm, '    ');
}

function shown(file) {
  if (file === undefined) return '(no file)';
  const path = relative(process.cwd(), file);
  return path.startsWith(`dist${sep}`) ? path.slice(5).replace(/\.js$/, '.ts') : path;
}

function summary({ pass = 0, fail = 0, cancelled = 0, skipped = 0, todo = 0 }) {
  const more = [skipped > 0 ? `${skipped} skipped` : '', todo > 0 ? `${todo} to do` : ''].filter((part) => part !== '');
  return [`${pass} passed`, `${fail + cancelled} failed`, ...more].join(', ');
}
