// Paths of the tree: absolute, by '/', and nothing in them that means another place.
//
// A path is split once, here; all else works on names. There is no '.', no '..', no empty name: a path that needs cleaning is refused,
// since who cleans it and who uses it could differ. Percent signs and backslashes are characters like others.

import { FileError } from './errors.ts';

/** Names from the root down; the root itself has none. */
export type Names = readonly string[];

const PATH_BYTES_MAX = 4096;
const NAME_BYTES_MAX = 255;
const LONE_SURROGATE = /\p{Surrogate}/u;
const encoder = new TextEncoder();

/** @throws FileError EINVAL (what is wrong and what would be right), ENAMETOOLONG */
export function parsePath(path: unknown, operation: string): Names {
  if (typeof path !== 'string') throw new FileError('EINVAL', operation, String(path), 'a path is a string: "/notes/today.txt"');
  const fail = (detail: string): never => {
    throw new FileError('EINVAL', operation, path, detail);
  };
  if (path.length > PATH_BYTES_MAX || encoder.encode(path).length > PATH_BYTES_MAX)
    throw new FileError('ENAMETOOLONG', operation, path);
  if (!path.startsWith('/')) fail('a path begins with "/"');
  if (path.includes('\0')) fail('a path has no NUL');
  if (LONE_SURROGATE.test(path)) fail('a path is well-formed Unicode');
  if (path === '/') return [];
  const names = path.slice(1).split('/');
  for (const name of names) {
    if (name === '') fail('a path has one "/" between two names and none at its end');
    if (name === '.' || name === '..') fail(`a path has no "${name}"`);
    if (encoder.encode(name).length > NAME_BYTES_MAX) throw new FileError('ENAMETOOLONG', operation, path);
  }
  return names;
}

export function formatPath(names: Names): string {
  return `/${names.join('/')}`;
}
