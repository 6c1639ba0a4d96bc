// One run of a program: its state, its streams, and why it ends.
//
//   starting ──▶ running ──end asked for, output limit──▶ stopping ──▶ ended
//       └─ failed ─▶ ended                └──────────────────────────────▲
//
// What nobody reads stays in the pipe, and the program waits, as in a shell. What is read is counted.

import type { Socket } from 'node:net';
import { SkerryError } from '../../base/errors.ts';
import type { LaunchEnd, LaunchEvent } from '../../protocol/program.ts';
import type { CurrentCall } from '../../rpc/call-context.ts';
import { Feed } from '../../rpc/feed.ts';
import type { ProgramEndReason, ProgramEvent, ProgramExit, ProgramState, ProgramStatus } from './programs-api.ts';

export const STREAMS = ['stdout', 'stderr'] as const;
export type StreamName = (typeof STREAMS)[number];

/** Of one item of a stream: some 32 are on their way. */
const CHUNK_BYTES = 32 * 1024;
/** The end of a pipe is there when the program is gone, but where somebody has got away with it. */
const HELD_OPEN_MS = 100;
const LIMIT_REASONS = {
  time: 'time limit',
  cpu: 'cpu limit',
  memory: 'memory limit',
  processes: 'process limit',
  lost: 'lost',
} as const;

export interface RunFacts {
  readonly id: number;
  readonly program: string;
  readonly user: string;
  readonly outputBytes: number;
}

interface Output {
  readonly socket: Socket;
  state: 'unread' | 'read' | 'over';
}

export class ProgramRun {
  readonly facts: RunFacts;
  readonly events = new Feed<ProgramEvent>(4);
  readonly #startedAt = Date.now();
  readonly #outputs: Readonly<Record<StreamName, Output>>;
  readonly #order: (signal: string) => void;
  #state: ProgramState = 'starting';
  /** The call that began it is over. */
  left = false;
  #pid = 0;
  #exit: ProgramExit | undefined;
  #failure: SkerryError | undefined;
  #read = 0;
  /** Why it was asked to end. */
  #why: ProgramEndReason | undefined;
  /** The last signal that was asked for. */
  #signal: string | undefined;

  /**
   * @param pipes the ends that are read; they are this object's.
   * @param order a signal's name, or `end`, for the kernel.
   */
  constructor(facts: RunFacts, pipes: Readonly<Record<StreamName, Socket>>, order: (signal: string) => void) {
    this.facts = facts;
    this.#order = order;
    this.#outputs = { stdout: unread(pipes.stdout), stderr: unread(pipes.stderr) };
  }

  get state(): ProgramState {
    return this.#state;
  }

  /** Why it could not be started. */
  get failure(): SkerryError | undefined {
    return this.#failure;
  }

  status(): ProgramStatus {
    const { id, program, user } = this.facts;
    const exit = this.#exit === undefined ? {} : { exit: this.#exit };
    return { id, pid: this.#pid, program, user, state: this.#state, startedAt: this.#startedAt, ...exit };
  }

  onEvent(event: LaunchEvent): void {
    switch (event.what) {
      case 'started':
        this.#pid = event.pid;
        if (this.#state === 'starting') this.#state = 'running';
        else this.#order('end'); // asked for before there was anything to end
        return this.events.push({ what: 'started', id: this.facts.id, pid: event.pid });
      case 'failed':
        this.#state = 'ended';
        this.#failure = failure(this.facts.program, event.step, event.error);
        this.close();
        return this.events.end();
      case 'ended':
        this.#state = 'ended';
        this.#exit = exitOf(event, this.#why, this.#signal);
        return void this.#tellEnd(this.#exit);
    }
  }

  /** Nobody writes any more: what is empty now need not be held for a reader, who is told so. */
  async #tellEnd(exit: ProgramExit): Promise<void> {
    const empty: StreamName[] = [];
    for (const stream of STREAMS) if (await this.#isEmpty(stream)) empty.push(stream);
    this.events.push({ what: 'ended', exit, empty });
    for (const stream of empty) this.#over(stream);
    this.#settle();
  }

  #isEmpty(stream: StreamName): boolean | Promise<boolean> {
    const { socket, state } = this.#outputs[stream];
    if (state !== 'unread' || socket.readableLength > 0) return false;
    if (socket.readableEnded || socket.destroyed) return true;
    return new Promise((resolve) => {
      const look = () => {
        clearTimeout(timer);
        socket.off('readable', look).off('close', look);
        resolve(socket.readableLength === 0);
      };
      const timer = setTimeout(() => resolve(false), HELD_OPEN_MS);
      socket.on('readable', look).on('close', look);
    });
  }

  /** SIGTERM, and after the grace the end of all. */
  end(why: ProgramEndReason): void {
    if (this.#state === 'ended') return;
    this.#why ??= why;
    if (this.#state === 'running') this.#order('end');
    this.#state = 'stopping';
  }

  signal(name: string): void {
    if (this.#state === 'ended') return;
    this.#signal = name;
    if (this.#pid !== 0) this.#order(name);
  }

  /** Nobody is left who could read: what is in the pipes is gone. */
  close(): void {
    for (const stream of STREAMS) this.#over(stream);
    this.events.end();
  }

  /** What it writes, once. @throws SKERRY_INVALID when somebody reads it already. */
  async *read(stream: StreamName, call: Pick<CurrentCall, 'signal' | 'idle'>): AsyncGenerator<Uint8Array, void> {
    const output = this.#outputs[stream];
    if (output.state !== 'unread')
      throw new SkerryError('SKERRY_INVALID', `${stream} of program "${this.facts.program}" has been read: it can be read once`);
    output.state = 'read';
    const { socket } = output;
    const { signal } = call;
    const leave = () => void socket.destroy();
    signal.addEventListener('abort', leave, { once: true });
    const chunks = socket[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
    try {
      while (!signal.aborted) {
        call.idle(true); // it waits for the program
        const step = await chunks.next().catch(() => undefined); // destroyed: left, or the run is closed
        call.idle(false);
        if (step === undefined || step.done === true) return;
        const bytes = step.value.subarray(0, this.#within(step.value.length));
        for (let from = 0; from < bytes.length; from += CHUNK_BYTES)
          yield new Uint8Array(bytes.subarray(from, from + CHUNK_BYTES));
        if (bytes.length < step.value.length) return;
      }
    } finally {
      signal.removeEventListener('abort', leave);
      this.#over(stream);
    }
  }

  /** Of so many bytes, how many are within the limit; beyond it the program ends. */
  #within(bytes: number): number {
    const left = this.facts.outputBytes - this.#read;
    this.#read += Math.min(bytes, left);
    if (bytes > left) this.end('output limit');
    return Math.min(bytes, left);
  }

  #over(stream: StreamName): void {
    const output = this.#outputs[stream];
    output.state = 'over';
    output.socket.destroy();
    this.#settle();
  }

  /** Ended, and read to the end: nothing is to be held any more. */
  #settle(): void {
    if (this.#state === 'ended' && STREAMS.every((stream) => this.#outputs[stream].state === 'over')) this.events.end();
  }
}

function unread(socket: Socket): Output {
  socket.on('error', () => {}); // reading says so
  return { socket, state: 'unread' };
}

function exitOf(end: LaunchEnd, why: ProgramEndReason | undefined, signal: string | undefined): ProgramExit {
  const { code, signal: by, limit, peakMemoryBytes, cpuMs } = end;
  const own: ProgramEndReason = by === null ? 'exit' : by === signal ? 'killed' : 'signal';
  const reason = limit === undefined ? (why ?? own) : LIMIT_REASONS[limit];
  return { code, signal: by, reason, peakMemoryBytes, cpuMs };
}

function failure(program: string, step: string, error: string): SkerryError {
  if (step === 'find')
    return new SkerryError('SKERRY_UNSUPPORTED', `program "${program}" cannot be run: there is no launcher (${error})`);
  return new SkerryError('SKERRY_INIT', `program "${program}" could not be started: ${step} failed: ${error}`, {
    data: { program, step, error },
  });
}
