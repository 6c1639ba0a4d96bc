// The facade of a system: its servers, files, users and processes; the five states of an instance; a driver that crashes and affects
// nobody. `sleeping` is seen in shared memory: over streams it is `running`.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { boot, type ProcessEntry } from 'skerry';
import office from './system.ts';

const device = mkdtempSync(join(tmpdir(), 'printer-'));
const lamp = (shows: 'on' | 'off' | 'broken'): void => writeFileSync(join(device, 'lamp'), shows);
writeFileSync(join(device, 'paper'), '');

// new: the printer is off, so its driver does not come up, and boot() waits. Others see that by the command `skerry`.
lamp('off');
const name = `office-${process.pid}`;
const booting = boot(office, { name, env: { ...process.env, PRINTER: device } });
const skerry = fileURLToPath(new URL('cli/main.js', import.meta.resolve('skerry')));
const ps = (): string => spawnSync(process.execPath, [skerry, 'ps', '-s', name, '--json'], { encoding: 'utf8' }).stdout;
const isNew = (line: string): boolean => line.includes('"name":"printer"') && line.includes('"state":"new"');
while (!ps().split('\n').some(isNew)) await pause(10);
console.log('the printer is off: its driver is new');
lamp('on');
const sys = await booting;
const { printer, clerk } = sys.servers;

// Who watches is told of each change.
const states: string[] = [];
const watched = (async () => {
  for await (const { name, state } of sys.processes.watch()) {
    if (name === 'printer') states.push(state);
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
