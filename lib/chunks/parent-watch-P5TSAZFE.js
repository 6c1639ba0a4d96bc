import "./chunk-WSFCRVEQ.js";

// dist/src/link/parent-watch.js
import { Worker } from "node:worker_threads";
var LOOK_EVERY_MS = 400;
var WATCH = `
const { workerData } = require('node:worker_threads');
setInterval(() => {
  if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
}, workerData.everyMs);
`;
function watchParent(parent) {
  if (process.ppid !== parent)
    return false;
  const worker = new Worker(WATCH, {
    eval: true,
    workerData: { parent, everyMs: LOOK_EVERY_MS },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, codeRangeSizeMb: 1, stackSizeMb: 1 }
  });
  worker.on("error", () => {
  });
  worker.unref();
  return true;
}
export {
  watchParent
};
