/**
 * Asks the atlas `GET /nearest` at a steady rate, from a thread of its own, so that nothing in the process that measures delays it.
 *
 * workerData: { port, perSecond }. On any message it stops and answers with the latencies in ms, each from the time at which the
 * question was due. An answer other than 200 is a failure of the run.
 */
import { Agent, get } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

const { port, perSecond } = workerData as { port: number; perSecond: number };
const agent = new Agent({ keepAlive: true });
const latenciesMs: number[] = [];
const everyMs = 1000 / perSecond;
const since = performance.now();
let asked = 0;
let pending = 0;
let failure: string | undefined;
let isOver = false;

const timer = setInterval(() => {
  for (let due = since + asked * everyMs; due <= performance.now(); due = since + asked * everyMs) ask(due);
}, 1);

function ask(due: number): void {
  asked += 1;
  pending += 1;
  const lat = ((asked * 37) % 180) - 90;
  const lng = ((asked * 91) % 360) - 180;
  get({ agent, host: '127.0.0.1', port, path: `/nearest?lat=${lat}&lng=${lng}` }, (response) => {
    if (response.statusCode !== 200) failure ??= `/nearest answered ${response.statusCode}`;
    response.resume().on('end', () => {
      latenciesMs.push(performance.now() - due);
      finish();
    });
  }).on('error', (error) => {
    failure ??= String(error);
    finish();
  });
}

function finish(): void {
  pending -= 1;
  if (!isOver || pending > 0) return;
  agent.destroy();
  parentPort?.postMessage({ latenciesMs, failure });
  parentPort?.close();
}

parentPort?.once('message', () => {
  clearInterval(timer);
  isOver = true;
  pending += 1;
  finish();
});
