/** The atlas's enrich server, once and twice. Not in the background, where the peers are not either. */
import { system } from 'skerry';

const load = () => import('../../examples/atlas/enrich.server.ts');

export default system(import.meta.url, {
  one: { load, replicas: 1 },
  two: { load, replicas: 2 },
});
