/** A process that enriches every n-th chunk of a file for itself: nobody hands it anything, nobody takes anything. Started by enrich.ts. */
import { createReadStream } from 'node:fs';
import { cutRows } from 'skerry/servers/http';
import { loadCities } from '../../examples/atlas/cities.ts';
import { Enricher } from '../../examples/atlas/enrich/enricher.ts';
import { CHUNK_BYTES } from '../../examples/atlas/enrich/job.ts';
import { NearestIndex } from '../../examples/atlas/nearest.ts';

const cities = await loadCities();
const enricher = new Enricher(cities, new NearestIndex(cities.lat, cities.lng));

process.on('message', async ({ file, part, of }: { file: string; part: number; of: number }) => {
  let rows = 0;
  let at = 0;
  for await (const chunk of cutRows(createReadStream(file, { highWaterMark: 256 * 1024 }), 'csv', { chunkBytes: CHUNK_BYTES })) {
    if (at++ % of === part) rows += enricher.chunk(chunk).rows;
  }
  process.send?.(rows);
});
process.send?.('ready');
