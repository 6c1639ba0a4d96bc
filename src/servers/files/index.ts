// The file server: `load: () => import('skerry/servers/files')`. Its methods act for the principal of the caller's channel.

import { SkerryError } from '../../base/errors.ts';
import { type CurrentCall, enableCallContext, getCurrentCall } from '../../rpc/call-context.ts';
import { Feed } from '../../rpc/feed.ts';
import type { ServerContext } from '../../server/context.ts';
import { method, server } from '../../server/definition.ts';
import { AccessIndex } from './access-index.ts';
import { checkCreate, checkOwner, checkRead, checkRemove, checkWrite } from './call-options.ts';
import { FileError } from './errors.ts';
import type { CreateOptions, FileChange, FilesApi, ReadOptions, WriteOptions } from './files-api.ts';
import { HostMount } from './host-mount.ts';
import { MemoryMount } from './memory-mount.ts';
import type { OpenFile } from './mount.ts';
import { checkOptions, type FilesOptions, type MountSettings } from './options.ts';
import { type Permissions, parsePermissions } from './permissions.ts';
import { Room } from './room.ts';
import { type Mounted, Tree } from './tree.ts';

export type { FileChange, FileEntry, FileStat, FilesApi, FileType } from './files-api.ts';
export type { FilesOptions, MountOptions } from './options.ts';

const READ_MAX_BYTES = 63 * 1024 * 1024;
/** What all reads together hold at a time; who comes when there is no room waits. */
const READS_BYTES = 128 * 1024 * 1024;
/** Streams and watches of one principal. */
const STREAMS_MAX = 128;
const PIECE_BYTES = 256 * 1024;
/** Changes that a slow watcher has not taken; beyond it the oldest are dropped. */
const CHANGES_MAX = 1024;

enableCallContext();

export default server(async (ctx: ServerContext<FilesOptions>): Promise<FilesApi> => {
  const { mounts, groups } = checkOptions(ctx.options);
  const tree = new Tree(await Promise.all(mounts.map((settings) => mountOf(settings, ctx))), groups);
  ctx.onStop(() => tree.close());
  const who = (): string => servedCall().principal;

  /** A principal has so many streams open, and no more: each holds a descriptor of this server. @returns how it is left */
  const open = new Map<string, number>();
  const enter = (principal: string, path: string, operation: string): (() => void) => {
    const count = open.get(principal) ?? 0;
    if (count >= STREAMS_MAX) throw new FileError('EMFILE', operation, path, `${principal} has ${count} streams open`);
    open.set(principal, count + 1);
    return () => {
      const left = (open.get(principal) ?? 1) - 1;
      if (left === 0) open.delete(principal);
      else open.set(principal, left);
    };
  };

  const room = new Room(READS_BYTES);

  const read = async (path: string, options?: ReadOptions): Promise<Uint8Array> => {
    const range = checkRead('read', options);
    const file = await tree.open(who(), path, 'read');
    try {
      const [start, end] = rangeOf(range, file.size, path);
      if (end - start > READ_MAX_BYTES)
        throw new FileError('EFBIG', 'read', path, `${end - start} bytes; up to ${READ_MAX_BYTES} at once, more by stream()`);
      return await room.within(end - start, () => file.read(start, end - start));
    } finally {
      await file.close();
    }
  };

  return {
    read: method({ idempotent: true }, (path: string, options?: ReadOptions) => read(path, options)),
    readText: method({ idempotent: true }, async (path: string) => new TextDecoder().decode(await read(path))),

    async *stream(path: string, options?: ReadOptions): AsyncGenerator<Uint8Array, void> {
      const range = checkRead('stream', options);
      const leave = enter(who(), path, 'read');
      let file: OpenFile | undefined;
      try {
        file = await tree.open(who(), path, 'read');
        const [start, end] = rangeOf(range, file.size, path);
        for (let at = start; at < end; ) {
          const piece = await file.read(at, Math.min(PIECE_BYTES, end - at));
          if (piece.length === 0) return; // it has become shorter
          at += piece.length;
          yield piece;
        }
      } finally {
        leave();
        await file?.close();
      }
    },

    write: async (path: string, content: string | Uint8Array, options?: WriteOptions) => {
      const { isNew, permissions } = checkWrite(options);
      const mode = permissions === undefined ? undefined : parsePermissions(permissions, false);
      return tree.write(who(), path, bytesOf(content), { isNew, mode });
    },
    append: async (path: string, content: string | Uint8Array) => tree.append(who(), path, bytesOf(content)),
    create: async (path: string, given?: CreateOptions) => {
      const { content = '', ...options } = checkCreate('create', given);
      return tree.create(who(), path, bytesOf(content), options);
    },
    list: method({ idempotent: true }, async (path: string) => tree.list(who(), path)),
    stat: method({ idempotent: true }, async (path: string) => tree.stat(who(), path)),
    mkdir: async (path: string, options?: Omit<CreateOptions, 'content'>) =>
      tree.mkdir(who(), path, checkCreate('mkdir', options)),
    rename: async (from: string, to: string) => tree.rename(who(), from, to),
    remove: async (path: string, options?: { readonly recursive?: boolean }) =>
      tree.remove(who(), path, checkRemove(options).recursive),
    setPermissions: async (path: string, permissions: Permissions) => tree.setHolder(who(), path, { permissions }),
    setOwner: async (path: string, owner: string, group?: string) => {
      checkOwner(owner, group);
      return tree.setHolder(who(), path, { owner, group });
    },

    async *watch(path: string): AsyncGenerator<FileChange, void> {
      const call = servedCall();
      const over = new AbortController();
      const leave = enter(call.principal, path, 'watch');
      const changes = new Feed<FileChange>(CHANGES_MAX);
      try {
        const hear = (change: FileChange) => {
          const { last } = changes;
          if (last?.path !== change.path || last.what !== change.what) changes.push(change);
        };
        await tree.watch(call.principal, path, over.signal, hear, () => changes.end());
        yield* changes.items(call);
      } finally {
        over.abort();
        leave();
      }
    },
  };
});

async function mountOf({ at, owner, group, mode, kind }: MountSettings, { log }: ServerContext<FilesOptions>): Promise<Mounted> {
  const isReadOnly = kind.type === 'bundle' || (kind.type === 'host' && kind.readOnly);
  const index = new AccessIndex({ owner, group, mode }, isReadOnly);
  if (kind.type === 'memory') return { at, index, mount: new MemoryMount(kind.bytesMax) };
  if (kind.type === 'bundle') return { at, index, mount: MemoryMount.bundle(kind.files) };
  const mount = await HostMount.open(kind.path, kind.readOnly).catch((error: Error) => {
    throw new SkerryError(
      'SKERRY_INIT',
      `files: the directory ${kind.path} of mount /${at.join('/')} cannot be used: ${error.message}`,
      { cause: error },
    );
  });
  if (!kind.readOnly) {
    const torn = await index.load(await mount.ownFolder(), (names) => mount.has(names));
    if (torn > 0) log.warn(`${torn} lines of the index of owners were torn and do not count`, { mount: `/${at.join('/')}` });
  }
  return { at, index, mount };
}

function bytesOf(content: unknown): Uint8Array {
  if (typeof content === 'string') return new TextEncoder().encode(content);
  if (content instanceof Uint8Array) return content;
  throw new SkerryError('SKERRY_INVALID', `files: content must be text or a Uint8Array; it is a value of type ${typeof content}`);
}

/** @returns first byte, and the one behind the last. */
function rangeOf(range: ReadOptions, size: number, path: string): [number, number] {
  const { start = 0, end = size } = range;
  for (const [name, value] of Object.entries({ start, end })) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new FileError('EINVAL', 'read', path, `${name} must be a number of bytes, 0 or more; it is ${String(value)}`);
  }
  const last = Math.min(end, size);
  return [Math.min(start, last), last];
}

/** What this code runs for. */
function servedCall(): CurrentCall {
  const call = getCurrentCall();
  if (call === undefined) throw new SkerryError('SKERRY_UNSUPPORTED', 'files: a method was called outside of a call');
  return call;
}
