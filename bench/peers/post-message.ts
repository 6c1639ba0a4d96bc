/**
 * postMessage: raw `node:worker_threads`, one worker, its message port, a map from id to promise. The least that a thread costs.
 *
 * Bytes go in three ways: `clone` copies them, `transfer` hands the buffer over, `SharedArrayBuffer` sends a reference.
 */
import { type Transferable, Worker } from 'node:worker_threads';
import { workerUrl } from '../paths.ts';
import type { Sample } from '../sample.ts';
import type { PayloadSubject } from '../subject.ts';
import type { Peer } from './peer.ts';
import { Pending } from './pending.ts';

class WorkerPort {
  readonly #pending = new Pending<unknown>();
  #worker: Worker | undefined;

  async start(): Promise<void> {
    const worker = new Worker(workerUrl('post-message.worker.mjs'));
    worker.on('message', ([id, value]: [number, unknown]) => this.#pending.settle(id, value));
    this.#worker = worker;
    await new Promise<void>((resolve, reject) => {
      worker.once('online', resolve);
      worker.once('error', reject);
    });
  }

  request(name: string, argument: unknown, transfer: readonly Transferable[]): Promise<unknown> {
    const worker = this.#worker as Worker;
    return this.#pending.request((id) => worker.postMessage([id, name, argument], transfer));
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }
}

const NOTHING: readonly Transferable[] = [];

export function postMessage(): Peer {
  const port = new WorkerPort();
  return {
    start: () => port.start(),
    stop: () => port.stop(),
    call: (value) => port.request('echo', value, NOTHING) as Promise<Sample>,
    late: (ms) => port.request('late', ms, NOTHING) as Promise<number>,
  };
}

export function postMessageBytes(way: 'clone' | 'transfer' | 'shared'): PayloadSubject {
  const port = new WorkerPort();
  const allocate = (sizeBytes: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(sizeBytes));
  return {
    start: () => port.start(),
    stop: () => port.stop(),
    ...(way === 'shared' ? { allocate } : {}),
    payload: (bytes) =>
      (way === 'transfer'
        ? port.request('move', bytes, [bytes.buffer as ArrayBuffer])
        : port.request('echo', bytes, NOTHING)) as Promise<Uint8Array>,
  };
}
