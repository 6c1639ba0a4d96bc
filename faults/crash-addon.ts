// An addon whose loading is a segmentation fault in its own code: made by the C compiler of this machine, if it has one.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = `
void *napi_register_module_v1(void *env, void *exports) {
  *(volatile int *)16 = 1;
  return exports;
}
int node_api_module_get_api_version_v1(void) { return 8; }
`;

/** @returns the file, or nothing without a compiler. */
export function buildCrashAddon(folder: string): string | undefined {
  const file = join(folder, 'crash.node');
  writeFileSync(join(folder, 'crash.c'), SOURCE);
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O0', '-o', file, join(folder, 'crash.c')], { stdio: 'ignore' });
    return file;
  } catch {
    return undefined;
  }
}
