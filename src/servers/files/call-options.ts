// Options of single calls, as clients send them: a name that is misspelt must not silently mean the default.

import { invalid, OptionCheck, show } from '../../base/options.ts';
import type { CreateOptions, ReadOptions, WriteOptions } from './files-api.ts';

/** Their values are checked against the file. */
export function checkRead(method: 'read' | 'stream', given: ReadOptions | null | undefined): ReadOptions {
  const options = given ?? {};
  new OptionCheck(`files.${method}()`, options, ['start', 'end'], 'a path and options');
  return options;
}

/** @throws SkerryError SKERRY_INVALID, as all here; permissions are checked by parsePermissions() */
export function checkWrite(options: WriteOptions = {}): WriteOptions {
  new OptionCheck('files.write()', options, ['isNew', 'permissions'], 'a path, content and options').boolean('isNew');
  return options;
}

export function checkCreate(method: 'create' | 'mkdir', options: CreateOptions = {}): CreateOptions {
  const known = ['owner', 'group', 'permissions', ...(method === 'create' ? ['content'] : [])];
  const check = new OptionCheck(`files.${method}()`, options, known, 'a path and options');
  check.optional('owner', OWNER, isName);
  check.string('group', 'the name of a group');
  return options;
}

export function checkRemove(options: { readonly recursive?: boolean } = {}): { readonly recursive: boolean } {
  new OptionCheck('files.remove()', options, ['recursive'], 'a path and options').boolean('recursive');
  return { recursive: options.recursive ?? false };
}

export function checkOwner(owner: unknown, group: unknown): void {
  if (!isName(owner)) throw invalid(`files.setOwner(): owner must be ${OWNER}; it is ${show(owner)}`);
  if (group !== undefined && typeof group !== 'string')
    throw invalid(`files.setOwner(): group must be the name of a group; it is ${show(group)}`);
}

const OWNER = "a principal: a user's name, 'server:<name>' or 'operator'";

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
