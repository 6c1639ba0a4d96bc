// What `npm run enrich` boots without rules.

import { system } from 'skerry';
import { enrich } from './enrich-servers.ts';

export default system(import.meta.url, { enrich });
