// npm run lint: Biome's rules, its format, and the direction of imports (check-imports.mjs). `npm run lint -- --fix` repairs what can be.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { checkImports } from './check-imports.mjs';
import { root, setUp } from './setup.mjs';

const fix = process.argv.includes('--fix');

try {
  await setUp();
} catch (error) {
  console.error(error.message); // what does not compile can be linted nevertheless
  process.exitCode = 1;
}

const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
for (const command of ['lint', 'format']) {
  const args = [
    biome,
    command,
    ...(fix ? ['--write'] : []),
    '--max-diagnostics=100',
    ...(command === 'lint' ? ['--error-on-warnings'] : []),
  ];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exitCode = 1;
}

const problems = checkImports(root);
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'imports: point down only, without a cycle' : `imports: ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;
