// Set-up, then a compiled module of the examples in this process: what `npm start`, `npm run demo` and `npm run enrich` do.
//
//   node scripts/run-example.mjs <module below examples/, without its ending> [arguments of that module]

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './setup.mjs';

const [module] = process.argv.splice(2, 1);
try {
  await setUp();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
process.setSourceMapsEnabled(true);
await import(pathToFileURL(join(root, `dist/examples/${module}.js`)).href);
