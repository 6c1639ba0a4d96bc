// The tree against a plain model, over memory and over a directory of the host: whatever principals do, both say the same.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { AccessIndex } from './access-index.ts';
import { FileError } from './errors.ts';
import { HostMount } from './host-mount.ts';
import { MemoryMount } from './memory-mount.ts';
import type { Mount } from './mount.ts';
import { Tree } from './tree.ts';

interface Node {
  readonly isFolder: boolean;
  readonly content: string;
  readonly owner: string;
  readonly mode: number;
}

const ROOT_MODE = 0o777;
const NAMES = ['a', 'b', 'c'];
const WHO = ['operator', 'foo', 'bar'];

class Failed extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** What the tree is meant to be, written as plainly as can be. */
class Model {
  nodes = new Map<string, Node>([['/', { isFolder: true, content: '', owner: 'operator', mode: ROOT_MODE }]]);

  read(who: string, path: string): string {
    const node = this.#at(who, path);
    this.#must(who, node, 4);
    if (node.isFolder) throw new Failed('EISDIR');
    return node.content;
  }

  list(who: string, path: string): string[] {
    const node = this.#at(who, path);
    if (!node.isFolder) throw new Failed('ENOTDIR');
    this.#must(who, node, 4);
    return this.#children(path);
  }

  write(who: string, path: string, content: string): void {
    this.#walk(who, path);
    const node = this.nodes.get(path);
    if (node?.isFolder) throw new Failed('EISDIR');
    this.#must(who, node ?? this.#parent(path), 2);
    this.nodes.set(path, { isFolder: false, owner: node?.owner ?? who, mode: node?.mode ?? 0o600, content });
  }

  append(who: string, path: string, content: string): void {
    const node = this.#at(who, path);
    if (node.isFolder) throw new Failed('EISDIR');
    this.#must(who, node, 2);
    this.nodes.set(path, { ...node, content: node.content + content });
  }

  make(who: string, path: string, isFolder: boolean, mode: number, content: string): void {
    this.#walk(who, path);
    if (this.nodes.has(path)) throw new Failed('EEXIST');
    this.#must(who, this.#parent(path), 2);
    this.nodes.set(path, { isFolder, owner: who, mode, content });
  }

  remove(who: string, path: string): void {
    this.#walk(who, path);
    if (path === '/') throw new Failed('EPERM');
    this.#must(who, this.#parent(path), 2);
    const node = this.#at(who, path);
    if (node.isFolder && this.#children(path).length > 0) throw new Failed('ENOTEMPTY');
    this.nodes.delete(path);
  }

  rename(who: string, from: string, to: string): void {
    for (const path of [from, to]) {
      this.#walk(who, path);
      if (path === '/') throw new Failed('EPERM');
      this.#must(who, this.#parent(path), 2);
      if (path === from) this.#at(who, from);
    }
    const node = this.#at(who, from);
    if (from === to) return;
    if (to.startsWith(`${from}/`)) throw new Failed('EINVAL');
    const target = this.nodes.get(to);
    if (from.startsWith(`${to}/`)) throw new Failed('ENOTEMPTY');
    if (target !== undefined && target.isFolder !== node.isFolder) throw new Failed(target.isFolder ? 'EISDIR' : 'ENOTDIR');
    if (target !== undefined && this.#children(to).length > 0) throw new Failed('ENOTEMPTY');
    for (const [path, moved] of [...this.nodes]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.nodes.delete(path);
      this.nodes.set(to + path.slice(from.length), moved);
    }
  }

  chmod(who: string, path: string, mode: number): void {
    const node = this.#at(who, path);
    if (path === '/') throw new Failed('EPERM');
    if (who !== 'operator' && who !== node.owner) throw new Failed('EACCES');
    this.nodes.set(path, { ...node, mode });
  }

  #at(who: string, path: string): Node {
    this.#walk(who, path);
    const node = this.nodes.get(path);
    if (node === undefined) throw new Failed('ENOENT');
    return node;
  }

  #walk(who: string, path: string): void {
    const parts = path === '/' ? [] : path.slice(1).split('/');
    for (let depth = 0; depth < parts.length; depth++) {
      const node = this.nodes.get(`/${parts.slice(0, depth).join('/')}`);
      if (node === undefined) throw new Failed('ENOENT');
      if (!node.isFolder) throw new Failed('ENOTDIR');
      this.#must(who, node, 1);
    }
  }

  #parent(path: string): Node {
    return this.nodes.get(path.slice(0, path.lastIndexOf('/')) || '/') as Node;
  }

  #must(who: string, node: Node, bit: number): void {
    if (who === 'operator') return;
    if (((node.mode >> (who === node.owner ? 6 : 0)) & bit) === 0) throw new Failed('EACCES');
  }

  #children(path: string): string[] {
    const start = path === '/' ? '/' : `${path}/`;
    return [...this.nodes.keys()]
      .filter((known) => known !== '/' && known.startsWith(start) && !known.slice(start.length).includes('/'))
      .map((known) => known.slice(start.length))
      .sort();
  }
}

type Step = { readonly op: string; readonly who: string; readonly path: string; readonly to: string; readonly mode: number };

const path = fc.array(fc.constantFrom(...NAMES), { minLength: 0, maxLength: 3 }).map((names) => `/${names.join('/')}`);
const step: fc.Arbitrary<Step> = fc.record({
  op: fc.constantFrom('read', 'list', 'write', 'append', 'create', 'mkdir', 'mkdir', 'remove', 'rename', 'chmod'),
  who: fc.constantFrom(...WHO),
  path,
  to: path,
  mode: fc.constantFrom(0o777, 0o700, 0o755, 0o600, 0o444, 0o000, 0o711),
});

async function inTree(tree: Tree, { op, who, path, to, mode }: Step, content: string): Promise<unknown> {
  const bytes = Buffer.from(content);
  switch (op) {
    case 'read': {
      const file = await tree.open(who, path, 'read');
      const text = Buffer.from(await file.read(0, file.size)).toString();
      await file.close();
      return text;
    }
    case 'list':
      return (await tree.list(who, path)).map(({ name }) => name);
    case 'write':
      return tree.write(who, path, bytes, {});
    case 'append':
      return tree.append(who, path, bytes);
    case 'create':
      return void (await tree.create(who, path, bytes, { permissions: mode }));
    case 'mkdir':
      return void (await tree.mkdir(who, path, { permissions: mode }));
    case 'remove':
      return tree.remove(who, path, false);
    case 'rename':
      return tree.rename(who, path, to);
    default:
      return tree.setHolder(who, path, { permissions: mode });
  }
}

function inModel(model: Model, { op, who, path, to, mode }: Step, content: string): unknown {
  switch (op) {
    case 'read':
      return model.read(who, path);
    case 'list':
      return model.list(who, path);
    case 'write':
      return model.write(who, path, content);
    case 'append':
      return model.append(who, path, content);
    case 'create':
    case 'mkdir':
      return model.make(who, path, op === 'mkdir', mode, op === 'mkdir' ? '' : content);
    case 'remove':
      return model.remove(who, path);
    case 'rename':
      return model.rename(who, path, to);
    default:
      return model.chmod(who, path, mode);
  }
}

async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return { value: await run() };
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === undefined) throw error;
    if (error instanceof FileError) assert.match(error.message, /^E[A-Z]+: .*, [a-z]+ '\/.*'$/);
    return { code };
  }
}

async function compare(mount: Mount, steps: readonly Step[], reopen?: () => Promise<Tree>): Promise<void> {
  const root = { owner: 'operator', group: undefined, mode: ROOT_MODE };
  let tree = reopen === undefined ? new Tree([{ at: [], mount, index: new AccessIndex(root) }], {}) : await reopen();
  const model = new Model();
  for (const [index, one] of steps.entries()) {
    const content = `${index};`;
    const expected = await outcome(() => inModel(model, one, content));
    assert.deepEqual(await outcome(() => inTree(tree, one, content)), expected, `step ${index}: ${JSON.stringify(one)}`);
    if (reopen !== undefined && index === steps.length >> 1) {
      await tree.close(); // as a successor finds it
      tree = await reopen();
    }
  }
  for (const [path, { isFolder, content, owner, mode }] of model.nodes) {
    const stat = await tree.stat('operator', path);
    assert.deepEqual([stat.type, stat.owner, stat.size], [isFolder ? 'directory' : 'file', owner, content.length], path);
    assert.equal(stat.permissions.length, 10);
    if (!isFolder) assert.equal(await inTree(tree, { op: 'read', who: 'operator', path, to: '', mode }, ''), content);
  }
  await tree.close();
}

test('in memory', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), (steps) => compare(new MemoryMount(1 << 20), steps)),
    { numRuns: Number(process.env.SKERRY_TREE_RUNS ?? 400) },
  );
});

test('in a directory of the host, also when the server starts again in the middle', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const folder = mkdtempSync(join(tmpdir(), 'skerry-tree-'));
      try {
        await compare(undefined as never, steps, async () => {
          const mount = await HostMount.open(folder, false);
          const index = new AccessIndex({ owner: 'operator', group: undefined, mode: ROOT_MODE });
          assert.equal(await index.load(await mount.ownFolder(), (names) => mount.has(names)), 0);
          return new Tree([{ at: [], mount, index }], {});
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: (Number(process.env.SKERRY_TREE_RUNS ?? 400) / 6) | 0 },
  );
});
