// A folder that belongs to this user alone: what lies in it was put there by this user.

import { lstatSync } from 'node:fs';

/** @throws Error when somebody else could put something into it; ENOENT when there is none */
export function checkPrivateFolder(folder: string): void {
  const stat = lstatSync(folder);
  const uid = process.getuid?.() ?? stat.uid;
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0)
    throw new Error(`${folder} must be a folder of user ${uid} that nobody else may enter (mode 0700)`);
}
