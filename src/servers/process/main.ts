// The main file of the process server.

import { runInstance } from '../../server/run-instance.ts';
import { ProcessServer } from './process-server.ts';

await runInstance((link, config, addon) => new ProcessServer(link, config, addon));
