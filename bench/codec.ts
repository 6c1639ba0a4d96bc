// Benchmark of the codec: what it costs to turn a value into bytes and back, beside other codecs in the same run.
//
//     value ──encode──> bytes (ours: a direct target, as a ring is) ──decode──> value
//
// One core is enough. Subjects take turns in short rounds, so that a busy neighbour hits them alike; the figure is the best round
// of each, and all rounds go to the log. Every subject's answer is checked before it is timed. Peers that the runner does not
// pass in are not measured; v8 and JSON are always there. The object is small and always the same (what a call of a method looks
// like); the corpus is a mix of shapes that no inline cache can hold.

import { isDeepStrictEqual } from 'node:util';
import v8 from 'node:v8';
import { Decoder, Encoder } from '../src/channel/codec/codec.ts';

/** A codec to compare with. */
export interface CodecPeer {
  name: string;
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** A codec that writes in place may be timed without making a view of what it wrote. */
interface Subject extends CodecPeer {
  write?(value: unknown): number;
}

export interface CodecBenchOptions {
  /** A few rounds only, to see that it works. */
  smoke: boolean;
  /** Codecs beside ours, v8 and JSON. */
  peers: CodecPeer[];
  log(line: string): void;
}

export interface BenchRow {
  subject: string;
  metric: string;
  value: number;
  unit: string;
}

const OBJECT = { id: 1, name: 'alice', tags: ['a', 'b'], score: 1.5 };
const SEED = 20_240_601;

/**
 * Measures ours, v8, JSON and the peers.
 *
 * @returns one row for each subject and metric: `encode_ns`, `decode_ns` and `both_ns` for the object (`@object`), and
 * `both_ns@corpus` for a value of the corpus on average; a codec that cannot keep a kind of value of the corpus is measured on the
 * values that it keeps, beside ours on the same (`both_ns@corpus-of-<peer>`)
 */
export function benchCodec({ smoke, peers, log }: CodecBenchOptions): BenchRow[] {
  const subjects: Subject[] = [ours(), v8Peer, jsonPeer, ...peers];
  const rounds = smoke ? 2 : 15;
  const rows: BenchRow[] = [];
  const values = corpus(SEED);

  const object = subjects.filter((subject) => check(subject, OBJECT, log));
  const times = new Map<string, number[]>();
  const sizes = new Map<string, Uint8Array>(object.map((subject) => [subject.name, Uint8Array.from(subject.encode(OBJECT))]));
  const repeat = smoke ? 200 : 20_000;
  for (let round = 0; round < rounds; round++) {
    for (const subject of object) {
      const bytes = sizes.get(subject.name) as Uint8Array;
      note(
        times,
        `${subject.name} encode_ns@object`,
        subject.write ? nsEach(repeat, () => subject.write?.(OBJECT)) : nsEach(repeat, () => subject.encode(OBJECT)),
      );
      note(
        times,
        `${subject.name} decode_ns@object`,
        nsEach(repeat, () => subject.decode(bytes)),
      );
    }
  }
  for (const { name } of object) {
    const encode = best(times, `${name} encode_ns@object`, log);
    const decode = best(times, `${name} decode_ns@object`, log);
    rows.push({ subject: name, metric: 'encode_ns@object', value: encode, unit: 'ns' });
    rows.push({ subject: name, metric: 'decode_ns@object', value: decode, unit: 'ns' });
    rows.push({ subject: name, metric: 'both_ns@object', value: encode + decode, unit: 'ns' });
  }

  for (const peer of subjects) {
    const kept = values.filter((value) => keeps(peer, value));
    const all = kept.length === values.length;
    const metric = all ? 'both_ns@corpus' : `both_ns@corpus-of-${peer.name}`;
    if (!all) log(`${peer.name} keeps ${kept.length} of ${values.length} values of the corpus`);
    if (kept.length === 0) continue;
    const pair = peer.name === 'skerry' ? [peer] : [subjects[0], peer];
    const corpusTimes = new Map<string, number[]>();
    for (let round = 0; round < rounds; round++) {
      for (const subject of pair)
        note(corpusTimes, `${subject.name} ${metric}`, nsEach(1, () => pass(subject, kept)) / kept.length);
    }
    for (const { name } of pair) {
      const value = best(corpusTimes, `${name} ${metric}`, log);
      if (name === peer.name || !all) rows.push({ subject: name, metric, value, unit: 'ns' });
    }
  }
  return rows;
}

/** Values of many shapes, the same for the same seed: what calls between servers carry. */
export function corpus(seed: number): unknown[] {
  const random = mulberry32(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)];
  const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
  const word = (): string => times(1 + below(4), () => pick(SYLLABLES)).join('');
  const text = (alphabet: string, length: number): string => times(length, () => alphabet[below(alphabet.length)]).join('');
  const shapes = times(40, () => [...new Set(times(5 + below(16), (i) => word() + (i % 3 === 0 ? i : '')))]);
  const scalar = (): unknown =>
    pick([
      () => below(100),
      () => below(1e6),
      () => random() * 1e3,
      word,
      () => random() < 0.5,
      () => null,
      () => `${word()} ${word()}`,
    ])();
  const record = (keys: readonly string[], depth: number): Record<string, unknown> =>
    Object.fromEntries(keys.map((key) => [key, depth > 0 && random() < 0.15 ? record(pick(shapes), depth - 1) : scalar()]));
  const makers: (() => unknown)[] = [
    () => record(pick(shapes), 2),
    () => record(pick(shapes), 0),
    () => times(10 + below(100), () => below(1000)),
    () => times(10 + below(100), () => random() * 1e6),
    () => {
      const keys = pick(shapes).slice(0, 6);
      return times(5 + below(20), () => record(keys, 0));
    },
    () => ({ id: below(1e6), title: word(), body: text('abcdefghij klmnopqrstuvwxyz. ', 100 + below(4900)) }),
    () => ({
      id: below(1e6),
      title: text('日本語テキスト', 20),
      body: text('日本語のテキスト、長い文章。абв', 100 + below(1000)),
    }),
    () => new Map(times(3 + below(10), (i) => [word() + i, scalar()])),
    () => ({ created: new Date(1.6e12 + below(1e9)), updated: new Date(1.7e12), by: word(), ok: true }),
    () => ({ name: word(), bytes: Uint8Array.from(times(20 + below(500), () => below(256))) }),
    () => [below(1e9), word(), scalar(), { reply: scalar() }],
  ];
  return times(400, () => pick(makers)());
}

const SYLLABLES = [
  'al',
  'ber',
  'co',
  'den',
  'ex',
  'fil',
  'gra',
  'hon',
  'ist',
  'jo',
  'kel',
  'lum',
  'name',
  'on',
  'pri',
  'qua',
  'ro',
  'type',
];

const v8Peer: CodecPeer = {
  name: 'v8.serialize',
  encode: (value) => v8.serialize(value),
  decode: (bytes) => v8.deserialize(bytes),
};

const jsonPeer: CodecPeer = {
  name: 'JSON',
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()),
};

/** Ours as the transport uses it: into shared memory, and out of private memory. */
function ours(): Subject {
  const encoder = new Encoder();
  const decoder = new Decoder();
  const target = new Uint8Array(1 << 20);
  return {
    name: 'skerry',
    encode(value) {
      return target.subarray(0, this.write?.(value));
    },
    write(value) {
      encoder.begin(target, 0, target.length);
      encoder.value(value, 'value');
      return encoder.finish();
    },
    decode(bytes) {
      decoder.begin(bytes, 0, bytes.length);
      const value = decoder.value();
      decoder.end();
      return value;
    },
  };
}

/** Encodes and decodes each value; the answers' number keeps the compiler from dropping the work. */
function pass(subject: CodecPeer, values: readonly unknown[]): number {
  let answers = 0;
  for (const value of values) {
    if (subject.decode(subject.encode(value)) !== undefined) answers++;
  }
  return answers;
}

function keeps(subject: CodecPeer, value: unknown): boolean {
  try {
    return isDeepStrictEqual(plainBytes(subject.decode(subject.encode(value))), value);
  } catch {
    return false;
  }
}

/** Codecs may answer bytes as a Buffer: that counts as kept. */
function plainBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('bytes' in value) || !Buffer.isBuffer(value.bytes)) return value;
  return { ...value, bytes: Uint8Array.from(value.bytes) };
}

function check(subject: CodecPeer, value: unknown, log: (line: string) => void): boolean {
  if (keeps(subject, value)) return true;
  log(`${subject.name} does not keep the object: not measured`);
  return false;
}

function nsEach(repeat: number, run: () => unknown): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < repeat; i++) run();
  return Number(process.hrtime.bigint() - start) / repeat;
}

function note(times: Map<string, number[]>, key: string, ns: number): void {
  const list = times.get(key);
  if (list === undefined) times.set(key, [ns]);
  else list.push(ns);
}

function best(times: Map<string, number[]>, key: string, log: (line: string) => void): number {
  const list = times.get(key) as number[];
  log(`${key}: ${list.map((ns) => ns.toFixed(0)).join(' ')}`);
  return Math.min(...list);
}

/** A small generator of random numbers with a seed (Tommy Ettinger's mulberry32, public domain). */
function mulberry32(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
