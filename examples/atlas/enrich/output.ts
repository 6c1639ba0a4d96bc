// Where a job writes: the rows, and the list of those with a problem. Both are written under the names of parts and renamed when they are
// whole, so that a file of that name is never half of one. What is there and no file (a device, a named pipe) is written as it stands: a
// file must not take the place of /dev/null.

import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import type { Problem } from './enricher.ts';

/** A file that is open for writing. */
interface Target {
  readonly name: string;
  /** Under this name until it is whole; its own where nothing is renamed. */
  readonly part: string;
  readonly handle: FileHandle;
}

export class Output {
  readonly name: string;
  readonly errors: string | undefined;
  /** None: the standard output. */
  readonly #rows: Target | undefined;
  readonly #list: Target | undefined;
  #problems = '';
  #over = false;

  /** @param errors name of the list; without it, it stands beside `name` if that is a file. Either may be a device or a named pipe. */
  static async open(name: string, errors: string | undefined): Promise<Output> {
    let rows: Target | undefined;
    try {
      rows = name === '-' ? undefined : await openTarget(name);
      const beside = rows !== undefined && isRenamed(rows) ? `${name}.errors.ndjson` : undefined;
      const list = errors ?? beside;
      return new Output(rows, list === undefined ? undefined : await openTarget(list));
    } catch (error) {
      await rows?.handle.close();
      await dropPart(rows);
      throw new Error(`the output cannot be written: ${(error as Error).message}`, { cause: error });
    }
  }

  private constructor(rows: Target | undefined, list: Target | undefined) {
    this.name = rows?.name ?? 'the standard output';
    this.errors = list?.name;
    this.#rows = rows;
    this.#list = list;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#rows !== undefined) await this.#rows.handle.writeFile(bytes);
    else await written(bytes);
    if (this.#problems.length > 64 * 1024) await this.#writeProblems();
  }

  problem(problem: Problem): void {
    if (this.#list !== undefined) this.#problems += `${JSON.stringify(problem)}\n`;
  }

  async finish(): Promise<void> {
    await this.#close();
    for (const target of [this.#rows, this.#list])
      if (target !== undefined && isRenamed(target)) await rename(target.part, target.name);
  }

  /** It is not whole. @returns where what there is can be found */
  async keepPart(): Promise<string> {
    await this.#close();
    return this.#rows?.part ?? this.name;
  }

  /** Nothing has come of it: no file is left, unless a part was kept. */
  async discard(): Promise<void> {
    if (this.#over) return;
    await this.#close();
    for (const target of [this.#rows, this.#list]) await dropPart(target);
  }

  async #close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    try {
      await this.#writeProblems();
    } finally {
      await this.#rows?.handle.close();
      await this.#list?.handle.close();
    }
  }

  async #writeProblems(): Promise<void> {
    const text = this.#problems;
    this.#problems = '';
    if (text !== '') await this.#list?.handle.writeFile(text);
  }
}

/** What is there and no file is opened as it stands: no part is made, nothing is renamed over it. */
async function openTarget(name: string): Promise<Target> {
  const there = await stat(name).catch(() => undefined);
  const part = there === undefined || there.isFile() ? `${name}.part` : name;
  return { name, part, handle: await open(part, 'w') };
}

function isRenamed({ name, part }: Target): boolean {
  return part !== name;
}

async function dropPart(target: Target | undefined): Promise<void> {
  if (target !== undefined && isRenamed(target)) await rm(target.part, { force: true });
}

/** @throws EPIPE when nobody reads any more: `npm run enrich -- … --output - | head` */
function written(bytes: Uint8Array): Promise<void> {
  const { stdout } = process;
  if (stdout.listenerCount('error') === 0) stdout.on('error', () => {}); // the write says so
  return new Promise((resolve, reject) => {
    stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
