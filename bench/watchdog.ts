/**
 * Ends a benchmark that hangs, also one that hangs without giving the event loop back, and says where.
 *
 * A thread that sleeps on a word in shared memory; woken in time it ends, otherwise it prints the step that was last noted and kills
 * the process. What the benchmark had started goes with it: threads at once, forked processes when their IPC channel closes, the
 * system under test when its kernel notices the death.
 *
 *      shared memory   | word: 0 runs, 1 done | length of the note | note, UTF-8 ... |      written here, read by the thread
 */
import { Worker } from 'node:worker_threads';

const NOTE_BYTES_MAX = 200;
const NOTE_AT = 8;

const sleeper = `
  const { workerData: { memory, limitMs, name } } = require('node:worker_threads');
  const words = new Int32Array(memory, 0, 2);
  if (Atomics.wait(words, 0, 0, limitMs) === 'timed-out') {
    const note = Buffer.from(memory, ${NOTE_AT}, Atomics.load(words, 1)).toString();
    require('node:fs').writeSync(2, 'bench ' + name + ': hung at "' + note + '", killed after ' + limitMs / 1000 + ' s\\n');
    process.kill(process.pid, 'SIGKILL');
  }`;

/** Notes what is done next, for the message should it hang. */
export type Note = (step: string) => void;

/** Runs `work` and kills the whole process if it takes longer than `limitMs`. */
export async function withWatchdog<T>(name: string, limitMs: number, work: (note: Note) => Promise<T>): Promise<T> {
  const memory = new SharedArrayBuffer(NOTE_AT + NOTE_BYTES_MAX);
  const words = new Int32Array(memory, 0, 2);
  const thread = new Worker(sleeper, { eval: true, workerData: { memory, limitMs, name } });
  const ended = new Promise<void>((resolve, reject) => {
    thread.once('exit', () => resolve());
    thread.once('error', reject);
  });
  const note: Note = (step) => Atomics.store(words, 1, Buffer.from(memory, NOTE_AT).write(step));
  try {
    return await work(note);
  } finally {
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    await ended;
  }
}
