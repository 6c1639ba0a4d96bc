// The oracle of the succession tests: a file that a handler appends to as its first effect, one record of fixed size with one write.
// The page cache survives a SIGKILL, so after any death the file says what was executed, and how often.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RECORD_BYTES = 16;

/** The server's side. */
export class OraclePen {
  readonly #file: number;
  readonly #record = new Uint32Array(RECORD_BYTES / 4);

  constructor(path: string) {
    this.#file = openSync(path, 'a');
    this.#record[3] = process.pid;
  }

  /** @param item which effect of the request: the number of a stream's item; 0 for calls. */
  write(id: number, item = 0): void {
    this.#record[0] = id;
    this.#record[1] = item;
    this.#record[2] = ~id;
    if (writeSync(this.#file, this.#record) !== RECORD_BYTES) throw new Error('the oracle took half a record');
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** What was executed: for each id how often item 0 was written, and the highest item. */
export interface Executions {
  times(id: number): number;
  lastItem(id: number): number;
  readonly total: number;
}

/** The test's side. */
export class Oracle {
  readonly #folder = mkdtempSync(join(tmpdir(), 'skerry-oracle-'));
  readonly path = join(this.#folder, 'executed');

  read(): Executions {
    const bytes = readFileSync(this.path);
    if (bytes.length % RECORD_BYTES !== 0) throw new Error(`the oracle's file has ${bytes.length} bytes: a torn record`);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const times = new Map<number, number>();
    const lastItem = new Map<number, number>();
    for (let i = 0; i < words.length; i += RECORD_BYTES / 4) {
      const id = words[i] as number;
      const item = words[i + 1] as number;
      if (words[i + 2] !== ~id >>> 0) throw new Error(`the oracle's record ${i} is damaged`);
      if (item === 0) times.set(id, (times.get(id) ?? 0) + 1);
      lastItem.set(id, Math.max(item, lastItem.get(id) ?? 0));
    }
    return { times: (id) => times.get(id) ?? 0, lastItem: (id) => lastItem.get(id) ?? -1, total: times.size };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
