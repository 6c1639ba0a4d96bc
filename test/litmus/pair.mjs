// A side of a litmus test: a process of its own with one region that it writes and the peer's, mapped read-only, as between two servers.
// Started by scripts/litmus.mjs with `node pair.mjs <trial> <side> <milliseconds> <rounds a batch>` and one end of a socket pair as descriptor 3.
// Side 0 prints the result as one line of JSON.

import { loadNative } from '../../dist/src/memory/load-native.js';
import { messagePassing } from './message-passing.mjs';
import { storeLoad } from './store-load.mjs';

const REGION_BYTES = 65_536;
const TRIALS = {
  'store-load-atomic': (words) => storeLoad(words, 'atomic'),
  'store-load-fence': (words) => storeLoad(words, 'fence'),
  'store-load-plain': (words) => storeLoad(words, 'plain'),
  'message-passing': (words) => messagePassing(words, 'tail first'),
  'message-passing-early': (words) => messagePassing(words, 'payload first'),
};

const [trial, side, milliseconds, batch] = process.argv.slice(2);
const { addon, reason } = loadNative();
if (addon === undefined) throw new Error(`no native addon: ${reason}`);
if (!addon.guardParent(process.ppid)) process.exit(1);

const { own, other } = await exchangeRegions();
const result = TRIALS[trial]({ own, other, side: Number(side), endMs: Date.now() + Number(milliseconds), batch: Number(batch) });
if (side === '0') console.log(JSON.stringify(result));
process.exit(0);

async function exchangeRegions() {
  const socket = addon.adopt(3);
  const { buffer, descriptor } = addon.createRegion(REGION_BYTES, `litmus ${side}`);
  addon.send(socket, new Uint8Array(1), [descriptor]);
  for (;;) {
    const message = addon.receive(socket);
    if (message === null) throw new Error('the other side has ended');
    if (message !== undefined)
      return { own: buffer, other: addon.mapRegion(message.descriptors[0], `litmus of the peer of ${side}`) };
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
