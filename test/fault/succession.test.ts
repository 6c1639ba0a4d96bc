// No request is lost, none is executed twice, whatever moment a server is killed at.
//
//   SKERRY_KILLS   real kills of the first test, 30 by default; the others make a third of it

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { call, notify } from 'skerry';
import { ITEMS_A_TURN } from '../fixtures/fault/counting.server.ts';
import { type Random, SEED, seeded, steps } from './random.ts';
import { type Aftermath, besiege, type Siege, TRANSPORTS, type Transport, wrongRejection } from './siege.ts';

const KILLS = steps('SKERRY_KILLS', 30);
const FEWER = Math.max(4, Math.ceil(KILLS / 4));
const TIMEOUT = 20_000 + KILLS * 1_000;
const DIED = ['SKERRY_SERVER_DIED'];
/**
 * Requests that are started and have no effect yet when a server dies, at most. Handlers run one after the other up to their first
 * await, so over rings it is one; over streams one frame announces all that start in a turn.
 */
const BEGUN: Record<Transport, number> = { ring: 1, stream: 64 };

for (const transport of TRANSPORTS) {
  test(
    `${transport}: each of 64 non-idempotent calls in flight has one outcome while its server is killed`,
    { timeout: TIMEOUT },
    (t) =>
      siege(
        t,
        {
          transport,
          victim: 'one',
          kills: KILLS,
          untilHit: true,
          lanes: 64,
          request: ({ one }, id, random) => one.count(id, delayOf(random)),
        },
        checkOnce,
      ),
  );

  test(`${transport}: the same with two replicas`, { timeout: TIMEOUT }, (t) =>
    siege(
      t,
      {
        transport,
        victim: 'two',
        kills: FEWER,
        untilHit: true,
        lanes: 64,
        request: ({ two }, id, random) => two.count(id, delayOf(random)),
      },
      checkOnce,
    ),
  );

  test(
    `${transport}: the same with payloads from 0 bytes to 3 MB, while rings grow and are replaced`,
    { timeout: TIMEOUT },
    (t) =>
      siege(
        t,
        {
          transport,
          victim: 'one',
          kills: FEWER,
          untilHit: true,
          lanes: 64,
          async request({ one }, id, random) {
            const bytes = new Uint8Array(sizeOf(random)).fill(id & 0xff);
            const answer = await one.bulk(id, bytes);
            assert.equal(answer.bytes.length, bytes.length);
            assert.ok(
              answer.bytes.every((byte) => byte === ((id + 1) & 0xff)),
              'bytes of another request',
            );
            return answer;
          },
        },
        checkOnce,
      ),
  );

  test(`${transport}: idempotent calls are answered, although their server is killed`, { timeout: TIMEOUT }, (t) =>
    siege(
      t,
      {
        transport,
        victim: 'one',
        kills: FEWER,
        lanes: 64,
        request: ({ one }, id, random) => one.countAgain(id, delayOf(random)),
      },
      ({ outcomes, executions, kills }) => {
        outcomes.forEach((outcome, id) => {
          // Alone at two deaths, as the suspects that run one at a time may be, is what SKERRY_POISON means.
          if ('error' in outcome) assert.equal(wrongRejection(outcome.error, ['SKERRY_POISON']), undefined, `call ${id}`);
          else assert.ok(executions.times(id) >= 1, `call ${id} was answered and not executed`);
          assert.ok(
            executions.times(id) <= kills + 1,
            `call ${id} was executed ${executions.times(id)} times in ${kills} deaths`,
          );
        });
        const rejected = outcomes.filter((outcome) => 'error' in outcome).length;
        assert.ok(rejected <= kills / 2, `${rejected} innocent calls were taken for poison in ${kills} deaths`);
      },
    ),
  );

  test(`${transport}: items of a stream that were published are delivered, then the coded error`, {
    timeout: TIMEOUT,
  }, async (t) => {
    const taken: number[] = [];
    const request: Siege['request'] = async ({ one }, id, random) => {
      const count = random.int(1, 200);
      taken[id] = 0;
      for await (const item of call(one, { timeoutMs: 10_000 }).items(id, count)) {
        assert.equal(item, taken[id], 'items come in order, each once');
        taken[id] = item + 1;
      }
      assert.equal(taken[id], count);
      return { pid: await one.pid() };
    };
    await siege(t, { transport, victim: 'one', kills: FEWER, untilHit: true, lanes: 32, request }, (aftermath) => {
      checkOnce(aftermath, transport);
      aftermath.outcomes.forEach((_outcome, id) => {
        // A generator goes on to item n once n items have been handed to the channel; over streams those of one turn go out together.
        const published = aftermath.executions.lastItem(id) - (transport === 'ring' ? 0 : ITEMS_A_TURN);
        assert.ok(
          (taken[id] as number) >= published,
          `stream ${id}: ${taken[id]} items arrived of ${published} that were published`,
        );
      });
    });
  });

  test(`${transport}: a notification runs once at most; one that was not started goes to the successor`, {
    timeout: TIMEOUT,
  }, async (t) => {
    const request: Siege['request'] = async ({ one }, id) => {
      await notify(one).note(id);
      return {
        pid:
          id % 8 === 0
            ? await call(one, { timeoutMs: 10_000 })
                .pid()
                .catch(() => 0)
            : 0,
      };
    };
    // Those without an answer are given a last call to come behind.
    await siege(t, { transport, victim: 'one', kills: FEWER, lanes: 16, request }, ({ outcomes, executions, kills }) => {
      let lost = 0;
      outcomes.forEach((outcome, id) => {
        assert.ok(!('error' in outcome), `notification ${id} was refused: ${'error' in outcome && String(outcome.error)}`);
        assert.ok(executions.times(id) <= 1, `notification ${id} ran ${executions.times(id)} times`);
        if (executions.times(id) === 0) lost += 1;
      });
      assert.ok(lost <= kills * BEGUN[transport], `${lost} notifications were lost in ${kills} deaths`);
    });
  });
}

/** Non-idempotent requests: executed once at most, answered only if executed, rejected only if they may have been. */
function checkOnce({ outcomes, executions, kills }: Aftermath, transport: Transport): void {
  let notExecuted = 0;
  let rejected = 0;
  outcomes.forEach((outcome, id) => {
    const times = executions.times(id);
    assert.ok(times <= 1, `request ${id} was executed ${times} times`);
    if ('error' in outcome) {
      assert.equal(wrongRejection(outcome.error, DIED), undefined, `request ${id}`);
      rejected += 1;
      if (times === 0) notExecuted += 1;
    } else {
      assert.equal(times, 1, `request ${id} was answered and not executed`);
    }
  });
  assert.ok(executions.total <= outcomes.length, 'something was executed that nobody asked for');
  assert.ok(rejected > 0, 'no request was in flight at any kill');
  assert.ok(
    notExecuted <= kills * BEGUN[transport],
    `${notExecuted} requests were rejected that had not been started, in ${kills} deaths`,
  );
}

async function siege(t: TestContext, options: Siege, check: (aftermath: Aftermath, transport: Transport) => void): Promise<void> {
  await seeded(async () => {
    const aftermath = await besiege(options);
    const { outcomes, kills } = aftermath;
    t.diagnostic(
      `seed ${SEED}: ${kills} kills, ${outcomes.length} requests, ${outcomes.filter((o) => 'error' in o).length} rejected`,
    );
    check(aftermath, options.transport);
  });
}

function delayOf(random: Random): number {
  return random.chance(0.4) ? 0 : random.int(1, 6);
}

/** Mostly small, some beyond the first ring, few beyond half of the largest one: these get a region of their own. */
function sizeOf(random: Random): number {
  if (random.chance(0.6)) return random.int(0, 2_000);
  return random.chance(0.9) ? random.int(2_000, 40_000) : random.int(1_500_000, 3_000_000);
}
