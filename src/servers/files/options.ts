// What the file server is told: its mounts, with who owns their roots, and groups. Checked once, at the start.

import { SkerryError } from '../../base/errors.ts';
import { OPERATOR } from '../../protocol/principal.ts';
import { type Names, parsePath } from './path.ts';
import { type Mode, parsePermissions, type Permissions } from './permissions.ts';

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
        /** In the server's memory, megabytes at most, 1 or more: lost when it restarts. */
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
const MiB = 1024 * 1024;

/** @throws SkerryError SKERRY_INVALID: which option, what was found, what would be valid. */
export function checkOptions(options: FilesOptions): {
  readonly mounts: readonly MountSettings[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
} {
  const { mounts, groups = {}, ...others } = Object(options) as FilesOptions;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) fail(unknown, 'is no option; there are: mounts, groups');
  if (typeof mounts !== 'object' || mounts === null)
    fail('mounts', "must be an object of mounts by path: { '/': { host: './data' } }");
  if (typeof groups !== 'object' || groups === null) fail('groups', 'must be an object of principals by group');
  for (const [name, members] of Object.entries(groups)) {
    if (!Array.isArray(members) || !members.every((member) => typeof member === 'string'))
      fail(`groups.${name}`, 'must be an array of principals');
  }
  const settings = Object.entries(mounts).map(([path, mount]) => checkMount(path, mount, groups));
  if (!settings.some(({ at }) => at.length === 0)) fail('mounts', 'must have one at "/"');
  return { mounts: settings, groups };
}

function checkMount(path: string, mount: MountOptions, groups: Readonly<Record<string, unknown>>): MountSettings {
  const where = `mounts["${path}"]`;
  if (typeof mount !== 'object' || mount === null) fail(where, `must be an object with one of ${KINDS.join(', ')}`);
  const unknown = Object.keys(mount).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) fail(`${where}.${unknown}`, `is no option; there are: ${KNOWN.join(', ')}`);
  const given = KINDS.filter((kind) => kind in mount);
  if (given.length !== 1) fail(where, `must have one of ${KINDS.join(', ')}; it has ${given.join(' and ') || 'none'}`);
  const { owner = OPERATOR, group, permissions } = mount;
  if (typeof owner !== 'string') fail(`${where}.owner`, 'must be a principal');
  if (group !== undefined && !Object.hasOwn(groups, group))
    fail(`${where}.group`, `must be one of groups (${Object.keys(groups).join(', ') || 'none'})`);
  const mode = permissions === undefined ? ROOT_MODE : parsePermissions(permissions);
  return { at: namesOf(path, where), owner, group, mode, kind: kindOf(mount, where) };
}

function kindOf(mount: MountOptions, where: string): MountSettings['kind'] {
  if ('host' in mount) {
    const { host, readOnly = false } = mount;
    if (typeof host !== 'string' || host === '') fail(`${where}.host`, 'must be the path of a directory');
    if (typeof readOnly !== 'boolean') fail(`${where}.readOnly`, 'must be true or false');
    return { type: 'host', path: host, readOnly };
  }
  if ('memoryMb' in mount) {
    const { memoryMb } = mount;
    if (!Number.isInteger(memoryMb) || memoryMb < 1 || memoryMb > 1 << 20)
      fail(`${where}.memoryMb`, 'must be a number of megabytes, 1 or more');
    return { type: 'memory', bytesMax: memoryMb * MiB };
  }
  const files = Object.entries(mount.bundle).map(([path, content]) => {
    const names = namesOf(path, `${where}.bundle`);
    if (names.length === 0) fail(`${where}.bundle`, 'has a file at "/"');
    if (typeof content !== 'string' && !(content instanceof Uint8Array))
      fail(`${where}.bundle["${path}"]`, 'must be text or bytes');
    return [names, typeof content === 'string' ? new TextEncoder().encode(content) : content] as const;
  });
  return { type: 'bundle', files };
}

function namesOf(path: string, where: string): Names {
  try {
    return parsePath(path, 'mount');
  } catch (error) {
    return fail(where, `is no path: ${(error as Error).message}`);
  }
}

function fail(option: string, message: string): never {
  throw new SkerryError('SKERRY_INVALID', `files: option ${option} ${message}`);
}
