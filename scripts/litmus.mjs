// npm run litmus -- [--seconds N]: what the models of verify/ cannot see, since Spin is sequentially consistent.
//
// Two processes, each with a region of its own and the other's mapped read-only, as between servers:
//   store-load       Atomics.store, then Atomics.load of the other's word: never may both read an old value. Parking stands on it.
//   store-load       the same with a plain store, a fence, and a plain load (src/memory/order.ts).
//   message-passing  a payload of plain stores, published by storeRelease of the tail, read behind loadAcquire: never may it be old.
// Each has a control that must show violations (plain stores; a payload read before the tail): a test that cannot fail proves nothing.
//
// Exit: 0 as it has to be, 1 a violation or a failure, 3 inconclusive: the control showed nothing on this machine, also in a longer
// second round (one core, for instance, or an emulator). Every process is ended at its deadline.

import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PAIR = join(root, 'test', 'litmus', 'pair.mjs');
const BATCH = availableParallelism() < 2 ? 20 : 20_000; // rounds between two looks at the clock
const GRACE_MS = 15_000;
const SHARE = {
  'store-load-atomic': 0.25,
  'store-load-fence': 0.25,
  'store-load-plain': 0.075,
  'message-passing': 0.3,
  'message-passing-early': 0.05,
};
const CONTROLS = [
  { trial: 'store-load-atomic', control: 'store-load-plain', what: 'store-load: Atomics', controlWhat: 'plain stores' },
  { trial: 'store-load-fence', control: 'store-load-plain', what: 'store-load: a fence', controlWhat: 'plain stores' },
  {
    trial: 'message-passing',
    control: 'message-passing-early',
    what: 'message-passing: tail first',
    controlWhat: 'payload first',
  },
];

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  console.error(`litmus: ${error.message}`);
  return 1;
});

async function main(args) {
  let seconds = readSeconds(args);
  const cores = availableParallelism();
  if (cores < 2) {
    seconds = Math.min(seconds, 3);
    console.log(`litmus: one core: two processes never run at once, so nothing can be shown; shortened to ${seconds} s`);
  }
  const addon = await loadAddon();
  let exitCode = 0;
  for (const { trial, control, what, controlWhat } of CONTROLS) {
    const result = await runPair(addon, trial, seconds * SHARE[trial]);
    const seen = await runControl(addon, control, seconds * SHARE[control], cores);
    const verdict = result.violations > 0 ? 'FAIL' : seen.violations > 0 ? 'ok' : 'inconclusive on this machine';
    console.log(`${what}: ${tell(result)}; control, ${controlWhat}: ${tell(seen)}: ${verdict}`);
    if (verdict === 'FAIL') exitCode = 1;
    else if (verdict !== 'ok' && exitCode === 0) exitCode = 3;
  }
  return exitCode;
}

function readSeconds(args) {
  if (args.length === 0) return 10;
  const seconds = Number(args[1]);
  if (args.length !== 2 || args[0] !== '--seconds' || !(seconds >= 1 && seconds <= 86_400)) {
    throw new Error(`unknown arguments: ${args.join(' ')}; valid is --seconds N with 1 to 86,400`);
  }
  return seconds;
}

async function loadAddon() {
  const { loadNative } = await import(join(root, 'dist', 'src', 'memory', 'load-native.js')).catch((error) => {
    throw new Error(`the package is not built (npm run setup): ${error.message}`);
  });
  const { addon, reason } = loadNative();
  if (addon === undefined) throw new Error(`no native addon: ${reason}`);
  return addon;
}

/** A control that shows nothing gets a second, longer round. */
async function runControl(addon, control, seconds, cores) {
  const result = await runPair(addon, control, seconds);
  return result.violations > 0 || cores < 2 ? result : runPair(addon, control, seconds * 5);
}

/** Runs both sides to the end, or ends them. @returns what side 0 found. */
async function runPair(addon, trial, seconds) {
  const milliseconds = Math.ceil(seconds * 1000);
  const sockets = addon.socketPair();
  const children = sockets.map((socket, side) =>
    spawn(process.execPath, [PAIR, trial, String(side), String(milliseconds), String(BATCH)], {
      stdio: ['ignore', 'pipe', 'inherit', addon.fileNumber(socket)],
    }),
  );
  for (const socket of sockets) addon.close(socket);
  const end = () => {
    for (const child of children) child.kill('SIGKILL');
  };
  const watchdog = setTimeout(end, milliseconds + GRACE_MS);
  try {
    const [output] = await Promise.all(children.map((child, side) => outputOf(child, `${trial}, side ${side}`, end)));
    return JSON.parse(output);
  } finally {
    clearTimeout(watchdog);
  }
}

function outputOf(child, name, onFailure) {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (bytes) => (output += bytes));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(output);
      onFailure();
      reject(new Error(`${name} ended with ${signal ?? `code ${code}`}`));
    });
  });
}

function tell({ rounds, violations }) {
  return `${violations.toLocaleString('en')} violations in ${(rounds / 1e6).toFixed(1)} M rounds`;
}
