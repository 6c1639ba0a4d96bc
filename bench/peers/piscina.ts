/**
 * piscina: a pool of one worker thread.
 *
 * Between tasks its worker blocks in `Atomics.wait` (`atomics: 'sync'`, the default); with 'disabled' it waits in its event loop. Which
 * is faster depends on how many tasks are in flight, so both are measured and the better one is reported.
 */
import { fileURLToPath } from 'node:url';
import type { RowChunk } from 'skerry/servers/http';
import type { ChunkResult } from '../../examples/atlas/enrich/enricher.ts';
import { importPeer, workerUrl } from '../paths.ts';
import type { PayloadSubject } from '../subject.ts';
import type { Peer, Request } from './peer.ts';

interface Pool {
  run(task: unknown, options?: { name: string }): Promise<unknown>;
  destroy(): Promise<void>;
}
interface PoolOptions {
  filename: string;
  minThreads: number;
  maxThreads: number;
  concurrentTasksPerWorker: number;
  atomics: 'sync' | 'disabled';
  workerData?: unknown;
}
interface PiscinaModule {
  Piscina: new (options: PoolOptions) => Pool;
  move(value: Uint8Array): unknown;
}

const importPiscina = (): Promise<PiscinaModule> => importPeer<PiscinaModule>('piscina');

export function piscina(inFlight: number, atomics: 'sync' | 'disabled'): Peer {
  let pool: Pool | undefined;
  const request: Request = (name, argument) => (pool as Pool).run(argument, { name }) as ReturnType<typeof request>;
  return {
    async start() {
      const { Piscina } = await importPiscina();
      pool = new Piscina(optionsFor('tasks.mjs', inFlight, atomics));
    },
    stop: async () => pool?.destroy(),
    call: (value) => request('echo', value),
    late: (ms) => request('late', ms),
  };
}

export function piscinaBytes(way: 'clone' | 'move'): PayloadSubject {
  let pool: Pool | undefined;
  let wrap: (bytes: Uint8Array) => unknown = (bytes) => bytes;
  return {
    async start() {
      const { Piscina, move } = await importPiscina();
      if (way === 'move') wrap = move;
      pool = new Piscina(optionsFor(way === 'move' ? 'piscina-move.mjs' : 'tasks.mjs', 1, 'sync'));
    },
    stop: async () => pool?.destroy(),
    payload: (bytes) => (pool as Pool).run(wrap(bytes), { name: 'payload' }) as Promise<Uint8Array>,
  };
}

/** So many threads that enrich chunks of the atlas. */
export async function enrichPool(threads: number): Promise<{
  run(chunk: RowChunk): Promise<ChunkResult>;
  destroy(): Promise<void>;
}> {
  const { Piscina } = await importPiscina();
  const workerData = ['cities.js', 'nearest.js', 'enrich/enricher.js'].map(
    (file) => new URL(`../../examples/atlas/${file}`, import.meta.url).href,
  );
  const options = { ...optionsFor('piscina-enrich.mjs', 1, 'sync'), minThreads: threads, maxThreads: threads, workerData };
  const pool = new Piscina(options);
  return { run: (chunk) => pool.run(chunk) as Promise<ChunkResult>, destroy: () => pool.destroy() };
}

function optionsFor(file: string, concurrentTasksPerWorker: number, atomics: 'sync' | 'disabled'): PoolOptions {
  return { filename: fileURLToPath(workerUrl(file)), minThreads: 1, maxThreads: 1, concurrentTasksPerWorker, atomics };
}
