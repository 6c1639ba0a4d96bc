// npm run demo: set-up, then the atlas under load with one of its servers killed (examples/atlas/demo.ts).

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
await import(pathToFileURL(join(root, 'dist/examples/atlas/demo.js')).href);
