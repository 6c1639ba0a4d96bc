/** Files through the file server, and directly. */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { boot } from 'skerry';
import type { FilesSubject } from '../subject.ts';
import type { Transport } from './index.ts';

export async function fileServer(transport: Transport): Promise<FilesSubject> {
  const { default: system } = await import('./files.system.ts');
  let sys: Awaited<ReturnType<typeof boot<typeof system.servers>>>;
  return {
    async start() {
      sys = await boot(system, transport === 'stream' ? { transport } : {});
    },
    stop: () => sys.stop(),
    read: (name) => sys.files.read(`/${name}`),
    stream: (name) => sys.files.stream(`/${name}`),
  };
}

export function directly(): FilesSubject {
  const pathOf = (name: string) => join(process.env.SKERRY_BENCH_FOLDER as string, name);
  return {
    start: async () => {},
    stop: async () => {},
    read: (name) => readFile(pathOf(name)),
    stream: (name) => createReadStream(pathOf(name)),
  };
}
