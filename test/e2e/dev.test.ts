// skerry dev: files of a system are written while it runs.

import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { descendants, until } from '../fault/processes.ts';
import { emptyFolder, gone, type Program, root, start } from './world.ts';

const CLI = join(root, 'lib/cli/main.js');
const TIMEOUT = { timeout: 90_000 };
const WAIT_MS = 20_000;

const SYSTEM = `import { system } from 'skerry';
export default system(import.meta.url, {
  a: { load: () => import('./a.server.mjs') },
  b: { load: () => import('./b.server.mjs') },
});
`;
const A = `import { server } from 'skerry';
import { answer } from './answer.mjs';
export default server((ctx) => { ctx.log.info('a says ' + answer); return { ask: () => answer }; });
`;
const B = `import { server } from 'skerry';
export default server((ctx) => { ctx.log.info('b is born'); return {}; });
`;

function develop(t: TestContext): {
  folder: string;
  program: Program;
  write(file: string, text: string): void;
  shown(text: string): Promise<void>;
} {
  const folder = emptyFolder(t);
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  write('system.mjs', SYSTEM);
  write('a.server.mjs', A);
  write('b.server.mjs', B);
  write('answer.mjs', 'export const answer = 1;\n');
  const program = start(t, [CLI, 'dev', 'system.mjs'], { cwd: folder, env: { XDG_RUNTIME_DIR: folder } });
  const shown = (text: string) =>
    until(`"${text}" is shown:\n${program.stderr()}`, () => program.stderr().includes(text), WAIT_MS);
  return { folder, program, write, shown };
}

const count = (text: string, part: string) => text.split(part).length - 1;

test(
  'a change restarts the servers whose file it is, the others live on; a file that is replaced or touched is understood',
  TIMEOUT,
  async (t) => {
    const { folder, program, write, shown } = develop(t);
    await shown('up; restarts what changes');
    await shown('a says 1');
    write('answer.mjs', 'export const answer = 2;\n');
    await shown('a says 2');
    await shown('answer.mjs changed: restarting a');
    write('answer.new', 'export const answer = 3;\n');
    renameSync(join(folder, 'answer.new'), join(folder, 'answer.mjs'));
    await shown('a says 3');
    write('answer.mjs', readFileSync(join(folder, 'answer.mjs'), 'utf8')); // the same content
    write('b.server.mjs', B.replace('is born', 'is new'));
    await shown('b is new');
    assert.equal(count(program.stderr(), 'restarting a'), 2);
    assert.equal(count(program.stderr(), 'b is born'), 1, 'changes of a left b alone');
  },
);

test('a mistake is told, and its mending brings the server back; the system module starts all anew', TIMEOUT, async (t) => {
  const { program, write, shown } = develop(t);
  await shown('a says 1');
  await shown('up; restarts what changes');
  write('answer.mjs', 'export const answer = ;\n');
  await shown('a does not come up');
  write('answer.mjs', 'export const answer = 4;\n');
  await shown('a says 4');
  write('system.mjs', SYSTEM.replace("  b: { load: () => import('./b.server.mjs') },\n", ''));
  await shown('system.mjs changed: the whole system starts anew');
  await until('it is up again', () => count(program.stderr(), 'up; restarts what changes') >= 2, WAIT_MS);
  write('system.mjs', 'export default 5;\n');
  await shown('waiting for a change in ');
  write('system.mjs', SYSTEM);
  await until('it is up a third time', () => count(program.stderr(), 'up; restarts what changes') >= 3, WAIT_MS).catch((error) =>
    assert.fail(`${error.message}:\n${program.stderr()}`),
  );
  const pids = descendants(program.pid);
  program.child.kill('SIGINT'); // to it alone, as no terminal does
  const { code } = await program.ended;
  assert.equal(code, 130);
  await gone(pids, 3000);
});
