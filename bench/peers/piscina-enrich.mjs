/** The atlas's enrichment as a task of piscina; `workerData` says where its compiled modules are. */
import { workerData } from 'node:worker_threads';

const [{ loadCities }, { NearestIndex }, { Enricher }] = await Promise.all(workerData.map((url) => import(url)));
const cities = await loadCities();
const enricher = new Enricher(cities, new NearestIndex(cities.lat, cities.lng));

export default (chunk) => enricher.chunk(chunk);
