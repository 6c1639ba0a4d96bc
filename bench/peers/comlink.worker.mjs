/** The worker of `comlink`. */
import { parentPort } from 'node:worker_threads';
import { expose } from 'comlink/dist/esm/comlink.mjs';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { handlers } from './handlers.mjs';

expose(handlers, nodeEndpoint(parentPort));
