/**
 * node overhead-isolate.js <folder> <folder> <ms>: both ends of a channel in this one isolate, with the modules of each folder (a compiled
 * src/), in turns. Nothing goes between cores and nobody sleeps: what is left is what the code costs. Prints us for a call of each.
 *
 *      64 lanes --Channel, RingClientEnd--> two ArrayBuffers <--RingServerEnd, Dispatcher-- echo
 */
import { median } from './stats.ts';

const LANES = 64;
/** Some 2 ms. */
const CALLS = 1_500;
const WARM_MS_SHARE = 0.4;
const value = { id: 1, name: 'alice', tags: ['a', 'b'], score: 1.5 };
type Call = () => Promise<unknown>;

async function pairOf(folder: string): Promise<Call> {
  const from = async <M>(path: string): Promise<M> => (await import(new URL(`${path}.js`, folder).href)) as M;
  const { Channel } = await from<typeof import('../src/rpc/channel.ts')>('rpc/channel');
  const { Call } = await from<typeof import('../src/rpc/call.ts')>('rpc/call');
  const { Deadlines } = await from<typeof import('../src/rpc/deadlines.ts')>('rpc/deadlines');
  const { Dispatcher } = await from<typeof import('../src/rpc/dispatcher.ts')>('rpc/dispatcher');
  const { Poller } = await from<typeof import('../src/channel/poller.ts')>('channel/poller');
  const { RingClientEnd } = await from<typeof import('../src/channel/ring/client-end.ts')>('channel/ring/client-end');
  const { RingServerEnd, prepareServerRegion } =
    await from<typeof import('../src/channel/ring/server-end.ts')>('channel/ring/server-end');
  const { CLIENT_REGION_BYTES, SERVER_REGION_BYTES } =
    await from<typeof import('../src/channel/ring/layout.ts')>('channel/ring/layout');
  const { STATUS_REGION_BYTES, StatusCounters } = await from<typeof import('../src/memory/status.ts')>('memory/status');
  const { BLACK_BOX_BYTES, BlackBox } = await from<typeof import('../src/memory/black-box.ts')>('memory/black-box');
  const { nowMs } = await from<typeof import('../src/base/clock.ts')>('base/clock');

  const fail = (error: unknown): never => {
    throw error;
  };
  const pollers = { client: new Poller(1, () => {}), server: new Poller(1, () => {}) };
  const bell = (poller: { onBell(): void }) => () => void setImmediate(poller.onBell);
  const host = { makeRegion: () => Promise.reject(new Error('no larger ring')), offer: () => {}, retire: () => {} };
  const [own, replies, status] = [CLIENT_REGION_BYTES, SERVER_REGION_BYTES, STATUS_REGION_BYTES].map(regionOf) as [
    Region,
    Region,
    Region,
  ];
  const life = { hold: () => pollers.client.hold(), drop: () => pollers.client.drop() };
  const channel = new Channel({ name: 'echo.0', deadlines: new Deadlines(), life, onBroken: fail });
  const client = new RingClientEnd(own, host, pollers.client, channel);
  channel.use(client);
  const run = async (given: unknown) => given;
  const dispatcher = new Dispatcher({
    server: 'echo',
    handlers: [{ name: 'echo', stream: false, input: undefined, run }],
    concurrency: 1024,
    status: new StatusCounters(status),
    box: new BlackBox(regionOf(BLACK_BOX_BYTES)),
  });
  const connection = dispatcher.connect({ name: 'bench', principal: 'operator', allowed: undefined, onBroken: fail });
  prepareServerRegion(replies, 0, 0);
  const server = new RingServerEnd({
    client: own,
    own: replies,
    host,
    poller: pollers.server,
    events: connection,
    from: 0,
    startedCalls: 0,
    ring: bell(pollers.client),
    suspects: undefined,
    ringRegion: undefined,
    onClose: () => {},
  });
  connection.use(server);
  client.attach(replies, status, bell(pollers.server));
  server.start();
  connection.join();
  return () => channel.call(new Call('echo.echo', 0, false, nowMs() + 30_000, 30_000, undefined, [value], undefined, undefined));
}

type Region = import('../src/memory/region.ts').OwnRegion;

let lastId = 0;

function regionOf(bytes: number): Region {
  const buffer = new ArrayBuffer(bytes);
  const views = { u8: new Uint8Array(buffer), i32: new Int32Array(buffer), f64: new Float64Array(buffer) };
  lastId += 1;
  return { id: lastId, kind: 0, sizeBytes: bytes, descriptor: lastId as never, buffer, ...views, release: () => {} };
}

/** @returns us for a call. */
async function turn(call: Call): Promise<number> {
  let left = CALLS;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = (await call()) as typeof value;
      if (answer.id !== 1 || answer.name !== 'alice' || answer.tags[1] !== 'b') throw new Error('a wrong answer');
    }
  };
  const since = performance.now();
  await Promise.all(Array.from({ length: LANES }, lane));
  return ((performance.now() - since) * 1000) / CALLS;
}

const [, , first, second, ms] = process.argv as [string, string, string, string, string];
const pairs = [await pairOf(first), await pairOf(second)];
const seen: number[][] = [[], []];
const alternate = async (index: number): Promise<void> => {
  for (const which of index % 2 === 0 ? [0, 1] : [1, 0]) seen[which]?.push(await turn(pairs[which] as Call));
};
const forMs = async (span: number): Promise<void> => {
  for (const until = performance.now() + span; performance.now() < until; ) await alternate(seen[0]?.length ?? 0);
};
await forMs(Number(ms) * WARM_MS_SHARE);
for (const list of seen) list.length = 0;
await forMs(Number(ms));
console.log(seen.map(median).join(' '));
process.exit(0); // the pollers' timers
