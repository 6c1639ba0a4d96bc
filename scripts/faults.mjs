// npm run faults -- [throughput] [--count N] [--seed S] [--from N] [--kinds a,b] [--systems N]
// [--record FILE] [--json]: the fault campaign.
//
// Does its own set-up (on stderr: stdout belongs to the results), then hands over to the compiled dist/faults/main.js. Faults end
// processes by the hundred: none of them leaves a core file.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  console.error(`faults: ${error.message}`);
  return 2;
});

async function main(args) {
  await setUp();
  const node = [process.execPath, '--enable-source-maps', join(root, 'dist/faults/main.js'), ...args];
  const child = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$0" "$@"', ...node], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? code : 128 + constants.signals[signal]));
  });
}
