/** The file server over a folder that the benchmark fills. */
import { system } from 'skerry';

export default system(import.meta.url, {
  files: {
    load: () => import('skerry/servers/files'),
    options: { mounts: { '/': { host: process.env.SKERRY_BENCH_FOLDER ?? '/nowhere' } } },
    env: ['SKERRY_BENCH_FOLDER'],
  },
});
