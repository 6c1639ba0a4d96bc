// Where a job writes: the rows, and the list of those with a problem. Both are written under the names of parts and renamed when they are
// whole, so that a file of that name is never half of one. What is there and no file (a device, a named pipe) is written as it stands: a file
// must not take the place of /dev/null.

import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import type { Problem } from './enricher.ts';

export class Output {
  readonly name: string;
  readonly errors: string | undefined;
  readonly #file: FileHandle | undefined;
  /** Under this name until it is whole; its own where nothing is renamed. */
  readonly #part: string;
  readonly #errorFile: FileHandle | undefined;
  #problems = '';
  #over = false;

  static async open(name: string, errors: string | undefined): Promise<Output> {
    const isStandard = name === '-';
    try {
      const part = isStandard || (await isNoFile(name)) ? name : `${name}.part`;
      const list = errors ?? (part === name ? undefined : `${name}.errors.ndjson`);
      const file = isStandard ? undefined : await open(part, 'w');
      const errorFile = list === undefined ? undefined : await open(`${list}.part`, 'w');
      return new Output(isStandard ? 'the standard output' : name, part, list, file, errorFile);
    } catch (error) {
      throw new Error(`the output cannot be written: ${(error as Error).message}`, { cause: error });
    }
  }

  constructor(
    name: string,
    part: string,
    errors: string | undefined,
    file: FileHandle | undefined,
    errorFile: FileHandle | undefined,
  ) {
    this.name = name;
    this.errors = errors;
    this.#part = part;
    this.#file = file;
    this.#errorFile = errorFile;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#file !== undefined) await this.#file.writeFile(bytes);
    else await written(bytes);
    if (this.#problems.length > 64 * 1024) await this.#writeProblems();
  }

  problem(problem: Problem): void {
    if (this.#errorFile !== undefined) this.#problems += `${JSON.stringify(problem)}\n`;
  }

  async finish(): Promise<void> {
    await this.#close();
    if (this.#isRenamed) await rename(this.#part, this.name);
    if (this.errors !== undefined) await rename(`${this.errors}.part`, this.errors);
  }

  /** It is not whole. @returns where what there is can be found */
  async keepPart(): Promise<string> {
    await this.#close();
    return this.#file === undefined ? this.name : this.#part;
  }

  /** Nothing has come of it: no file is left, unless a part was kept. */
  async discard(): Promise<void> {
    if (this.#over) return;
    await this.#close();
    if (this.#isRenamed) await rm(this.#part, { force: true });
    if (this.errors !== undefined) await rm(`${this.errors}.part`, { force: true });
  }

  get #isRenamed(): boolean {
    return this.#file !== undefined && this.#part !== this.name;
  }

  async #close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#writeProblems();
    await this.#file?.close();
    await this.#errorFile?.close();
  }

  async #writeProblems(): Promise<void> {
    const text = this.#problems;
    this.#problems = '';
    if (text !== '') await this.#errorFile?.writeFile(text);
  }
}

/** @throws EPIPE when nobody reads any more: `npm run enrich -- … --output - | head` */
function written(bytes: Uint8Array): Promise<void> {
  const { stdout } = process;
  if (stdout.listenerCount('error') === 0) stdout.on('error', () => {}); // the write says so
  return new Promise((resolve, reject) => {
    stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

async function isNoFile(name: string): Promise<boolean> {
  return stat(name).then(
    (there) => !there.isFile(),
    () => false,
  );
}
