/** Bulk enrichment by a pool of servers, by a pool of threads, and by a plain loop: the same code on the same chunks. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { boot, map } from 'skerry';
import type { RowChunk } from 'skerry/servers/http';
import { loadCities } from '../../examples/atlas/cities.ts';
import { type ChunkResult, Enricher } from '../../examples/atlas/enrich/enricher.ts';
import { NearestIndex } from '../../examples/atlas/nearest.ts';
import { enrichPool } from '../peers/piscina.ts';
import type { EnrichSubject, Entry } from '../subject.ts';
import enrichSystem from './enrich.system.ts';

export const enrichEntries = (): readonly Entry<EnrichSubject>[] => [
  { name: 'skerry-ring', load: async () => servers() },
  { name: 'piscina', load: async () => threads() },
  { name: 'plain loop', load: async () => plainLoop() },
  { name: 'two processes', load: async () => processes() },
];

function servers(): EnrichSubject {
  let sys: Awaited<ReturnType<typeof bootIt>>;
  const bootIt = () => boot(enrichSystem);
  return {
    workers: [1, 2],
    async start() {
      sys = await bootIt();
    },
    stop: async () => sys?.stop(),
    enrich: (chunks, workers) => map(workers === 1 ? sys.servers.one.chunk : sys.servers.two.chunk, chunks),
  };
}

function threads(): EnrichSubject {
  const pools = new Map<number, Awaited<ReturnType<typeof enrichPool>>>();
  return {
    workers: [1, 2],
    async start() {
      for (const count of [1, 2]) pools.set(count, await enrichPool(count));
    },
    stop: async () => void (await Promise.all([...pools.values()].map((pool) => pool.destroy()))),
    async *enrich(chunks, workers) {
      const pool = pools.get(workers);
      if (pool === undefined) throw new Error(`no pool of ${workers}`);
      const inFlight: Promise<ChunkResult>[] = [];
      for await (const chunk of chunks) {
        // A view is cloned with all of its buffer: a copy of its own is the cheaper way.
        inFlight.push(pool.run({ ...chunk, bytes: Uint8Array.prototype.slice.call(chunk.bytes) }));
        if (inFlight.length >= 2 * workers) yield (await inFlight.shift()) as ChunkResult;
      }
      for (const result of inFlight) yield await result;
    },
  };
}

function plainLoop(): EnrichSubject {
  let enricher: Enricher;
  return {
    workers: [1],
    async start() {
      const cities = await loadCities();
      enricher = new Enricher(cities, new NearestIndex(cities.lat, cities.lng));
    },
    stop: async () => {},
    async *enrich(chunks: AsyncIterable<RowChunk>) {
      for await (const chunk of chunks) yield enricher.chunk(chunk);
    },
  };
}

/** What the machine can do at most: each process reads the file and takes every other chunk, and nothing goes between them. */
function processes(): EnrichSubject {
  const children: ChildProcess[] = [];
  return {
    workers: [1, 2],
    async start() {
      for (let i = 0; i < 2; i++) {
        const child = fork(fileURLToPath(new URL('./enrich-loop.js', import.meta.url)));
        children.push(child);
        await once(child, 'message');
      }
    },
    stop: async () => {
      await Promise.all(
        children.map((child) => {
          child.kill('SIGKILL');
          return once(child, 'exit');
        }),
      );
    },
    async runFile(file, workers) {
      const parts = children.slice(0, workers).map(async (child, part) => {
        child.send({ file, part, of: workers });
        const [rows] = (await once(child, 'message')) as [number];
        return rows;
      });
      return (await Promise.all(parts)).reduce((sum, rows) => sum + rows);
    },
  };
}
