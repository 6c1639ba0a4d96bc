// The process of one campaign: it boots the system, and is its caller. Told what to do by its arguments, tells by messages.
//
//   argv[2]: WorkerOrder as JSON. Ends with its parent, and the system with it.

import { Campaign } from './campaign.ts';
import { kindsNamed } from './kinds/index.ts';
import type { Telling } from './record.ts';
import { measureThroughput, type ThroughputOrder } from './throughput.ts';

export interface CampaignOrder {
  readonly what: 'campaign';
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Steps between that are done already. */
  readonly done: readonly number[];
  readonly shards: number;
  readonly shard: number;
  readonly kinds?: readonly string[] | undefined;
  readonly folder: string;
}

export type WorkerOrder = CampaignOrder | ThroughputOrder;

const order = JSON.parse(process.argv[2] as string) as WorkerOrder;
const tell = (telling: Telling | { readonly t: 'throughput' }): void => void process.send?.(telling);
process.on('disconnect', () => process.exit(1));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {}); // its parent says what to do

try {
  if (order.what === 'campaign') {
    const campaign = new Campaign({ ...order, kinds: kindsNamed(order.kinds), tell });
    process.on('message', () => campaign.stop());
    await campaign.run();
  } else {
    process.on('message', () => process.exit(1));
    await measureThroughput(order, tell);
  }
} catch (error) {
  tell({ t: 'broken', error: error instanceof Error ? String(error.stack) : String(error) });
}
process.send?.({ t: 'over' }, () => process.exit(0));
