// npm run types: the project type-checks, and so do the tests of the public types (test/types): good.ts compiles, and each line of
// bad.ts that is marked with `@ts-expect-error` does not (the compiler reports a marker that nothing needs).

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

try {
  await setUp();
  check('the project', '.');
  check('test/types', 'test/types');
  const marks = readFileSync(join(root, 'test/types/bad.ts'), 'utf8').match(/@ts-expect-error/g)?.length ?? 0;
  console.log(`types: the project and test/types compile; ${marks} mistakes do not`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

function check(what, project) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout, error } = spawnSync(process.execPath, [tsc, '--noEmit', '-p', project], {
    cwd: root,
    encoding: 'utf8',
  });
  if (error !== undefined) throw new Error(`the compiler could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`types: ${what}:\n${stdout}`);
}
