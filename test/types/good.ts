// What has to compile, with the types that results have.

import { boot, call, notify, type OperatingSystem, type Remote, system } from '../../src/index.ts';
import fileServer from '../../src/servers/files/index.ts';
import http from '../../src/servers/http/index.ts';
import { type City, files, geo, lenient, module, ping, pong } from './servers.ts';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const atlas = system(import.meta.url, {
  geo: { load: module(geo), replicas: 2, env: ['HOME'], restart: { stableMs: 100 }, limits: { memoryMb: 128 } },
  files: { load: module(files), options: { folder: '/tmp' } },
  lenient: { load: module(lenient), priority: 'background' },
  ping: { load: module(ping), initTimeoutMs: 1000 },
  pong: { load: module(pong), drainMs: 10, secrets: ['TOKEN'] },
  web: {
    load: module(http),
    uses: ['geo'],
    options: { port: 80, routes: [{ route: 'GET /nearest', server: 'geo', method: 'nearest', args: ['lat', 'lng', 'k'] }] },
  },
});

const sys = await boot(atlas, { transport: 'stream', budgetMb: 100, env: { HOME: '/' } });

const cities = await sys.servers.geo.nearest(1, 2);
same<typeof cities, City[]>(true);
await sys.servers.geo.nearest(1, 2, 3);
const count = await sys.servers.geo.count();
same<typeof count, number>(true);
const checked = await sys.servers.geo.checked('a');
same<typeof checked, string>(true);
await sys.servers.geo.checked('a', 2);
const parsed = await sys.servers.geo.parsed('12');
same<typeof parsed, number>(true);
const forgotten = await sys.servers.geo.forget();
same<typeof forgotten, void>(true);
for await (const city of sys.servers.geo.within({ north: 1, south: 0 })) same<typeof city, City>(true);
same<ReturnType<typeof sys.servers.geo.within>, AsyncIterableIterator<City>>(true);
same<Parameters<typeof sys.servers.geo.nearest>, [lat: number, lng: number, k?: number | undefined]>(true);
same<Parameters<typeof sys.servers.geo.parsed>, [string]>(true);
same<keyof typeof sys.servers, 'geo' | 'files' | 'lenient' | 'ping' | 'pong' | 'web'>(true);

const { signal } = new AbortController();
same<Awaited<ReturnType<Remote<typeof geo>['nearest']>>, City[]>(true);
same<City[], Awaited<ReturnType<typeof sys.servers.geo.nearest>>>(true);
await call(sys.servers.geo, {
  timeoutMs: 50,
  signal,
  key: 'a',
  trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
}).nearest(1, 2);
const published = await notify(sys.servers.geo).forget();
same<typeof published, void>(true);
await sys.servers.ping.ping(3);
await sys.servers.files.read('a');

const entries = await sys.processes.list();
same<(typeof entries)[number]['state'], 'new' | 'running' | 'sleeping' | 'restart' | 'zombie'>(true);
await sys.processes.kill('geo', { restart: false });
await sys.processes.boot('geo');
await sys.stop();

const filed = system(import.meta.url, {
  files: {
    load: module(fileServer),
    options: { mounts: { '/': { host: './data', readOnly: true }, '/tmp': { memoryMb: 1, permissions: 0o777 } } },
  },
});
const withFiles = await boot(filed);
same<Awaited<ReturnType<typeof withFiles.files.read>>, Uint8Array>(true);
same<Awaited<ReturnType<typeof withFiles.createFile>>['type'], 'file' | 'directory' | 'link' | 'other'>(true);
for await (const change of withFiles.as('foo').files.watch('/')) same<typeof change.what, 'change' | 'rename'>(true);
await withFiles.as('foo').servers.files.write('/a', 'text', { isNew: true, permissions: '-rw-------' });

for await (const one of withFiles.map(withFiles.files.readText, ['/a', '/b'], { ordered: false, concurrency: 4 }))
  same<typeof one, string>(true);
for await (const { index, value, error } of withFiles.map(withFiles.files.readText, new Set(['/a']), { report: true })) {
  same<typeof index, number>(true);
  same<typeof value, string | undefined>(true);
  if (error !== undefined) throw error;
}

const allowed = system(
  import.meta.url,
  { geo: { load: module(geo) } },
  {
    programs: {
      sort: { path: '/usr/bin/sort', users: ['foo'], limits: { timeMs: 5_000 } },
      id: { path: '/usr/bin/id', accepts: false },
    },
  },
);
const withPrograms = await boot(allowed);
same<Parameters<typeof withPrograms.createProcess>[1], 'sort' | 'id'>(true);
const sorting = await withPrograms.createProcess('foo', 'sort', ['-n'], { stdin: '2\n1\n', limits: { timeMs: 50 }, signal });
for await (const chunk of sorting.stdout) same<typeof chunk, Uint8Array>(true);
const { code, reason } = await sorting.exit;
same<typeof code, number | null>(true);
if (reason === 'time limit') await sorting.kill('SIGKILL');
const [status] = await withPrograms.as('foo').programs();
same<NonNullable<typeof status>['state'], 'starting' | 'running' | 'stopping' | 'ended'>(true);
const anySystem: OperatingSystem = withPrograms;
await anySystem.stop();
