// A job: rows from a source through a pool to a sink, in order, counted, in memory that does not depend on their number.
//
//   source ──cutRows──▶ chunks ──map──▶ enrich (or jobs, with rules) ──▶ write, report, progress

import { map } from 'skerry';
import { cutRows, type RowChunk, type RowFormat } from 'skerry/servers/http';
import type { ChunkResult, Problem } from './enricher.ts';

export interface Job<Chunk extends RowChunk> {
  readonly source: AsyncIterable<Uint8Array>;
  readonly format: RowFormat;
  /** Method of a server: `sys.servers.enrich.chunk`. */
  readonly method: (chunk: Chunk) => Promise<ChunkResult>;
  /** What the method gets of a chunk. */
  readonly chunkOf: (chunk: RowChunk) => Chunk;
  /** Chunks in flight. Default: as many as keep the servers at work. */
  readonly concurrency?: number;
  readonly write: (bytes: Uint8Array) => unknown;
  readonly onProblem: (problem: Problem) => void;
  /** After each chunk that has been written. */
  readonly onProgress?: (counts: Counts) => void;
  readonly signal?: AbortSignal;
}

/** What has been written so far. */
export interface Counts {
  readonly rows: number;
  readonly malformed: number;
  readonly threw: number;
  readonly guilty: number;
  /** Of the source. */
  readonly bytes: number;
}

/** Of a chunk. In the process that cuts and writes a chunk costs more than its bytes: with half as many it has a core for a fifth less of the time. */
export const CHUNK_BYTES = 128 * 1024;

/** @throws what the source, the method or the sink fails with; SKERRY_ABORTED by `signal`. What was written before is whole rows. */
export async function runJob<Chunk extends RowChunk>(job: Job<Chunk>): Promise<Counts> {
  const { source, format, method, chunkOf, concurrency, write, onProblem, onProgress, signal } = job;
  const counts = { rows: 0, malformed: 0, threw: 0, guilty: 0, bytes: 0 };
  const sizes: number[] = []; // of the chunks that are under way
  const chunks = async function* () {
    for await (const chunk of cutRows(source, format, { chunkBytes: CHUNK_BYTES, longRows: 'skip' })) {
      sizes.push(chunk.skippedBytes ?? chunk.bytes.length);
      yield chunkOf(chunk);
    }
  };
  const options = { ...(concurrency !== undefined && { concurrency }), ...(signal !== undefined && { signal }) };
  for await (const { bytes, rows, problems } of map(method, chunks(), options)) {
    await write(bytes);
    counts.rows += rows;
    counts.bytes += sizes.shift() ?? 0;
    for (const problem of problems) {
      counts[problem.kind] += 1;
      onProblem(problem);
    }
    onProgress?.(counts);
  }
  return counts;
}
