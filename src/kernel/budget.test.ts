import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultBudget, MemoryBudget } from './budget.ts';

const files = (entries: Record<string, string>) => (path: string) => entries[path];
const MEMINFO = 'MemTotal: 1000000 kB\nMemAvailable:    800000 kB\n';

test('without cgroups the budget is half of what the machine has free', () => {
  assert.equal(defaultBudget(files({ '/proc/meminfo': MEMINFO })), 400_000 * 1024);
});

test('a cgroup of version 2 limits it, also one further up', () => {
  const read = files({
    '/proc/meminfo': MEMINFO,
    '/proc/self/cgroup': '0::/a/b\n',
    '/sys/fs/cgroup/a/b/memory.max': 'max\n',
    '/sys/fs/cgroup/a/b/memory.current': '1000\n',
    '/sys/fs/cgroup/a/memory.max': '5000000\n',
    '/sys/fs/cgroup/a/memory.current': '1000000\n',
  });
  assert.equal(defaultBudget(read), 2_000_000);
});

test('a cgroup of version 1 limits it; the path of the host may be missing in a container', () => {
  const v1 = { '/proc/meminfo': MEMINFO, '/proc/self/cgroup': '9:cpu:/x\n4:memory:/docker/abc\n0::/\n' };
  const inside = {
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '3000000\n',
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '1000000\n',
  };
  assert.equal(defaultBudget(files({ ...v1, ...inside })), 1_000_000);
});

test('nothing readable: a large budget, not none', () => {
  assert.ok(defaultBudget(() => undefined) > 2 ** 30);
});

test('what is taken is refused beyond the limit and comes back', () => {
  const budget = new MemoryBudget(100);
  assert.equal(budget.take(60), true);
  assert.equal(budget.take(41), false);
  assert.equal(budget.used, 60);
  budget.give(20);
  assert.equal(budget.take(60), true);
  budget.give(1000);
  assert.equal(budget.used, 0);
});
