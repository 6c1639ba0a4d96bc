// What must not compile: each line under a marker is a mistake that the compiler has to find, at that place.

import { boot, call, method, notify, server, system, uses } from '../../src/index.ts';
import fileServer from '../../src/servers/files/index.ts';
import http from '../../src/servers/http/index.ts';
import { files, geo, lenient, module, type Pong, ping } from './servers.ts';

const atlas = system(import.meta.url, {
  geo: { load: module(geo) },
  files: { load: module(files), options: { folder: '/tmp' } },
});
const sys = await boot(atlas);

// --- calls

// @ts-expect-error: no such server
sys.servers.gea;
// @ts-expect-error: no such method
sys.servers.geo.nearst(1, 2);
// @ts-expect-error: an argument of a wrong type
sys.servers.geo.nearest('1', 2);
// @ts-expect-error: too few arguments
sys.servers.geo.nearest(1);
// @ts-expect-error: too many arguments
sys.servers.geo.nearest(1, 2, 3, 4);
// @ts-expect-error: what the schema takes in, not what it gives out
sys.servers.geo.parsed(12);
// @ts-expect-error: an argument that the schema refuses
sys.servers.geo.checked('a', 'b');
// @ts-expect-error: a promise has to be awaited
(sys.servers.geo.count() satisfies number).toFixed();
// @ts-expect-error: a stream is no promise
sys.servers.geo.within({ north: 1, south: 0 }).then();
// @ts-expect-error: a result of another type
(await sys.servers.geo.nearest(1, 2)) satisfies string[];
// @ts-expect-error: reserved
sys.servers.geo.then();
// @ts-expect-error: no such option of a call
call(sys.servers.geo, { timeout: 50 }).count();
// @ts-expect-error: an option of a wrong type
call(sys.servers.geo, { timeoutMs: '50' }).count();
// @ts-expect-error: no such method, also with options
call(sys.servers.geo, { timeoutMs: 50 }).cuont();
// @ts-expect-error: no deadline: nobody waits for a notification
notify(sys.servers.geo, { timeoutMs: 50 }).forget();
// @ts-expect-error: no such option of a kill
sys.processes.kill('geo', { resart: false });
// @ts-expect-error: no such option of boot()
boot(atlas, { transprot: 'stream' });
// @ts-expect-error: no such transport
boot(atlas, { transport: 'carrier pigeon' });

// --- systems

system(import.meta.url, {
  // @ts-expect-error: no such option of an entry
  geo: { load: module(geo), replica: 2 },
});
system(import.meta.url, {
  // @ts-expect-error: an option of a wrong type
  geo: { load: module(geo), replicas: 'two' },
});
system(import.meta.url, {
  // @ts-expect-error: a module without a server
  geo: { load: async () => ({ default: { nearest: () => 1 } }) },
});
system(import.meta.url, {
  // @ts-expect-error: no default export
  geo: { load: async () => ({ geo }) },
});
system(import.meta.url, {
  geo: { load: module(geo) },
  // @ts-expect-error: required options are missing
  files: { load: module(files) },
});
system(import.meta.url, {
  geo: { load: module(geo) },
  // @ts-expect-error: an option of the server has a wrong type
  files: { load: module(files), options: { folder: 1 } },
});
system(import.meta.url, {
  geo: { load: module(geo) },
  // @ts-expect-error: a required option of the server is missing
  files: { load: module(files), options: { limit: 1 } },
});
system(import.meta.url, {
  geo: { load: module(geo) },
  // @ts-expect-error: an option that the server does not have
  files: { load: module(files), options: { folder: '/tmp', limitt: 1 } },
});
system(import.meta.url, {
  // @ts-expect-error: options that may be left out are checked if they are there
  lenient: { load: module(lenient), options: { folder: 1 } },
});
system(import.meta.url, {
  // @ts-expect-error: options for a server that takes none
  geo: { load: module(geo), options: { folder: '/tmp' } },
});
system(import.meta.url, {
  // @ts-expect-error: it uses "geo", which this system does not have
  files: { load: module(files), options: { folder: '/tmp' } },
});
const otherGeo = server(() => ({ nearest: async (place: string): Promise<string> => place }));
system(import.meta.url, {
  geo: { load: module(otherGeo) },
  // @ts-expect-error: the "geo" of this system has another interface
  files: { load: module(files), options: { folder: '/tmp' } },
});
system(import.meta.url, {
  // @ts-expect-error: it uses "pong", which this system does not have
  ping: { load: module(ping) },
});
system(import.meta.url, {
  geo: { load: module(geo) },
  // @ts-expect-error: the system has no "gea"
  web: { load: module(http), uses: ['gea'], options: { port: 80, routes: [] } },
});
system(import.meta.url, {
  // @ts-expect-error: the driver's options are checked as well
  web: { load: module(http), options: { port: '80', routes: [] } },
});
// @ts-expect-error: no URL
system({ geo: { load: module(geo) } });

// --- servers

server({ uses: { pong: uses<Pong>() } }, (ctx) => {
  // @ts-expect-error: undeclared use
  ctx.uses.other;
  // @ts-expect-error: no such method of a server that is used
  ctx.uses.pong.pang(1);
  // @ts-expect-error: an argument of a wrong type
  ctx.uses.pong.pong('1');
  // @ts-expect-error: it has declared no options
  ctx.options.folder;
  return {};
});
server((ctx) => {
  // @ts-expect-error: it uses nothing
  ctx.uses.geo;
  // @ts-expect-error: no such field of the context
  ctx.nmae;
  return {};
});
// @ts-expect-error: no such method to narrow the use to
uses<Pong>(['pang']);
// @ts-expect-error: no such field of a manifest
server({ use: {} }, () => ({}));
// @ts-expect-error: concurrency is a number
server({ concurrency: 'one' }, () => ({}));
// @ts-expect-error: items that were taken cannot be taken back: no stream is idempotent
method({ idempotent: true }, async function* () {
  yield 1;
});
// @ts-expect-error: no such property of a method
method({ timeout: 5 }, async () => 1);
// @ts-expect-error: a handler is a function
method({ timeoutMs: 5 }, 'handler');

// --- files and users

const filed = system(import.meta.url, { files: { load: module(fileServer), options: { mounts: { '/': { memoryMb: 1 } } } } });
const withFiles = await boot(filed);
// @ts-expect-error: a mount is of one kind
system(import.meta.url, { files: { load: module(fileServer), options: { mounts: { '/': {} } } } });
// @ts-expect-error: its server `files` is another one
sys.files.read('/a');
// @ts-expect-error: no such method of the file server
withFiles.files.open('/a');
// @ts-expect-error: a range is in numbers
withFiles.as('foo').files.read('/a', { start: '1' });
// @ts-expect-error: a user is not an operator
withFiles.as('foo').processes;
// @ts-expect-error: permissions are a text or a number
withFiles.createFile('foo', '/a', { read: true });

// --- pools

// @ts-expect-error: items are what the method takes
sys.map(sys.servers.geo.parsed, [1, 2]);
// @ts-expect-error: no such option of map()
sys.map(sys.servers.geo.parsed, ['1'], { orderd: false });
// @ts-expect-error: results are what the method returns
(sys.map(sys.servers.geo.parsed, ['1']) satisfies AsyncIterableIterator<string>).next();
// @ts-expect-error: reported outcomes are no bare results
(sys.map(sys.servers.geo.parsed, ['1'], { report: true }) satisfies AsyncIterableIterator<number>).next();

// --- programs

const allowed = system(
  import.meta.url,
  { geo: { load: module(geo) } },
  { programs: { sort: { path: '/usr/bin/sort', users: ['foo'] } } },
);
const withPrograms = await boot(allowed);
// @ts-expect-error: no such program
withPrograms.createProcess('foo', 'sotr');
// @ts-expect-error: never a path
withPrograms.as('foo').createProcess('/usr/bin/sort');
// @ts-expect-error: a system that allows no program
sys.createProcess('foo', 'sort');
// @ts-expect-error: arguments are strings
withPrograms.createProcess('foo', 'sort', [1]);
// @ts-expect-error: no such option of a run
withPrograms.createProcess('foo', 'sort', [], { sdtin: '' });
// @ts-expect-error: no such limit
withPrograms.createProcess('foo', 'sort', [], { limits: { time: 5 } });
// @ts-expect-error: no such option of a program
system(import.meta.url, {}, { programs: { sort: { path: '/usr/bin/sort', user: ['foo'] } } });
// @ts-expect-error: a program has a path
system(import.meta.url, {}, { programs: { sort: { users: ['foo'] } } });
// @ts-expect-error: no such option of a system
system(import.meta.url, {}, { program: {} });

// --- supervision

// @ts-expect-error: no such server
system(import.meta.url, { geo: { load: module(geo) } }, { supervision: [{ strategy: 'oneForAll', of: ['gea'] }] });
const geoAlone = { geo: { load: module(geo) } };
// @ts-expect-error: no such server in an inner group
system(import.meta.url, geoAlone, { supervision: [{ strategy: 'oneForAll', of: [{ strategy: 'oneForOne', of: ['gea'] }] }] });
// @ts-expect-error: no such strategy
system(import.meta.url, geoAlone, { supervision: [{ strategy: 'allForOne', of: ['geo'] }] });
// @ts-expect-error: no such decision
system(import.meta.url, geoAlone, { onDeath: () => 'stop' });
// @ts-expect-error: no such kind of restart
system(import.meta.url, { geo: { load: module(geo), restart: { type: 'always' } } });
