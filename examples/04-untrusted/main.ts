// A plugin host. Each plugin is called with a deadline, and what becomes of it is its own affair: a loop is ended by the heartbeat, a
// hoard by the memory limit, a crash by itself. All are started again.
//
// This is isolation against accidents. It is no sandbox: a plugin that means harm can read your files, open connections, and kill what
// your user may kill. The heartbeat is seen in shared memory: over streams a loop ends by nobody's order.

import { boot, call, isSkerryError } from 'skerry';
import host from './system.ts';

const DEADLINE_MS = { good: 10_000, throws: 10_000, waits: 500, loops: 10_000, hoards: 10_000, aborts: 10_000 };
type Name = keyof typeof DEADLINE_MS;
const names = Object.keys(DEADLINE_MS) as Name[];

const sys = await boot(host);
const entryOf = async (name: string) => (await sys.processes.list()).find((entry) => entry.name === name);

let isOver = false;
const bystander = (async () => {
  let answered = 0;
  let asked = 0;
  for (; !isOver || asked < 1000; asked++) if ((await sys.servers.bystander.echo(asked)) === asked) answered++;
  return `${answered} of ${asked} calls were answered`;
})();

async function outcome(name: Name): Promise<string> {
  try {
    return `gave ${await call(sys.servers[name], { timeoutMs: DEADLINE_MS[name] }).run(6)}`;
  } catch (error) {
    return isSkerryError(error) ? error.code : String(error);
  }
}

const outcomes = await Promise.all(names.map(outcome));
const alive = await Promise.all(names.map((name) => sys.servers[name].alive())); // of those that died, the successors
isOver = true;

for (const [index, name] of names.entries()) {
  const entry = await entryOf(name);
  const end = entry?.restarts === 0 ? 'runs on' : `ended (${entry?.lastReason?.split(':')[0]}) and started again`;
  console.log(`${name.padEnd(8)}${outcomes[index].padEnd(32)}${end}`);
}
console.log(`${alive.length} of ${names.length} answer now`);
console.log(`bystander: ${await bystander}, ${(await entryOf('bystander'))?.restarts} restarts`);
await sys.stop();
