// The atlas: two instances that know the cities, and one that speaks HTTP.

import { system } from 'skerry';

/** Where the atlas listens. */
export const address = { port: Number(process.env.PORT || 4180), host: process.env.HOST || '127.0.0.1' };

export default system(import.meta.url, {
  geo: {
    load: () => import('./geo.server.ts'),
    replicas: 2,
  },
  web: {
    load: () => import('skerry/servers/http'),
    uses: ['geo'],
    env: ['PORT', 'HOST'],
    options: {
      ...address,
      routes: [{ route: 'GET /nearest', server: 'geo', method: 'nearest', args: ['lat', 'lng', 'k'] }],
    },
  },
});
