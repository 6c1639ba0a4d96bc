// A system of TypeScript modules, run as it is: on this test's Node, by stripping types natively or by Skerry's hooks.

import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { emptyFolder, lineOf, nothingIsLeft, root, run, start, TRANSPORTS } from './world.ts';

const TIMEOUT = { timeout: 30_000 };
const NATIVE = Boolean((process.features as { typescript?: unknown }).typescript);

interface Said {
  readonly greeting: unknown;
  readonly letters: unknown;
  readonly failure: string;
  readonly local: string;
}

function program(t: TestContext): string {
  const folder = emptyFolder(t);
  cpSync(join(root, 'test/fixtures/typescript'), folder, { recursive: true });
  return folder;
}

for (const transport of TRANSPORTS) {
  describe(`TypeScript modules, ${transport}, ${NATIVE ? 'native' : 'hooks'}`, () => {
    const env = transport === 'stream' ? { SKERRY_TRANSPORT: 'stream' } : {};

    test('run as they are with --import skerry/typescript, on every Node; stacks name their lines', TIMEOUT, async (t) => {
      const cwd = program(t);
      check(await run(t, ['--import', 'skerry/typescript', 'main.ts'], { cwd, env }));
      await nothingIsLeft();
    });

    test('run without a flag where Node strips types', { ...TIMEOUT, skip: !NATIVE && 'this Node does not' }, async (t) => {
      const cwd = program(t);
      check(await run(t, ['main.ts'], { cwd, env }));
    });
  });
}

test('a module with syntax that cannot be erased is named in the error', TIMEOUT, async (t) => {
  const cwd = program(t);
  writeFileSync(
    join(cwd, 'greeter.server.ts'),
    "import { server } from 'skerry';\nenum Colour { red }\nexport default server(() => ({ red: () => Colour.red }));\n",
  );
  const { code, stderr } = await start(t, ['--import', 'skerry/typescript', 'main.ts'], { cwd }).ended;
  assert.notEqual(code, 0);
  assert.match(stderr, /SKERRY_INIT/);
  assert.match(stderr, /server "greeter"/);
  assert.match(stderr, /enum/i);
});

function check(output: string): void {
  const said = JSON.parse(output) as Said;
  assert.deepEqual(said.greeting, { text: 'hello youhello you', times: 2, count: 2 });
  assert.deepEqual(said.letters, ['a', 'b', 'c']);
  assert.match(
    said.failure,
    new RegExp(`greeter\\.server\\.ts:${lineOf('typescript/greeter.server.ts', 'throw new Error(message)')}:13`),
  );
  assert.match(said.local, new RegExp(`main\\.ts:${lineOf('typescript/main.ts', "new Error('here')")}:`));
}
