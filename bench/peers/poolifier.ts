/** poolifier: a fixed pool of one worker thread. Without its task queue (the default) a worker is handed tasks as they come. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { importPeer, workerUrl } from '../paths.ts';
import type { Peer, Request } from './peer.ts';

interface Pool {
  execute(data: unknown, name: string): Promise<unknown>;
  destroy(): Promise<void>;
  readonly workerNodes: readonly { readonly worker: Worker }[];
}
interface PoolifierModule {
  FixedThreadPool: new (size: number, file: string) => Pool;
}

export function poolifier(): Peer {
  let pool: Pool | undefined;
  const request: Request = (name, argument) => (pool as Pool).execute(argument, name) as ReturnType<typeof request>;
  return {
    async start() {
      const { FixedThreadPool } = await importPeer<PoolifierModule>('poolifier');
      pool = new FixedThreadPool(1, fileURLToPath(workerUrl('poolifier.worker.mjs')));
    },
    async stop() {
      // `destroy()` never settles if the worker ends before it listens for that, so the worker's own end is awaited instead.
      const ended = pool?.workerNodes.map(({ worker }) => once(worker, 'exit')) ?? [];
      void pool?.destroy();
      await Promise.all(ended);
    },
    call: (value) => request('echo', value),
    late: (ms) => request('late', ms),
  };
}
