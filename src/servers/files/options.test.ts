// What the file server is told is checked at its start: what is wrong is named, with what would be valid and what was found.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSkerryError } from '../../base/errors.ts';
import { checkOptions, type FilesOptions } from './options.ts';

const check = (options: unknown) => checkOptions(options as FilesOptions);
const root = (mount: unknown) => ({ mounts: { '/': mount } });

test('a wrong option is refused with its name, what would be valid and what was found', () => {
  const wrong: readonly (readonly [options: unknown, message: string])[] = [
    [undefined, "files: mounts must be an object of mounts by path: { '/': { host: './data' } }; it is undefined"],
    [5, 'files takes options; the options are 5'],
    [{ mount: {} }, 'files has no option "mount"; it has: mounts, groups'],
    [{ mounts: [] }, "files: mounts must be an object of mounts by path: { '/': { host: './data' } }; it is []"],
    [{ mounts: {}, groups: 'g' }, 'files: groups must be an object of principals by group; it is "g"'],
    [{ mounts: {}, groups: { g: 'ada' } }, 'files: groups.g must be an array of principals; it is "ada"'],
    [{ mounts: {}, groups: { g: [1] } }, 'files: groups.g must be an array of principals; it is [1]'],
    [{ mounts: {} }, 'files: mounts must have one at "/"; there are: none'],
    [{ mounts: { '/a': { memoryMb: 1 } } }, 'files: mounts must have one at "/"; there are: /a'],
    [root(null), 'files: mounts["/"] must be an object with one of host, memoryMb, bundle; it is null'],
    [root({}), 'files: mounts["/"] must have one of host, memoryMb, bundle; it has none'],
    [root({ host: '.', memoryMb: 1 }), 'files: mounts["/"] must have one of host, memoryMb, bundle; it has host and memoryMb'],
    [root({ memoryMb: 0 }), 'files: mounts["/"].memoryMb must be an integer from 1 to 1048576; it is 0'],
    [root({ memoryMb: undefined }), 'files: mounts["/"].memoryMb must be an integer from 1 to 1048576; it is undefined'],
    [root({ host: '' }), 'files: mounts["/"].host must be the path of a directory; it is ""'],
    [root({ host: '.', readOnly: 1 }), 'files: mounts["/"].readOnly must be true or false; it is 1'],
    [root({ host: '.', owner: 5 }), 'files: mounts["/"].owner must be a principal; it is 5'],
    [root({ host: '.', owner: '' }), 'files: mounts["/"].owner must be a principal; it is ""'],
    [{ ...root({ host: '.', group: 'h' }), groups: { g: [] } }, 'files: mounts["/"].group must be one of groups (g); it is "h"'],
    [root({ host: '.', group: 'toString' }), 'files: mounts["/"].group must be one of groups (none); it is "toString"'],
    [root({ bundle: null }), 'files: mounts["/"].bundle must be an object of files by path; it is null'],
    [root({ bundle: { '/': 'x' } }), 'files: mounts["/"].bundle has a file at "/"'],
    [root({ bundle: { '/a': 5 } }), 'files: mounts["/"].bundle["/a"] must be text or bytes; it is 5'],
  ];
  for (const [options, message] of wrong) {
    assert.throws(
      () => check(options),
      (error) => {
        assert.ok(isSkerryError(error, 'SKERRY_INVALID'), String(error));
        assert.equal(error.message, message);
        return true;
      },
    );
  }
  const unknown = /^files has no option "mounts\["\/"\]\.hots"; it has: mounts\["\/"\]\.host, /;
  assert.throws(() => check(root({ hots: '.' })), { message: unknown });
  assert.throws(() => check({ mounts: { 'a/..': { memoryMb: 1 } } }), { message: /^files: mounts\["a\/\.\."\] is no path: / });
  assert.throws(() => check(root({ host: '.', permissions: 'rw' })), {
    message: /permissions of a directory must be ten characters such as 'drwxr-x---'/,
  });
});

test('what is left out has its default', () => {
  const { mounts, groups } = check({ mounts: { '/': { host: '.' }, '/tmp': { memoryMb: 2, owner: 'ada', permissions: 0o700 } } });
  assert.deepEqual(groups, {});
  assert.deepEqual(mounts, [
    { at: [], owner: 'operator', group: undefined, mode: 0o755, kind: { type: 'host', path: '.', readOnly: false } },
    { at: ['tmp'], owner: 'ada', group: undefined, mode: 0o700, kind: { type: 'memory', bytesMax: 2 * 1024 * 1024 } },
  ]);
});
