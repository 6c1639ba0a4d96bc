// What `npm run enrich` boots without rules.

import { system } from 'skerry';
import { enrich } from './enrich-servers.ts';

/** NODE_OPTIONS: the command says how large a nursery may be. No spare: an instance that dies has cities to load, beside which it saves nothing. */
export default system(import.meta.url, { enrich: { ...enrich, env: ['NODE_OPTIONS'] } }, { spares: 0 });
