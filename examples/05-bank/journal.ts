// A file of lines, with one writer: what stands in it is so, whoever dies.
//
// Lines that come while a commit is under way wait together for the next: one write and one fsync for all of them. A file that cannot be
// written ends the process, since its memory is ahead of the file then; a successor reads what the file has.

import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** An earlier writer may still be on its way out. */
const WRITER_WAIT_MS = 5_000;

export class Journal {
  /** What stood in it at the start, oldest first. */
  readonly lines: readonly string[];
  readonly #file: FileHandle;
  /** What has been appended since the last commit began. */
  #text = '';
  /** The commit that is under way, or was the last. */
  #current = Promise.resolve();
  #next: Promise<void> | undefined;

  private constructor(file: FileHandle, lines: readonly string[]) {
    this.#file = file;
    this.lines = lines;
  }

  /**
   * Opens or creates it. A last line without its end was never told to anybody, and is cut off.
   * @throws Error when another process writes it
   */
  static async open(path: string): Promise<Journal> {
    const file = await open(path, 'a+');
    await becomeWriter(file, path);
    const bytes = await file.readFile();
    const end = bytes.lastIndexOf('\n') + 1;
    await file.truncate(end);
    await file.sync(); // a predecessor may have died between write and fsync
    return new Journal(file, bytes.toString('utf8', 0, end).split('\n').slice(0, -1));
  }

  append(line: string): void {
    this.#text += `${line}\n`;
    this.#next ??= this.#current.then(() => this.#commit());
  }

  /** Resolves when all that has been appended by now is on the disk. */
  written(): Promise<void> {
    return this.#next ?? this.#current;
  }

  async #commit(): Promise<void> {
    this.#current = this.#next ?? this.#current;
    this.#next = undefined;
    const text = this.#text;
    this.#text = '';
    try {
      await this.#file.appendFile(text);
      await this.#file.sync();
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
      await new Promise(() => {}); // nobody is answered any more
    }
  }
}

/**
 * Waits until no other process writes the file. A writer holds a socket of Linux's abstract namespace that is called after the file: the
 * operating system gives the name back with the end of its holder, whatever that was. Elsewhere nobody looks.
 */
async function becomeWriter(file: FileHandle, path: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const { dev, ino } = await file.stat();
  for (const deadline = Date.now() + WRITER_WAIT_MS; ; await pause(10)) {
    const socket = createServer().unref();
    try {
      await once(socket.listen(`\0skerry-bank-${dev}-${ino}`), 'listening');
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (Date.now() > deadline) throw new Error(`another process writes ${path}`);
    }
  }
}
