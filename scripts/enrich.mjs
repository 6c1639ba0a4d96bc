// npm run enrich -- [file] [--rules module.ts] …: set-up, then the example atlas's bulk enrichment (examples/atlas/enrich.ts).

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './setup.mjs';

try {
  await setUp();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
process.setSourceMapsEnabled(true);
await import(pathToFileURL(join(root, 'dist/examples/atlas/enrich.js')).href);
