// What `npm test` prints: a line for each test file, each failure in full at the end, and the counts that the runner itself gives.

import { basename, relative, sep } from 'node:path';

const COUNTED = ['pass', 'fail', 'cancelled', 'skipped', 'todo'];

export default async function* report(events) {
  const files = new Map();
  const failures = [];
  const counts = {};
  let output = [];
  for await (const { type, data } of events) {
    switch (type) {
      case 'test:stdout':
      case 'test:stderr':
        output.push(data.message);
        break;
      case 'test:pass':
      case 'test:fail': {
        const file = files.get(data.file) ?? { tests: 0, failed: 0, ms: 0 };
        files.set(data.file, file);
        const isGroup = data.details?.type === 'suite' || isWholeFile(data);
        if (!isGroup) file.tests += 1;
        if (data.nesting === 0) file.ms += data.details?.duration_ms ?? 0;
        if (type === 'test:pass' || data.todo !== undefined) break;
        if (isGroup && data.details?.error?.failureType === 'subtestsFailed') break;
        file.failed += 1;
        failures.push({ ...data, output: output.join('') });
        yield `FAIL  ${shown(data.file)}: ${data.name}\n`;
        break;
      }
      case 'test:diagnostic': {
        const [, name, number] = /^(\w+) ([\d.]+)$/.exec(data.message) ?? [];
        if (data.nesting === 0 && COUNTED.includes(name)) counts[name] = Number(number);
        break;
      }
    }
    if (type === 'test:pass' || type === 'test:fail') output = [];
  }
  yield '\n';
  for (const [file, { tests, failed, ms }] of files) {
    yield `${failed > 0 ? 'FAIL' : 'ok  '}  ${shown(file)}  ${tests} tests, ${(ms / 1000).toFixed(1)} s\n`;
  }
  for (const failure of failures) yield describe(failure);
  yield `\n${summary(counts)}\n`;
}

/** A file that failed as a whole (it crashed, hung, or did not end) is reported as a test with the file's name. */
function isWholeFile({ name, file, nesting }) {
  return nesting === 0 && file !== undefined && (name === file || basename(name) === basename(file));
}

function describe({ file, name, details, output }) {
  const { error } = details;
  const cause = error?.cause ?? error;
  const text = cause instanceof Error || typeof cause?.stack === 'string' ? (cause.stack ?? cause.message) : String(cause);
  const more = difference(cause);
  const said = output.trim() === '' ? '' : `\n  output:\n${indent(output.trimEnd().slice(-4000))}`;
  return `\n--- ${shown(file)}: ${name}\n${indent(text)}${more}${said}\n`;
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
