/** tinypool: piscina's smaller relative, a pool of one worker thread. */
import { fileURLToPath } from 'node:url';
import { importPeer, workerUrl } from '../paths.ts';
import type { Peer, Request } from './peer.ts';

interface Pool {
  run(task: unknown, options: { name: string }): Promise<unknown>;
  destroy(): Promise<void>;
}
interface PoolOptions {
  filename: string;
  minThreads: number;
  maxThreads: number;
  concurrentTasksPerWorker: number;
}

export function tinypool(inFlight: number): Peer {
  let pool: Pool | undefined;
  const request: Request = (name, argument) => (pool as Pool).run(argument, { name }) as ReturnType<typeof request>;
  return {
    async start() {
      const { default: Tinypool } = await importPeer<{ default: new (options: PoolOptions) => Pool }>('tinypool');
      const filename = fileURLToPath(workerUrl('tasks.mjs'));
      pool = new Tinypool({ filename, minThreads: 1, maxThreads: 1, concurrentTasksPerWorker: inFlight });
    },
    stop: async () => pool?.destroy(),
    call: (value) => request('echo', value),
    late: (ms) => request('late', ms),
  };
}
