// Starts the atlas and keeps it up until it is told to stop: by Ctrl-C or SIGTERM, a second time at once.

import { boot } from 'skerry';
import { StartTable } from './start-table.ts';
import atlas, { address } from './system.ts';

const table = new StartTable(process.stdout);
const booting = boot(atlas, { onChange: (entry) => table.update(entry) });
let isStopping = false;
process.on('SIGINT', () => void stop('SIGINT', 130));
process.on('SIGTERM', () => void stop('SIGTERM', 143));

try {
  const sys = await booting;
  if (!isStopping) {
    table.done(await sys.processes.list());
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    const url = `http://${host}:${address.port}`;
    const questions = ['nearest?lat=52.52&lng=13.405&k=3', 'search?q=berl', 'country/DE?top=3'];
    console.log(`\n${questions.map((question) => `  curl '${url}/${question}'\n`).join('')}\n  a map for people: ${url}/\n`);
    console.log('Ctrl-C stops it.');
  }
  await sys.ended();
} catch (error) {
  // Such as: port 4180 on 127.0.0.1 is in use.
  console.error(`The atlas has failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** @param code exit code if it is not waited for: 128 and the signal's number, as shells have it */
async function stop(signal: NodeJS.Signals, code: number): Promise<void> {
  if (isStopping) process.exit(code);
  isStopping = true;
  console.log(`${signal}: stopping`);
  const sys = await booting.catch(() => undefined); // that it did not start is said above
  await sys?.stop();
}
