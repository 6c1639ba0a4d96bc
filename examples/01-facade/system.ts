// An office: files, a printer, and a clerk who uses the files.

import { type FilesApi, server, system, uses } from 'skerry';

const clerk = server({ uses: { files: uses<FilesApi>() } }, ({ uses: { files } }) => ({
  /** Writes a note and reads it again. */
  async note(text: string): Promise<string> {
    await files.write('/desk/note.txt', text);
    return files.readText('/desk/note.txt');
  },
}));

export default system(import.meta.url, {
  files: { load: () => import('skerry/servers/files'), options: { mounts: { '/': { memoryMb: 8, permissions: 'drwxr-xr-x' } } } },
  printer: {
    load: () => import('./printer.server.ts'),
    env: ['PRINTER'],
    options: { device: process.env.PRINTER ?? '' },
    restart: { stableMs: 0, unstableMax: 2 }, // whatever has been ready is started again; two failed starts in a row are enough
  },
  clerk: { load: async () => ({ default: clerk }) },
});
