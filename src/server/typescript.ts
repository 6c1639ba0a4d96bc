// TypeScript modules on every Node: native where the process strips types itself (22.18 and later), else by hooks that strip with
// `amaro`. Only erasable syntax is supported, on all versions alike. Positions stay as they are, so stacks show the source's lines.

import module from 'node:module';

let ready = false;

/** Makes `import()` of .ts and .mts files work in this process. @returns false when it did already. */
export function supportTypeScript(): boolean {
  if (ready || (process.features as { typescript?: unknown }).typescript) return false;
  ready = true;
  module.register(new URL('../server/typescript-hooks.js', import.meta.url));
  return true;
}

export function isTypeScript(url: string): boolean {
  return /\.m?ts($|[?#])/.test(url);
}
