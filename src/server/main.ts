// The main file of a server's instance.

import { loadSystem } from './load.ts';
import { runInstance } from './run-instance.ts';
import { ServerInstance } from './server-instance.ts';

await runInstance((link, config, addon) => new ServerInstance(link, config, addon), loadSystem);
