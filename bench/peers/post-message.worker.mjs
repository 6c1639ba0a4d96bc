/** The worker of `postMessage`: [id, name, argument] in, [id, value] out; `move` hands the buffer of the bytes back. */
import { parentPort } from 'node:worker_threads';
import { handlers } from './handlers.mjs';

parentPort.on('message', async ([id, name, argument]) => {
  if (name === 'move') parentPort.postMessage([id, argument], [argument.buffer]);
  else parentPort.postMessage([id, await handlers[name](argument)]);
});
