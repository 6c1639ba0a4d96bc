// What a browser gets: the page itself, and from packages the map (Leaflet) and the outlines of countries (Natural Earth).
//
// The page's files are no TypeScript, so they stay beside the sources, wherever this module was compiled to.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const own = join(dirname(require.resolve('skerry/package.json')), 'examples/atlas/page');
const leaflet = dirname(require.resolve('leaflet/package.json'));
const topojson = join(dirname(require.resolve('topojson-client/package.json')), 'src');

export const pages = [
  { path: '/', file: join(own, 'index.html') },
  ...['page.css', 'main.mjs', 'ask.mjs', 'combobox.mjs', 'map.mjs', 'results.mjs', 'state.mjs', 'icon.svg'].map((name) => ({
    path: `/${name}`,
    file: join(own, name),
  })),
  { path: '/leaflet.js', file: join(leaflet, 'dist/leaflet-src.esm.js') },
  { path: '/leaflet.css', file: join(leaflet, 'dist/leaflet.css') },
  // `feature`, and what it imports.
  ...['feature.js', 'reverse.js', 'transform.js', 'identity.js'].map((name) => ({
    path: `/topojson/${name}`,
    file: join(topojson, name),
  })),
  { path: '/countries.json', file: require.resolve('world-atlas/countries-50m.json') },
];
