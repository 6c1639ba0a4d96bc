// The facade of a system: its servers, files, users and processes; the five states of an instance; a driver that crashes and affects
// nobody. `sleeping` is seen in shared memory: over streams it is `running`.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { boot, type ProcessEntry } from 'skerry';
import office from './system.ts';

const device = mkdtempSync(join(tmpdir(), 'printer-'));
const lamp = (shows: 'on' | 'off' | 'broken'): void => writeFileSync(join(device, 'lamp'), shows);
writeFileSync(join(device, 'paper'), '');

const states: string[] = [];
const see = ({ name, state }: ProcessEntry): void => {
  if (name === 'printer' && state !== states.at(-1)) states.push(state);
};

// new: the printer is off, so its driver does not come up, and boot() waits until it is switched on.
lamp('off');
const sys = await boot(office, {
  env: { ...process.env, PRINTER: device },
  onChange: (entry) => {
    see(entry);
    if (states.at(-1) === 'new') lamp('on');
  },
});
console.log(`printer: ${states[0]}`);
const { printer, clerk } = sys.servers;

// Who watches is told of each change.
const watched = (async () => {
  for await (const entry of sys.processes.watch()) {
    see(entry);
    if (states.includes('zombie') && states.at(-1) === 'running') return;
  }
})();
const until = async (name: string, wanted: ProcessEntry['state']): Promise<void> => {
  const isSo = (one: ProcessEntry): boolean => one.name === name && one.state === wanted;
  while (!(await sys.processes.usage()).some(isSo)) await pause(5);
  console.log(`${name}: ${wanted}`);
};

// Files belong to users, and as(user) acts for one of them.
await sys.createFile('foo', '/plan.txt', '-rw-r-----', 'print 3 pages');
console.log(`foo reads: ${await sys.as('foo').files.readText('/plan.txt')}`);
const bar = sys.as('bar');
await bar.files.readText('/plan.txt').catch((error: Error) => console.log(`bar: ${error.message}`));
await sys.files.mkdir('/desk', { owner: 'server:clerk', permissions: 'drwx------' });

// sleeping: nobody wants anything. running: a page is in the printer, which has been switched off.
await until('printer', 'sleeping');
lamp('off');
const first = printer.print('page 1');
await until('printer', 'running');
lamp('on');
console.log(`pages printed: ${await first}`);

// restart: a page jams, the driver crashes. That call is rejected, the one behind it waits for the successor, and the clerk works on.
let notes = 0;
let isPrinted = false;
const clerkWorks = (async () => {
  for (; !isPrinted || notes < 100; notes++) {
    const text = `note ${notes}`;
    if ((await clerk.note(text)) !== text) throw new Error(`${text} is lost`);
  }
})();
const jam = printer.print('jam').catch(({ code, data }) => console.log(`the jam: ${code}, ${data.reason}`));
const behind = printer.print('page 2');
await jam;
console.log(`pages printed: ${await behind}`);
isPrinted = true;
await clerkWorks;
console.log(`meanwhile: ${notes} notes`);
const restarts = (await sys.processes.list()).filter(({ pid }) => pid !== 0).map(({ name, restarts }) => `${name} ${restarts}`);
console.log(`restarts: ${restarts.join(', ')}`);

// zombie: the printer is broken, the driver fails at each start. An operator mends it and starts the driver again.
lamp('broken');
await sys.processes.kill('printer');
await until('printer', 'zombie');
await printer.print('page 3').catch(({ code }) => console.log(`a call: ${code}`));
lamp('on');
await sys.processes.boot('printer');
console.log(`pages printed: ${await printer.print('page 3')}`);
await watched;
console.log(`the printer was ${states.join(', ')}`);
await sys.stop();
rmSync(device, { recursive: true });
