// Ends an instance when its kernel is gone, also when its own event loop hangs: for processes without the addon, where no
// parent-death signal can be asked for. A worker looks who the parent is; a process whose parent died has another from then on.

import { Worker } from 'node:worker_threads';

/** An instance ends at most so long, plus a moment, after its kernel. */
const LOOK_EVERY_MS = 400;

const WATCH = `
const { workerData } = require('node:worker_threads');
setInterval(() => {
  if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
}, workerData.everyMs);
`;

/** @returns false when the parent is gone already. */
export function watchParent(parent: number): boolean {
  if (process.ppid !== parent) return false;
  const worker = new Worker(WATCH, {
    eval: true,
    workerData: { parent, everyMs: LOOK_EVERY_MS },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, codeRangeSizeMb: 1, stackSizeMb: 1 },
  });
  worker.on('error', () => {}); // no thread to be had: the end of the control socket still ends this process
  worker.unref();
  return true;
}
