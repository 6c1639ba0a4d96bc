// What operators call a system: what its caller says, else the name of its module, else of the folder that the module lies in.
//
//   /srv/atlas/system.ts   atlas          /srv/app/shop.system.ts   shop

import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSystemName } from '../../protocol/operator.ts';

const ANY_MODULE = new Set(['system', 'main', 'index', 'app', 'server']);

/** @param given by the caller of boot(). */
export function systemName(url: string, given: string | undefined): string {
  if (given !== undefined && isSystemName(given)) return given;
  let path: string;
  try {
    path = fileURLToPath(url);
  } catch {
    return 'system';
  }
  const module = basename(path).replace(/(\.system)?\.[cm]?[jt]s$/, '');
  const name = ANY_MODULE.has(module) ? basename(dirname(path)) : module;
  const plain = name.replace(/[^\w-]/g, '-');
  return isSystemName(plain) ? plain : 'system';
}
