// The module of a system, as a command is given it.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SkerryError } from '../base/errors.ts';
import type { System } from '../server/system.ts';
import { isTypeScript, supportTypeScript } from '../server/typescript.ts';

/** @throws SkerryError SKERRY_NOT_FOUND, SKERRY_INVALID; whatever the module throws */
export async function loadSystemModule(path: string): Promise<System> {
  const file = resolve(path);
  if (!existsSync(file)) throw new SkerryError('SKERRY_NOT_FOUND', `there is no file ${file}`);
  const url = pathToFileURL(file).href;
  if (isTypeScript(url)) supportTypeScript();
  const module = (await import(url)) as { default?: System };
  if (module.default === undefined)
    throw new SkerryError(
      'SKERRY_INVALID',
      `${file} has no default export; it should contain \`export default system(import.meta.url, { … })\``,
    );
  return module.default;
}
