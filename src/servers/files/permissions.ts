// Permissions as people write them: '-rw-r-----' or 0o640, of a directory 'drwxr-x---'. Owner, group, others; read, write, and for
// directories enter (x).

import { SkerryError } from '../../base/errors.ts';
import { OPERATOR } from '../../protocol/principal.ts';

/** What a file or directory is to be allowed: nine bits. */
export type Mode = number;
export type Permissions = string | number;
export type Want = 'read' | 'write' | 'enter';

const BITS = { read: 4, write: 2, enter: 1 } as const satisfies Record<Want, number>;
const FORM = /^[-d](?:[r-][w-][x-]){3}$/;
const FILE_EXAMPLE = 0o640;
const FOLDER_EXAMPLE = 0o750;

/** @throws SkerryError SKERRY_INVALID, with the right form */
export function parsePermissions(given: unknown, isDirectory: boolean): Mode {
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= 0o777) return given;
  if (typeof given === 'string' && FORM.test(given) && given.startsWith('d') === isDirectory) {
    return [...given.slice(1)].reduce((mode, letter) => (mode << 1) | (letter === '-' ? 0 : 1), 0);
  }
  const found = typeof given === 'string' ? JSON.stringify(given) : String(given);
  const what = isDirectory ? 'a directory' : 'a file';
  const example = isDirectory ? FOLDER_EXAMPLE : FILE_EXAMPLE;
  const form = `ten characters such as '${formatPermissions(example, isDirectory)}' (read, write, enter for owner, group, others)`;
  throw new SkerryError(
    'SKERRY_INVALID',
    `permissions of ${what} must be ${form} or a number such as 0o${example.toString(8)}; found ${found}`,
    { data: { permissions: String(given) } },
  );
}

export function formatPermissions(mode: Mode, isDirectory: boolean): string {
  const letters = [...'rwxrwxrwx'].map((letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'));
  return `${isDirectory ? 'd' : '-'}${letters.join('')}`;
}

/** Who stands in which relation to a file. */
export interface Holder {
  readonly owner: string;
  readonly group: string | undefined;
  readonly mode: Mode;
}

/** The operator may do everything. The owner has the owner's bits even when the group's would allow more. */
export function allows(holder: Holder, principal: string, inGroup: (group: string) => boolean, want: Want): boolean {
  if (principal === OPERATOR) return true;
  const shift = principal === holder.owner ? 6 : holder.group !== undefined && inGroup(holder.group) ? 3 : 0;
  return ((holder.mode >> shift) & BITS[want]) !== 0;
}
