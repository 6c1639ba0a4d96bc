// The driver of a printer: it alone has the device, here a folder with a lamp (`on`, `off`, `broken`) and the paper. Prints one page
// at a time; a page that jams takes the driver along, as a fault in an addon would.

import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { options, server } from 'skerry';

export default server({ options: options<{ device: string }>(), concurrency: 1 }, async ({ options: { device } }) => {
  const read = (name: string): Promise<string> => readFile(join(device, name), 'utf8');
  const switchedOn = async (): Promise<void> => {
    let lamp = await read('lamp');
    for (; lamp !== 'on'; lamp = await read('lamp')) {
      if (lamp === 'broken') throw new Error('the printer is broken');
      await pause(5);
    }
  };
  await switchedOn();
  return {
    /** @returns how many pages have been printed, by this driver and those before it. */
    async print(page: string): Promise<number> {
      await switchedOn();
      if (page === 'jam') process.abort();
      await appendFile(join(device, 'paper'), `${page}\n`);
      return (await read('paper')).split('\n').length - 1;
    },
  };
});
