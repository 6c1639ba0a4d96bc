// Where there is no addon, the loader says why.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { finished, loaderUrl, start } from '../../test/fault/addon-child.ts';
import { loadNative } from './load-native.ts';

describe('the loader', { timeout: 30_000 }, () => {
  test('says why there is no addon', async () => {
    const show = `import(${JSON.stringify(loaderUrl)}).then((m) => console.log(JSON.stringify(m.loadNative())))`;
    const stream = await finished(start(show, { plain: true, env: { SKERRY_TRANSPORT: 'stream' } }));
    assert.deepEqual(JSON.parse(stream.stdout), { reason: 'SKERRY_TRANSPORT=stream' });
    const onVax = `Object.defineProperty(process, 'arch', { value: 'vax' }); ${show}`;
    const arch = await finished(start(onVax, { plain: true, env: { SKERRY_TRANSPORT: '' } }));
    assert.match(JSON.parse(arch.stdout).reason, /no skerry-\w+-vax(-musl)?\.node for this platform/);
  });

  test('answers the same each time', () => {
    assert.equal(loadNative(), loadNative());
  });
});
