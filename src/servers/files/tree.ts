// The tree: mounts by path, and who may do what in them. Everything that a client asks passes through here.
//
// Invariant: nothing is asked of a mount before `#enter` has found that the principal may enter every directory on the way, and that in the
// same turn (turns.ts) as the operation itself: check, index and mount are of one moment.

import { SkerryError } from '../../base/errors.ts';
import { OPERATOR } from '../../protocol/principal.ts';
import type { AccessIndex } from './access-index.ts';
import { asFileError, FileError } from './errors.ts';
import type { CreateOptions, FileChange, FileEntry, FileStat, FileType } from './files-api.ts';
import type { Mount, OpenFile, RawStat } from './mount.ts';
import { formatPath, type Names, parsePath } from './path.ts';
import { allows, formatPermissions, type Holder, type Permissions, parsePermissions, type Want } from './permissions.ts';
import { Turns } from './turns.ts';

export interface Mounted {
  /** Where it stands. The root is a mount too. */
  readonly at: Names;
  readonly mount: Mount;
  readonly index: AccessIndex;
}

/** A path, found: in which mount, where in it. */
interface Spot {
  readonly mounted: Mounted;
  readonly names: Names;
  readonly path: string;
}

/** Who hears of changes that a mount does not know of: of owners, and of a directory that is no longer there. */
interface Watcher {
  readonly mounted: Mounted;
  readonly names: Names;
  readonly isFolder: boolean;
  readonly hear: (change: FileChange) => void;
  readonly end: () => void;
}

/** A new owner comes with a new group, or without one. */
type HolderChange =
  | { readonly permissions: Permissions; readonly owner?: undefined }
  | { readonly permissions?: undefined; readonly owner: string; readonly group: string | undefined };

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Nobody's but the operator's. */
const CLOSED: Holder = { owner: OPERATOR, group: undefined, mode: 0 };
/** In a directory of the host, the server's own; nowhere else a name either. */
const OWN_FOLDER = '.skerry';

export class Tree {
  /** The deepest first. */
  readonly #mounts: readonly Mounted[];
  readonly #groups: Readonly<Record<string, readonly string[]>>;
  readonly #turns = new Map<Mounted, Turns>();
  readonly #watchers = new Set<Watcher>();

  /** @param mounts one of them at the root. */
  constructor(mounts: readonly Mounted[], groups: Readonly<Record<string, readonly string[]>>) {
    this.#mounts = [...mounts].sort((a, b) => b.at.length - a.at.length);
    this.#groups = groups;
  }

  open(who: string, path: string, operation: string): Promise<OpenFile> {
    return this.#do(path, operation, async (spot) => {
      await this.#enter(who, spot, operation);
      await this.#check(who, spot, false, 'read', operation);
      return spot.mounted.mount.open(spot.names);
    });
  }

  stat(who: string, path: string): Promise<FileStat> {
    return this.#do(path, 'stat', async (spot) => {
      await this.#enter(who, spot, 'stat');
      return this.#statOf(spot, await spot.mounted.mount.stat(spot.names));
    });
  }

  list(who: string, path: string): Promise<FileEntry[]> {
    return this.#do(path, 'list', async (spot) => {
      await this.#enter(who, spot, 'list');
      await this.#isFolder(spot, 'list');
      await this.#check(who, spot, true, 'read', 'list');
      const entries = await spot.mounted.mount.list(spot.names);
      const here = [...spot.mounted.at, ...spot.names];
      const mounted = this.#mounts
        .filter(({ at }) => at.length === here.length + 1 && here.every((name, index) => at[index] === name))
        .map(({ at }) => ({ name: at.at(-1) as string, type: 'directory' as const }));
      const names = new Set(mounted.map(({ name }) => name));
      return [...entries.filter(({ name }) => !names.has(name)), ...mounted].sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  write(
    who: string,
    path: string,
    content: Uint8Array,
    options: { isNew?: boolean | undefined; mode?: number | undefined },
  ): Promise<void> {
    return this.#change(path, 'write', async (spot) => {
      await this.#enter(who, spot, 'write');
      const before = await this.#find(spot);
      if (before === undefined)
        return this.#create(who, spot, content, { owner: who, group: undefined, mode: options.mode ?? FILE_MODE });
      if (options.isNew === true) throw new FileError('EEXIST', 'write', path);
      this.#isFile(before, spot, 'write');
      await this.#check(who, spot, false, 'write', 'write');
      return spot.mounted.mount.write(spot.names, content, false);
    });
  }

  append(who: string, path: string, content: Uint8Array): Promise<void> {
    return this.#change(path, 'append', async (spot) => {
      await this.#enter(who, spot, 'append');
      this.#isFile(await spot.mounted.mount.stat(spot.names), spot, 'append');
      await this.#check(who, spot, false, 'write', 'append');
      return spot.mounted.mount.append(spot.names, content);
    });
  }

  create(who: string, path: string, content: Uint8Array, options: CreateOptions): Promise<FileStat> {
    return this.#change(path, 'create', async (spot) => {
      const holder = this.#holderFor(who, options, false, 'create', path);
      await this.#enter(who, spot, 'create');
      if ((await this.#find(spot)) !== undefined) throw new FileError('EEXIST', 'create', path);
      await this.#create(who, spot, content, holder);
      return this.#statOf(spot, await spot.mounted.mount.stat(spot.names));
    });
  }

  mkdir(who: string, path: string, options: CreateOptions): Promise<FileStat> {
    return this.#change(path, 'mkdir', async (spot) => {
      const holder = this.#holderFor(who, options, true, 'mkdir', path);
      await this.#enter(who, spot, 'mkdir');
      if ((await this.#find(spot)) !== undefined) throw new FileError('EEXIST', 'mkdir', path);
      await this.#checkAbove(who, spot, 'mkdir');
      await this.#owned(spot, holder, () => spot.mounted.mount.mkdir(spot.names));
      return this.#statOf(spot, await spot.mounted.mount.stat(spot.names));
    });
  }

  rename(who: string, from: string, to: string): Promise<void> {
    return this.#change(from, 'rename', async (source) => {
      const target = this.#spot(to, 'rename');
      if (target.mounted !== source.mounted) throw new FileError('EXDEV', 'rename', to);
      const { mount, index } = source.mounted;
      await this.#enter(who, source, 'rename');
      await this.#checkAbove(who, source, 'rename');
      await mount.stat(source.names);
      await this.#enter(who, target, 'rename');
      await this.#checkAbove(who, target, 'rename');
      if (formatPath(source.names) === formatPath(target.names)) return;
      const before = await this.#find(target);
      await this.#mayReplace(source, await mount.stat(source.names), target, before);
      const kept = index.get(target.names, before?.type === 'directory');
      // While it moves, the new place is the operator's alone: who dies now leaves a closed file, never another's open one.
      await index.remove(target.names);
      await index.copy(source.names, target.names, CLOSED);
      try {
        await mount.rename(source.names, target.names);
      } catch (error) {
        await index.remove(target.names);
        if (before !== undefined) await index.set(target.names, kept);
        throw error;
      }
      await index.copy(source.names, target.names);
      await index.remove(source.names);
      this.#endWatches(source.mounted, source.names);
      if (before?.type === 'directory') this.#endWatches(source.mounted, target.names);
    });
  }

  /** What the mount would refuse is refused before the index is touched: a rename that fails changes nothing. */
  async #mayReplace(source: Spot, { type }: RawStat, target: Spot, before: RawStat | undefined): Promise<void> {
    const fail = (code: 'EINVAL' | 'ENOTEMPTY' | 'EISDIR' | 'ENOTDIR', detail?: string): never => {
      throw new FileError(code, 'rename', target.path, detail);
    };
    if (isWithin(target.names, source.names) && type === 'directory') {
      const above = await source.mounted.mount.stat(target.names.slice(0, -1)); // what is missing is said first
      if (above.type === 'directory') fail('EINVAL', 'a directory cannot go into itself');
    }
    if (before === undefined) return;
    if (isWithin(source.names, target.names)) fail('ENOTEMPTY');
    if (before.type === 'directory' && type !== 'directory') fail('EISDIR');
    if (before.type !== 'directory' && type === 'directory') fail('ENOTDIR');
    if (before.type === 'directory' && (await target.mounted.mount.list(target.names)).length > 0) fail('ENOTEMPTY');
  }

  remove(who: string, path: string, recursive: boolean): Promise<void> {
    return this.#change(path, 'remove', async (spot) => {
      await this.#enter(who, spot, 'remove');
      await this.#checkAbove(who, spot, 'remove');
      await this.#removeAll(who, spot, await spot.mounted.mount.stat(spot.names), recursive);
    });
  }

  setHolder(who: string, path: string, change: HolderChange): Promise<void> {
    return this.#change(path, 'change', async (spot) => {
      await this.#enter(who, spot, 'change');
      const { type } = await spot.mounted.mount.stat(spot.names);
      if (spot.names.length === 0) throw new FileError('EPERM', 'change', path, 'a mount has its permissions from the options');
      if (type === 'link') throw new FileError('ELOOP', 'change', path);
      const holder = spot.mounted.index.get(spot.names, type === 'directory');
      const mayChange = who === OPERATOR || (who === holder.owner && change.owner === undefined);
      if (!mayChange) throw new FileError('EACCES', 'change', path, `it belongs to ${holder.owner}`);
      if (change.owner === undefined) {
        const mode = parsePermissions(change.permissions, type === 'directory');
        await spot.mounted.index.set(spot.names, { ...holder, mode });
      } else {
        const { owner, group } = change;
        this.#checkGroup(group, 'change', path);
        await spot.mounted.index.set(spot.names, { ...holder, owner, group });
      }
      this.#tellChange(spot);
    });
  }

  watch(who: string, path: string, signal: AbortSignal, hear: (change: FileChange) => void, onEnd: () => void): Promise<void> {
    return this.#do(path, 'watch', async (spot) => {
      await this.#enter(who, spot, 'watch');
      const { type } = await spot.mounted.mount.stat(spot.names);
      await this.#check(who, spot, type === 'directory', 'read', 'watch');
      const within = path === '/' ? '' : path;
      const changed = (change: FileChange) => hear({ ...change, path: change.path === '' ? path : `${within}/${change.path}` });
      if (signal.aborted) return;
      const { mounted, names } = spot;
      const watcher: Watcher = {
        mounted,
        names,
        isFolder: type === 'directory',
        hear: changed,
        end: () => {
          if (this.#watchers.delete(watcher)) onEnd();
        },
      };
      this.#watchers.add(watcher);
      signal.addEventListener('abort', watcher.end, { once: true });
      await mounted.mount.watch(names, signal, changed, watcher.end).catch((error) => {
        this.#watchers.delete(watcher);
        throw error;
      });
    });
  }

  /** Of its permissions or owner: the mount has seen nothing. */
  #tellChange({ mounted, names }: Spot): void {
    for (const watcher of this.#watchers) {
      if (watcher.mounted !== mounted || !watcher.names.every((name, index) => names[index] === name)) continue;
      const below = names.slice(watcher.names.length);
      if (below.length === 0) watcher.hear({ path: '', what: 'change' });
      else if (below.length === 1) watcher.hear({ path: below[0], what: 'change' });
    }
  }

  /** What stood here is gone or elsewhere: a watch on it, if it was a directory, and on all that was in it, would hear nothing more. */
  #endWatches(mounted: Mounted, names: Names): void {
    for (const watcher of this.#watchers) {
      if (watcher.mounted !== mounted || !names.every((name, index) => watcher.names[index] === name)) continue;
      if (watcher.isFolder || watcher.names.length > names.length) watcher.end();
    }
  }

  async close(): Promise<void> {
    for (const turns of this.#turns.values()) await turns.idle();
    for (const { mount, index } of this.#mounts) {
      await index.close();
      await mount.close();
    }
  }

  // --- finding

  #do<T>(path: string, operation: string, run: (spot: Spot) => Promise<T>): Promise<T> {
    return this.#told(path, operation, (spot) => this.#turnsOf(spot.mounted).read(() => run(spot)));
  }

  /** Runs it; what fails is told as a failure of this operation on this path. */
  async #told<T>(path: string, operation: string, run: (spot: Spot) => Promise<T>): Promise<T> {
    const spot = this.#spot(path, operation);
    try {
      return await run(spot);
    } catch (error) {
      if (error instanceof FileError && error.path.startsWith('/') && error.operation === operation) throw error;
      const detail = error instanceof FileError ? /\((.*?)\), /.exec(error.message)?.[1] : undefined;
      if (error instanceof SkerryError) throw error;
      throw error instanceof FileError ? new FileError(error.code, operation, path, detail) : asFileError(error, operation, path);
    }
  }

  /** The same for what changes something: alone in its mount, and not in a read-only one. */
  #change<T>(path: string, operation: string, run: (spot: Spot) => Promise<T>): Promise<T> {
    return this.#told(path, operation, async (spot) => {
      if (spot.mounted.mount.isReadOnly) throw new FileError('EROFS', operation, path);
      return this.#turnsOf(spot.mounted).change(() => run(spot));
    });
  }

  #turnsOf(mounted: Mounted): Turns {
    const known = this.#turns.get(mounted);
    if (known !== undefined) return known;
    const turns = new Turns();
    this.#turns.set(mounted, turns);
    return turns;
  }

  #spot(path: string, operation: string): Spot {
    const names = parsePath(path, operation);
    if (names.some((name) => name.toLowerCase() === OWN_FOLDER)) throw new FileError('ENOENT', operation, path);
    const mounted = this.#mounts.find(({ at }) => at.every((name, index) => names[index] === name));
    if (mounted === undefined) throw new FileError('ENOENT', operation, path);
    return { mounted, names: names.slice(mounted.at.length), path };
  }

  async #find({ mounted, names }: Spot): Promise<RawStat | undefined> {
    try {
      return await mounted.mount.stat(names);
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  // --- rights

  /**
   * May `who` get as far as the directory above? Also through the mounts above this one. What only leads to a mount may be entered by all:
   * the mount says who may enter it.
   */
  async #enter(who: string, { mounted, names, path }: Spot, operation: string): Promise<void> {
    const all = [...mounted.at, ...names];
    for (let depth = 0; depth < all.length; depth++) {
      const spot = this.#spot(formatPath(all.slice(0, depth)), operation);
      if (depth < mounted.at.length && spot.names.length > 0) continue; // it leads to a mount, and is none
      const holder = spot.mounted.index.get(spot.names, true);
      if (this.#allows(holder, who, 'enter')) continue;
      await this.#isFolder(spot, operation); // what is not there is not forbidden
      throw new FileError('EACCES', operation, path, `${who} may not enter '${spot.path}'`);
    }
  }

  async #check(who: string, { mounted, names, path }: Spot, isFolder: boolean, want: Want, operation: string): Promise<void> {
    const holder = mounted.index.get(names, isFolder);
    if (this.#allows(holder, who, want)) return;
    const { type } = await mounted.mount.stat(names); // what is not there is not forbidden
    if (isFolder && type !== 'directory') throw new FileError('ENOTDIR', operation, path);
    const permissions = formatPermissions(holder.mode, isFolder);
    throw new FileError('EACCES', operation, path, `${permissions} ${holder.owner}; you are ${who}`);
  }

  /** To make, take away or move something changes the directory that it is in. */
  async #checkAbove(who: string, { mounted, names, path }: Spot, operation: string): Promise<void> {
    if (names.length === 0) throw new FileError('EPERM', operation, path, 'the root of a mount stays where it is');
    await this.#check(who, { mounted, names: names.slice(0, -1), path }, true, 'write', operation);
  }

  #allows(holder: Holder, who: string, want: Want): boolean {
    return allows(holder, who, (group) => this.#groups[group]?.includes(who) === true, want);
  }

  #holderFor(
    who: string,
    { owner = who, group, permissions }: CreateOptions,
    isFolder: boolean,
    operation: string,
    path: string,
  ): Holder {
    if (owner !== who && who !== OPERATOR)
      throw new FileError('EACCES', operation, path, `${who} may not create what belongs to ${owner}`);
    this.#checkGroup(group, operation, path);
    const mode = isFolder ? FOLDER_MODE : FILE_MODE;
    return { owner, group, mode: permissions === undefined ? mode : parsePermissions(permissions, isFolder) };
  }

  #checkGroup(group: string | undefined, operation: string, path: string): void {
    if (group === undefined || Object.hasOwn(this.#groups, group)) return;
    const known = Object.keys(this.#groups).join(', ') || 'none';
    throw new FileError('EINVAL', operation, path, `there is no group "${group}"; there are: ${known}`);
  }

  // --- doing

  async #create(who: string, spot: Spot, content: Uint8Array, holder: Holder): Promise<void> {
    await this.#checkAbove(who, spot, 'create');
    await this.#owned(spot, holder, () => spot.mounted.mount.write(spot.names, content, true));
  }

  /** Makes something with its owner known before; what was said of that place earlier, or of what was below it, counts no more. */
  async #owned({ mounted, names }: Spot, holder: Holder, make: () => Promise<void>): Promise<void> {
    await mounted.index.remove(names);
    await mounted.index.set(names, holder);
    try {
      await make();
    } catch (error) {
      await mounted.index.remove(names); // there is nothing, or what another program has put there: the operator's
      throw error;
    }
  }

  async #removeAll(who: string, spot: Spot, { type }: RawStat, recursive: boolean): Promise<void> {
    const { mount, index } = spot.mounted;
    if (type === 'directory' && recursive) {
      await this.#check(who, spot, true, 'read', 'remove');
      const entries = await mount.list(spot.names);
      if (entries.length > 0) {
        await this.#check(who, spot, true, 'write', 'remove');
        await this.#check(who, spot, true, 'enter', 'remove');
      }
      for (const { name } of entries) {
        const below = { ...spot, names: [...spot.names, name] };
        await this.#removeAll(who, below, await mount.stat(below.names), true);
      }
    }
    await mount.remove(spot.names);
    await index.remove(spot.names);
    this.#endWatches(spot.mounted, spot.names);
  }

  #isFile({ type }: RawStat, { path }: Spot, operation: string): void {
    if (type === 'file') return;
    throw new FileError(type === 'directory' ? 'EISDIR' : type === 'link' ? 'ELOOP' : 'EPERM', operation, path);
  }

  async #isFolder({ mounted, names, path }: Spot, operation: string): Promise<void> {
    const { type } = await mounted.mount.stat(names);
    if (type !== 'directory') throw new FileError('ENOTDIR', operation, path);
  }

  #statOf({ mounted, names, path }: Spot, { type, size, modifiedMs }: RawStat): FileStat {
    const isFolder: boolean = (type as FileType) === 'directory';
    const { owner, group, mode } = mounted.index.get(names, isFolder);
    return {
      path,
      type,
      size,
      modifiedMs,
      owner,
      ...(group === undefined ? {} : { group }),
      permissions: formatPermissions(mode, isFolder),
    };
  }
}

/** Does `names` lead to what is below `folder`? */
function isWithin(names: Names, folder: Names): boolean {
  return names.length > folder.length && folder.every((name, index) => names[index] === name);
}
