/**
 * npm run bench -- [name...] [--json] [--smoke] [--subjects a,b] [--rounds n]: measures Skerry beside its peers.
 *
 * Does its own set-up: the project's (scripts/setup.mjs), and at the first run the peers of bench/package.json, which nothing else
 * in the project needs. Then hands over to the compiled dist/bench/main.js. Set-up talks on stderr: stdout belongs to the results.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const path = (relative) => fileURLToPath(new URL(relative, root));
const QUIETLY = ['ignore', 2, 2];

run('set-up of the project', process.execPath, [path('scripts/setup.mjs')], root);
installPeers();
measure();

/** Installs exactly what bench/package-lock.json says, once for each version of that file. */
function installPeers() {
  const wanted = createHash('sha256')
    .update(readFileSync(path('bench/package-lock.json')))
    .digest('hex');
  const stamp = path('bench/node_modules/.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  run('installing the peers of bench/package.json', command, [...first, ...args], new URL('bench/', root));
  writeFileSync(stamp, wanted);
}

function measure() {
  const child = spawn(process.execPath, ['--enable-source-maps', path('dist/bench/main.js'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal !== null) console.error(`bench: ended by ${signal}`);
    process.exitCode = signal === null ? code : 128 + constants.signals[signal];
  });
}

function run(what, command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: QUIETLY });
  if (status === 0) return;
  console.error(`bench: ${what} failed${error ? `: ${error.message}` : ` with exit code ${status}`}`);
  process.exit(1);
}
