/**
 * What can be measured: the contract between a benchmark and the library under it.
 *
 * A *subject* is one library (or one way to use it) behind one of the interfaces below; an *entry* names it and knows how to load it,
 * so that nothing is imported that is not measured. Two entries may share a name (piscina with and without its busy waiting): both
 * are measured, the better one is reported under the name and its `variant` is told.
 *
 * A subject owns what it starts: after `stop()` no worker, process or handle of it is left.
 */
import type { RowChunk } from 'skerry/servers/http';
import type { ChunkResult } from '../examples/atlas/enrich/enricher.ts';
import type { Sample } from './sample.ts';

export interface Subject {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Other processes that do the subject's work; threads of this process are not listed. */
  pids?(): Promise<number[]>;
}

/** Answers with the object that it was sent, from another thread or process. */
export interface EchoSubject extends Subject {
  call(value: Sample): Promise<Sample>;
  /** True if this rejection says that the subject refuses work early because its queue is full. */
  isRefusal?(error: unknown): boolean;
}

/** Answers after `ms` with the handler's clock at that moment: CLOCK_MONOTONIC in nanoseconds. */
export interface LateSubject extends Subject {
  late(ms: number): Promise<number>;
}

/** Answers with the same bytes; those that were sent belong to the subject from then on (they may have been moved). */
export interface PayloadSubject extends Subject {
  /** Where the bytes have to live, so that the subject can send them. Default: an ordinary ArrayBuffer. */
  allocate?(sizeBytes: number): Uint8Array;
  payload(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Reads files of the folder SKERRY_BENCH_FOLDER. */
export interface FilesSubject extends Subject {
  read(name: string): Promise<Uint8Array>;
  stream(name: string): AsyncIterable<Uint8Array>;
}

/** Two servers that boot together. Only a multiserver system lists its processes. */
export interface BootSubject extends Subject {
  /** From nothing until both have answered once. */
  boot(): Promise<Booted>;
}

export interface Booted {
  processes?(): Promise<ServerProcess[]>;
  stop(): Promise<void>;
}

export interface ServerProcess {
  name: string;
  pid: number;
}

/** Many servers without work. */
export interface IdleSubject extends Subject {
  readonly servers: number;
  /** One call to each server, so that all are up and have parked again. */
  touch(): Promise<void>;
}

/** Enriches chunks of rows, in order, with as many workers as it is told. */
export interface EnrichSubject extends Subject {
  /** Numbers of workers that it can be measured with. */
  readonly workers: readonly number[];
  enrich?(chunks: AsyncIterable<RowChunk>, workers: number): AsyncIterable<ChunkResult>;
  /** Instead, for one that reads the file itself and gives nothing back. @returns rows */
  runFile?(file: string, workers: number): Promise<number>;
}

/** A server with a timer of its own beside its calls. */
export interface FairSubject extends EchoSubject {
  /** Starts a timer of `ms` in the server that is armed again each time it fires. */
  startTimer(ms: number): Promise<void>;
  /** Stops it; answers with how late it fired each time, in ms. */
  stopTimer(): Promise<number[]>;
}

export interface Entry<S extends Subject> {
  readonly name: string;
  /** Which way to use the library this is, where several are measured under one name. */
  readonly variant?: string;
  load(): Promise<S>;
}
