// A pool that enriches chunks of rows: parses, looks up, formats. It has the cities to itself, so that a bulk job takes nothing from the
// geo servers but processor time that they leave.

import { method, server } from 'skerry';
import type { RowChunk } from 'skerry/servers/http';
import { loadCities } from './cities.ts';
import { type ChunkResult, Enricher, type OpenRow } from './enrich/enricher.ts';
import { NearestIndex } from './nearest.ts';

/** Many chunks of several jobs may wait for their turn. */
const TIMEOUT_MS = 60_000;

export default server({ concurrency: 1 }, async () => {
  const cities = await loadCities();
  const enricher = new Enricher(cities, new NearestIndex(cities.lat, cities.lng));
  return {
    /** The chunk with its new columns. Should this instance die, its successor does it again. */
    chunk: method(
      { idempotent: true, timeoutMs: TIMEOUT_MS },
      async (chunk: RowChunk): Promise<ChunkResult> => enricher.chunk(chunk),
    ),
    /** The same, row by row, for those who add to it. */
    rows: method(
      { idempotent: true, timeoutMs: TIMEOUT_MS },
      async (chunk: RowChunk): Promise<OpenRow[]> => enricher.rows(chunk),
    ),
  };
});
