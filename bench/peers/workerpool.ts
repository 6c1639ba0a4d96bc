/** workerpool: a pool of one worker, as a thread or as a process. It hands its worker one task at a time. */
import { fileURLToPath } from 'node:url';
import { importPeer, workerUrl } from '../paths.ts';
import type { Peer, Request } from './peer.ts';

interface Pool {
  exec(name: string, args: unknown[]): PromiseLike<unknown>;
  terminate(force: boolean): PromiseLike<unknown>;
  readonly workers: readonly { readonly worker: { readonly pid?: number } }[];
}
interface WorkerpoolModule {
  default: { pool(script: string, options: { minWorkers: number; maxWorkers: number; workerType: 'thread' | 'process' }): Pool };
}

export function workerpool(workerType: 'thread' | 'process'): Peer {
  let pool: Pool | undefined;
  const request: Request = (name, argument) => (pool as Pool).exec(name, [argument]) as ReturnType<typeof request>;
  return {
    async start() {
      const { default: library } = await importPeer<WorkerpoolModule>('workerpool');
      pool = library.pool(fileURLToPath(workerUrl('workerpool.worker.mjs')), { minWorkers: 1, maxWorkers: 1, workerType });
    },
    stop: async () => void (await pool?.terminate(true)),
    pids: async () => (pool as Pool).workers.map(({ worker }) => worker.pid).filter((pid) => pid !== undefined),
    call: (value) => request('echo', value),
    late: (ms) => request('late', ms),
  };
}
