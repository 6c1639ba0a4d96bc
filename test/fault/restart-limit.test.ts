// Default restarts: who is killed each time it has become stable is always started again; who is killed each time it is there ends as a zombie.
//
//   SKERRY_STABLE_S   seconds of the kills, 6 by default: more of them than a crash loop is given

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot } from 'skerry';
import sparedSystem from '../fixtures/fault/spared.system.ts';
import { descendants, isAlive, until } from './processes.ts';
import { steps } from './random.ts';

const SECONDS = steps('SKERRY_STABLE_S', 6);
/** As the defaults are: DESIGN.md, section 7. */
const [STABLE_MS, UNSTABLE_MAX] = [500, 5];
const options = { timeout: (SECONDS + 60) * 1000 };

test(`killed each time it is stable, for ${SECONDS} s: never a zombie; killed each time it is there: one`, options, async (t) => {
  const sys = await boot(sparedSystem, { env: { ...process.env, SKERRY_TEST_NAME: 'a name', SKERRY_TEST_SECRET: 'a secret' } });
  const plain = async () => {
    const found = (await sys.processes.usage()).find(({ name }) => name === 'plain');
    assert.ok(found);
    return found;
  };
  let pids: number[] = [];
  try {
    const end = performance.now() + SECONDS * 1000;
    let kills = 0;
    while (performance.now() < end) {
      const { state, pid, uptimeMs = 0 } = await plain();
      assert.notEqual(state, 'zombie', `after ${kills} kills`);
      if (pid > 0 && uptimeMs > STABLE_MS + 20) {
        process.kill(pid, 'SIGKILL');
        kills += 1;
        await until('its death is known', async () => (await plain()).pid !== pid);
      }
      await sleep(20);
    }
    assert.ok(kills > UNSTABLE_MAX, `${kills} kills`);
    t.diagnostic(`${kills} kills of a stable one`);

    const since = performance.now();
    let deaths = 0;
    for (let last = 0; ; ) {
      const { state, pid } = await plain();
      if (state === 'zombie') break;
      assert.ok(performance.now() - since < 50_000, `${deaths} deaths, and it is ${state}`);
      if (pid > 0 && pid !== last && (state === 'running' || state === 'sleeping')) {
        process.kill(pid, 'SIGKILL');
        last = pid;
        deaths += 1;
      }
      await sleep(1);
    }
    assert.ok(deaths >= UNSTABLE_MAX, `${deaths} deaths`);
    t.diagnostic(`a zombie after ${deaths} deaths, ${Math.round(performance.now() - since)} ms`);
  } finally {
    pids = descendants();
    await sys.stop();
  }
  await until('no process is left', () => !pids.some(isAlive));
});
