// The atlas: two instances that know where the cities are, one that knows their names, a pool for bulk work, and one that speaks HTTP and
// serves the page.

import { system } from 'skerry';
import { enrich } from './enrich-servers.ts';
import { pages } from './pages.ts';

/** Where the atlas listens. */
export const address = { port: Number(process.env.PORT || 4180), host: process.env.HOST || '127.0.0.1' };

export default system(import.meta.url, {
  geo: {
    load: () => import('./geo.server.ts'),
    replicas: 2,
  },
  places: {
    load: () => import('./places.server.ts'),
  },
  enrich,
  web: {
    load: () => import('skerry/servers/http'),
    uses: ['geo', 'places', 'enrich'],
    env: ['PORT', 'HOST'],
    options: {
      ...address,
      routes: [
        { route: 'GET /nearest', server: 'geo', method: 'nearest', args: ['lat', 'lng', 'k'] },
        { route: 'GET /search', server: 'places', method: 'search', args: ['q', 'limit'] },
        { route: 'GET /country/:code', server: 'places', method: 'country', args: ['code', 'top'] },
        { route: 'GET /countries', server: 'places', method: 'countries', args: [], cacheControl: 'max-age=3600' },
        { route: 'POST /enrich', server: 'enrich', method: 'chunk', rows: true },
      ],
      pages,
    },
  },
});
