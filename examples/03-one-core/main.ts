// One isolate runs on one core, whatever the machine has. Servers run on all of them.

import { boot } from 'skerry';
import { countDown } from './count-down.ts';
import counting from './system.ts';

const FROM = 300_000_000;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const sys = await boot(counting);

let start = performance.now();
let steps = countDown(FROM) + countDown(FROM);
console.log(`one after the other, in this process: ${steps} steps in ${seconds(performance.now() - start)}`);

start = performance.now();
steps = 0;
for await (const counted of sys.map(sys.servers.workers.count, [FROM, FROM])) steps += counted;
console.log(`side by side, in two servers: ${steps} steps in ${seconds(performance.now() - start)}`);

const { adders, counter } = sys.servers;
start = performance.now();
await Promise.all([adders.add(100_000), adders.add(100_000)]);
const sum = await counter.value();
console.log(`two processes added 100000 each to one counter: ${sum} in ${seconds(performance.now() - start)}`);
await sys.stop();
