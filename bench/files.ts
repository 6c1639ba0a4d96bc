/**
 * files: how long reading a file takes, through the file server and directly.
 *
 *      this process  ── read (1 KB, 1 MB), stream (100 MB) ──>  file server  ──>  page cache
 *      this process  ── fs.promises.readFile, createReadStream ────────────────>  page cache
 *
 * Cores needed: 2. The files have been read before: no disk is measured. Sizes and contents are checked.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesEntries, filesNames } from './entries.ts';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { WrongAnswer } from './sample.ts';
import { median } from './stats.ts';
import type { FilesSubject } from './subject.ts';

const KB = 1024;
const FILES = [
  { name: '1KB', sizeBytes: KB, reads: 500 },
  { name: '1MB', sizeBytes: KB * KB, reads: 100 },
  { name: '100MB', sizeBytes: 100 * KB * KB, reads: 3 },
] as const;

export const files: Bench = {
  name: 'files',
  about: 'reading files of 1 KB, 1 MB and 100 MB',
  cores: 2,
  rounds: 5,
  limitMs: 300_000,
  subjects: filesNames,
  targets: [],
  async run(run: Run): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-files-'));
    process.env.SKERRY_BENCH_FOLDER = folder; // the system module of the file server reads it
    try {
      for (const { name, sizeBytes } of FILES) await writeFile(join(folder, name), Buffer.alloc(sizeBytes, name.length));
      await interleave(run, filesEntries(), {
        async warm(subject, who) {
          for (const { name, sizeBytes } of FILES) await readOnce(subject, who, name, sizeBytes);
        },
        async measure(subject, who) {
          const values: Record<string, number> = {};
          for (const { name, sizeBytes, reads } of FILES) {
            const seen: number[] = [];
            for (let i = 0; i < (run.smoke ? 1 : reads); i++) seen.push(await readOnce(subject, who, name, sizeBytes));
            values[`read_ms@${name}`] = median(seen);
          }
          return values;
        },
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function readOnce(subject: FilesSubject, who: string, name: string, sizeBytes: number): Promise<number> {
  const since = performance.now();
  const found = sizeBytes > KB * KB ? await drain(subject.stream(name)) : await subject.read(name);
  const ms = performance.now() - since;
  const [length, last] = found instanceof Uint8Array ? [found.length, found.at(-1)] : [found.bytes, found.last];
  if (length !== sizeBytes || last !== name.length)
    throw new WrongAnswer(who, `${sizeBytes} bytes of ${name.length}`, [length, last]);
  return ms;
}

async function drain(pieces: AsyncIterable<Uint8Array>): Promise<{ bytes: number; last: number | undefined }> {
  let bytes = 0;
  let last: number | undefined;
  for await (const piece of pieces) {
    bytes += piece.length;
    last = piece.at(-1);
  }
  return { bytes, last };
}
