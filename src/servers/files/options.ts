// What the file server is told: its mounts, with who owns their roots, and groups. Checked once, at the start.

import { invalid, isIntegerWithin, isObject, isStrings, OptionCheck, show } from '../../base/options.ts';
import { OPERATOR } from '../../protocol/principal.ts';
import { type Names, parsePath } from './path.ts';
import { type Mode, type Permissions, parsePermissions } from './permissions.ts';

interface RootOptions {
  /** Who owns the root of the mount. Default `operator`. */
  readonly owner?: string;
  /** A group of `groups`. Default none. */
  readonly group?: string;
  /** Of the root; what is below has its own, and without any is the operator's alone. Default `drwxr-xr-x`. */
  readonly permissions?: Permissions;
}

export type MountOptions = RootOptions &
  (
    | {
        /** A directory of the host; nothing leads out of it. Its folder `.skerry` is the server's own. */
        readonly host: string;
        readonly readOnly?: boolean;
      }
    | {
        /** In the server's memory, megabytes at most, 1 or more, each file and directory counted with 256 bytes besides: lost when it restarts. */
        readonly memoryMb: number;
      }
    | {
        /** Files that never change, by path: text or bytes. */
        readonly bundle: Readonly<Record<string, string | Uint8Array>>;
      }
  );

export interface FilesOptions {
  /** By path. One stands at `/`. */
  readonly mounts: Readonly<Record<string, MountOptions>>;
  /** Principals by the name of their group. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
}

export interface MountSettings {
  readonly at: Names;
  readonly owner: string;
  readonly group: string | undefined;
  readonly mode: Mode;
  readonly kind:
    | { readonly type: 'host'; readonly path: string; readonly readOnly: boolean }
    | { readonly type: 'memory'; readonly bytesMax: number }
    | { readonly type: 'bundle'; readonly files: readonly (readonly [Names, Uint8Array])[] };
}

const ROOT_MODE = 0o755;
const KINDS = ['host', 'memoryMb', 'bundle'] as const;
const KNOWN: readonly string[] = [...KINDS, 'readOnly', 'owner', 'group', 'permissions'];
const MEMORY_MAX_MB = 1 << 20;
const MiB = 1024 * 1024;

/** @throws SkerryError SKERRY_INVALID: which option, what was found, what would be valid. */
export function checkOptions(options: FilesOptions): {
  readonly mounts: readonly MountSettings[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
} {
  const check = new OptionCheck('files', options ?? {}, ['mounts', 'groups']);
  check.required('mounts', "an object of mounts by path: { '/': { host: './data' } }", isObject);
  check.optional('groups', 'an object of principals by group', isObject);
  const { mounts, groups = {} } = options;
  for (const [name, members] of Object.entries(groups))
    if (!isStrings(members)) throw check.wrong(`groups.${name}`, 'an array of principals', members);
  const settings = Object.entries(mounts).map(([path, mount]) => checkMount(path, mount, groups));
  if (!settings.some(({ at }) => at.length === 0))
    throw invalid(`files: mounts must have one at "/"; there are: ${Object.keys(mounts).join(', ') || 'none'}`);
  return { mounts: settings, groups };
}

function checkMount(path: string, mount: MountOptions, groups: Readonly<Record<string, unknown>>): MountSettings {
  const where = `mounts["${path}"]`;
  if (!isObject(mount)) throw invalid(`files: ${where} must be an object with one of ${KINDS.join(', ')}; it is ${show(mount)}`);
  const check = new OptionCheck('files', mount, KNOWN, '', `${where}.`);
  const given = KINDS.filter((kind) => kind in mount);
  if (given.length !== 1)
    throw invalid(`files: ${where} must have one of ${KINDS.join(', ')}; it has ${given.join(' and ') || 'none'}`);
  check.optional('owner', 'a principal', (owner) => typeof owner === 'string' && owner !== '');
  const valid = Object.keys(groups).join(', ') || 'none';
  check.optional('group', `one of groups (${valid})`, (name) => typeof name === 'string' && Object.hasOwn(groups, name));
  const { owner = OPERATOR, group, permissions } = mount;
  const mode = permissions === undefined ? ROOT_MODE : parsePermissions(permissions, true);
  return { at: namesOf(path, where), owner, group, mode, kind: kindOf(mount, check, where) };
}

function kindOf(mount: MountOptions, check: OptionCheck, where: string): MountSettings['kind'] {
  if ('host' in mount) {
    check.required('host', 'the path of a directory', (path) => typeof path === 'string' && path !== '');
    check.boolean('readOnly');
    const { host, readOnly = false } = mount;
    return { type: 'host', path: host, readOnly };
  }
  if ('memoryMb' in mount) {
    check.required('memoryMb', `an integer from 1 to ${MEMORY_MAX_MB}`, (megabytes) =>
      isIntegerWithin(megabytes, 1, MEMORY_MAX_MB),
    );
    return { type: 'memory', bytesMax: mount.memoryMb * MiB };
  }
  check.required('bundle', 'an object of files by path', isObject);
  const files = Object.entries(mount.bundle).map(([path, content]) => {
    const names = namesOf(path, `${where}.bundle`);
    if (names.length === 0) throw invalid(`files: ${where}.bundle has a file at "/"`);
    if (typeof content !== 'string' && !(content instanceof Uint8Array))
      throw check.wrong(`bundle["${path}"]`, 'text or bytes', content);
    return [names, typeof content === 'string' ? new TextEncoder().encode(content) : content] as const;
  });
  return { type: 'bundle', files };
}

function namesOf(path: string, where: string): Names {
  try {
    return parsePath(path, 'mount');
  } catch (error) {
    throw invalid(`files: ${where} is no path: ${(error as Error).message}`);
  }
}
