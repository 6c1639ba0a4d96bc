// A ball between two processes. The deadline of the first call holds for all that it leads to.

import { boot, call } from 'skerry';
import players from './system.ts';

const sys = await boot(players);
console.log((await sys.servers.one.ping(5)).join(' '));

const hits = await call(sys.servers.two, { timeoutMs: 2000 }).pong(99);
console.log(`${hits.length} hits, the last by ${hits.at(-1)}`);
await sys.stop();
