// What `npm run enrich -- --rules module.ts` boots.

import { system } from 'skerry';
import { enrich, jobs, judge, rules } from './enrich-servers.ts';

export default system(import.meta.url, { enrich, rules, judge, jobs });
