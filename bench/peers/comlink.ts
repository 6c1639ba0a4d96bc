/** comlink: a proxy over one worker thread. */
import { Worker } from 'node:worker_threads';
import { importPeer, workerUrl } from '../paths.ts';
import type { Sample } from '../sample.ts';
import type { Peer } from './peer.ts';

type Endpoint = object;
interface Remote {
  echo(value: Sample): Promise<Sample>;
  late(ms: number): Promise<number>;
}

export function comlink(): Peer {
  let worker: Worker | undefined;
  let remote: Remote | undefined;
  return {
    async start() {
      const { wrap } = await importPeer<{ wrap(endpoint: Endpoint): Remote }>('comlink/dist/esm/comlink.mjs');
      const adapter = await importPeer<{ default(worker: Worker): Endpoint }>('comlink/dist/esm/node-adapter.mjs');
      worker = new Worker(workerUrl('comlink.worker.mjs'));
      remote = wrap(adapter.default(worker));
    },
    stop: async () => void (await worker?.terminate()),
    call: (value) => (remote as Remote).echo(value),
    late: (ms) => (remote as Remote).late(ms),
  };
}
