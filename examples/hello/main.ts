import { boot } from 'skerry';
import hello from './system.ts';

const sys = await boot(hello);
console.log(`${await sys.servers.counter.below(1000)} primes below 1000`);
await sys.stop();
