// npm start: set-up, then the example atlas (examples/atlas) in this process, until Ctrl-C or SIGTERM.

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
await import(pathToFileURL(join(root, 'dist/examples/atlas/main.js')).href);
