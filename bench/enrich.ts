/**
 * enrich: a CSV through the atlas's bulk enrichment: parse, nearest of 171,075 cities, format.
 *
 *      file --128 KiB of whole rows-> this process --chunk--> +-- worker 1 --+ --chunk--> in order, compared       rows_per_s@1
 *                                                             +-- worker 2 --+                                     rows_per_s@2, scaling_x
 *
 *      file --POST /enrich--> web --> two enrich servers in the background
 *      a thread asks 100 times a second: GET /nearest --> web --> geo                                              p99_ms@nearest
 *
 *      npm run enrich (a process of its own, with its servers): RssAnon of all, each 50 ms                         peak_mb@100k, @1000k
 *
 * Cores needed: 2, and this process needs a part of one: `scaling_x` is what two workers do with the rest. Workers are servers, threads
 * of piscina, none (the plain loop in this process), or `two processes` that share nothing: what this machine can do at most.
 * All answers that come back are compared with the first one's, byte by byte and within the time measured.
 * SKERRY_BENCH_ROWS=10000000 measures the memory with so many rows too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { boot } from 'skerry';
import { cutRows } from 'skerry/servers/http';
import { generate } from '../examples/atlas/enrich/generate.ts';
import { CHUNK_BYTES } from '../examples/atlas/enrich/job.ts';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import type { Values } from './report.ts';
import { WrongAnswer } from './sample.ts';
import { percentile } from './stats.ts';
import type { EnrichSubject } from './subject.ts';
import { enrichEntries } from './subjects/enrich.ts';

const QUESTIONS_PER_S = 100;
const SAMPLE_MS = 50;
/** Of `npm run enrich`: what passes through it is short-lived, and the bytes beside its nursery wait for the nursery to be full. */
const FLAGS = ['--max-semi-space-size=1'];

export const enrich: Bench = {
  name: 'enrich',
  about: 'rows of CSV through a pool of one and two, /nearest meanwhile, memory of a job',
  cores: 2,
  rounds: 5,
  limitMs: 1_800_000,
  subjects: ['skerry-ring', 'piscina', 'plain loop', 'two processes'],
  targets: [
    { metric: 'scaling_x', atLeast: 1.8 },
    { metric: 'p99_ms@nearest', atMost: 25 },
  ],
  async run(run: Run): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-'));
    const expected = new Expected();
    try {
      const rows = run.smoke ? 3_000 : 600_000;
      const file = await generated(folder, rows);
      await interleave(run, enrichEntries(), {
        async warm(subject, name) {
          for (const workers of subject.workers) await rowsPerS(subject, name, workers, file, rows, expected);
        },
        async measure(subject, name) {
          const values: Record<string, number> = {};
          for (const workers of subject.workers) {
            values[`rows_per_s@${workers}`] = await rowsPerS(subject, name, workers, file, rows, expected);
          }
          const [one, two] = [values['rows_per_s@1'], values['rows_per_s@2']];
          return two === undefined ? values : { ...values, scaling_x: two / one };
        },
      });
      if (!run.wants('skerry-ring')) return;
      for (let round = 1; round <= run.rounds; round++) {
        run.note(`round ${round}, the interface during a job`);
        run.report.add(round, 'skerry-ring', '', await whileAsked(file));
      }
      const extra = Number(process.env.SKERRY_BENCH_ROWS ?? 0);
      const sizes = run.smoke ? [3_000] : [100_000, 1_000_000, ...(extra > 0 ? [extra] : [])];
      for (const size of sizes) {
        run.note(`memory of ${size} rows`);
        const input = await generated(folder, size);
        run.report.add(1, 'skerry-ring', '', { [`peak_mb@${size / 1000}k`]: await peakMb(input) });
        rmSync(input);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function generated(folder: string, rows: number): Promise<string> {
  const file = join(folder, `${rows}-${Math.random()}.csv`);
  await pipeline(generate({ rows, seed: 1 }), createWriteStream(file));
  return file;
}

/** What the first to answer has answered: the others are held against it, byte by byte, as it comes. */
class Expected {
  readonly #first: Uint8Array[] = [];
  #all: Buffer | undefined;

  /** @returns whether the answer is the same so far; `at` is what came before it. */
  meets(bytes: Uint8Array, at: number): boolean {
    if (this.#all === undefined) {
      this.#first.push(bytes);
      return true;
    }
    const end = at + bytes.length;
    return end <= this.#all.length && this.#all.compare(bytes, 0, bytes.length, at, end) === 0;
  }

  /** @returns whether nothing is missing */
  end(sizeBytes: number): boolean {
    this.#all ??= Buffer.concat(this.#first);
    this.#first.length = 0;
    return sizeBytes === this.#all.length;
  }
}

async function rowsPerS(
  subject: EnrichSubject,
  name: string,
  workers: number,
  file: string,
  rows: number,
  expected: Expected,
): Promise<number> {
  const since = performance.now();
  let done = 0;
  if (subject.runFile !== undefined) {
    done = await subject.runFile(file, workers);
  } else {
    let at = 0;
    const chunks = cutRows(createReadStream(file, { highWaterMark: 256 * 1024 }), 'csv', { chunkBytes: CHUNK_BYTES });
    for await (const result of subject.enrich?.(chunks, workers) ?? []) {
      if (!expected.meets(result.bytes, at)) throw new WrongAnswer(name, `as the first, from byte ${at} on`, 'other bytes');
      at += result.bytes.length;
      done += result.rows;
    }
    if (!expected.end(at)) throw new WrongAnswer(name, 'as many bytes as the first', at);
  }
  if (done !== rows) throw new Error(`${rows} rows were sent, ${done} came back`);
  return rows / ((performance.now() - since) / 1000);
}

/** p99 of GET /nearest while the file goes through POST /enrich, again and again for some seconds at least. */
async function whileAsked(file: string): Promise<Values> {
  process.env.PORT ??= String(await freePort()); // the module of the atlas is evaluated once: later rounds have the same
  const port = Number(process.env.PORT);
  const { default: atlas } = await import('../examples/atlas/system.ts');
  const sys = await boot(atlas);
  try {
    await post(port, file); // warm
    const asker = new Worker(new URL('./nearest-asker.js', import.meta.url), {
      workerData: { port, perSecond: QUESTIONS_PER_S },
    });
    const answered = once(asker, 'message');
    await post(port, file);
    asker.postMessage('stop');
    const [{ latenciesMs, failure }] = (await answered) as [{ latenciesMs: number[]; failure: string | undefined }];
    if (failure !== undefined) throw new Error(failure);
    const sorted = Float64Array.from(latenciesMs).sort();
    return { 'p50_ms@nearest': percentile(sorted, 50), 'p99_ms@nearest': percentile(sorted, 99) };
  } finally {
    await sys.stop();
  }
}

async function post(port: number, file: string): Promise<void> {
  const asked = request({ port, host: '127.0.0.1', path: '/enrich', method: 'POST', headers: { 'content-type': 'text/csv' } });
  const answered = once(asked, 'response') as Promise<[import('node:http').IncomingMessage]>;
  const sent = pipeline(createReadStream(file), asked);
  const [response] = await answered;
  let last = '';
  for await (const piece of response) last = String(piece).slice(-200);
  await sent;
  if (response.statusCode !== 200 || /"error: /.test(last))
    throw new Error(`POST /enrich answered ${response.statusCode}: ${last}`);
}

/** Most anonymous memory of the command and all its servers together. */
async function peakMb(file: string): Promise<number> {
  const command = fileURLToPath(new URL('../examples/atlas/enrich.js', import.meta.url));
  const child = spawn(process.execPath, [...FLAGS, command, file, '--output', '-', '--json'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-2_000);
  });
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, familyMb(child.pid as number));
  }, SAMPLE_MS);
  const [code] = (await once(child, 'exit')) as [number];
  clearInterval(timer);
  if (code !== 0) throw new Error(`the command ended with ${code}: ${stderr}`);
  return peak > 0 ? peak : Number.NaN;
}

/** RssAnon of a process and its descendants. What has ended meanwhile counts nothing; 0 where there is no /proc. */
function familyMb(root: number): number {
  const parents = new Map<number, number>();
  const sizes = new Map<number, number>();
  try {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const status = readStatus(entry);
      parents.set(Number(entry), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0));
      sizes.set(Number(entry), Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
    }
  } catch {
    return 0;
  }
  const sum = (pid: number): number =>
    [...parents].filter(([, parent]) => parent === pid).reduce((total, [child]) => total + sum(child), sizes.get(pid) ?? 0);
  return sum(root);
}

function readStatus(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
