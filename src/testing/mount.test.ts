// mount(): what a server's author can rely on in a test.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { currentCall } from '../context.ts';
import { call, isSkerryError, method, notify, options, server, uses } from '../index.ts';
import { mount } from './mount.ts';

const TIMEOUT = { timeout: 10_000 };

interface Ledger {
  add(id: string, cents: number): Promise<number>;
  history(id: string): AsyncIterableIterator<number>;
}
const shop = server({ uses: { ledger: uses<Ledger>() }, options: options<{ currency: string }>() }, (ctx) => {
  let sales = 0;
  ctx.onStop(() => ctx.log.info('closed'));
  ctx.log.info(`open in ${ctx.options.currency}`);
  return {
    sell: async (id: string, cents: number): Promise<string> => {
      sales += 1;
      return `${await ctx.uses.ledger.add(id, cents)} ${ctx.options.currency} for ${currentCall().principal}, sale ${sales}`;
    },
    async *past(id: string): AsyncGenerator<number> {
      for await (const cents of ctx.uses.ledger.history(id)) yield cents * 2;
    },
    same: async (value: object): Promise<object> => value,
    price: method({ input: v.number() }, async (x) => x),
    once: method({ idempotent: true }, async (ms: number) => sleep(ms, sales, { ref: false })),
    slow: async (ms: number): Promise<number> => sleep(ms, sales, { ref: false }),
    count: (): number => sales,
  };
});

test('a server runs with fakes for what it uses; values are copies; errors are as between processes', TIMEOUT, async () => {
  const added: unknown[] = [];
  const mounted = await mount(shop, {
    options: { currency: 'EUR' },
    uses: {
      ledger: {
        add: async (...args) => added.push(args),
        async *history() {
          yield* [1, 2, 3];
        },
      },
    },
    principal: 'foo',
  });
  assert.equal(await mounted.server.sell('a', 5), '1 EUR for foo, sale 1');
  assert.equal(await mounted.as('bar').sell('b', 6), '2 EUR for bar, sale 2');
  assert.deepEqual(added, [
    ['a', 5],
    ['b', 6],
  ]);
  const past: number[] = [];
  for await (const cents of mounted.server.past('a')) past.push(cents);
  assert.deepEqual(past, [2, 4, 6]);
  const value = { a: [1] };
  const back = await mounted.server.same(value);
  assert.deepEqual(back, value);
  assert.notEqual(back, value);
  await assert.rejects(mounted.server.price('x' as never), (error) => isSkerryError(error, 'SKERRY_INVALID'));
  await assert.rejects(mounted.server.same({ f: () => 1 }), (error) => isSkerryError(error, 'SKERRY_UNSENDABLE'));
  await assert.rejects(call(mounted.server, { timeoutMs: 20 }).slow(500), (error) => isSkerryError(error, 'SKERRY_TIMEOUT'));
  await assert.rejects((mounted.server as unknown as { nothing(): Promise<void> }).nothing(), (error) =>
    isSkerryError(error, 'SKERRY_NOT_FOUND'),
  );
  await notify(mounted.server).sell('c', 7);
  await mounted.stop();
  assert.equal(added.length, 3, 'what was published is served before the end');
  assert.match(mounted.log[0] ?? '', /\[server\] open in EUR$/);
  assert.match(mounted.log.at(-1) ?? '', /closed$/);
  await assert.rejects(mounted.server.count(), (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN'));
});

test('a crash decides the calls as between processes, and init runs again', TIMEOUT, async () => {
  let inits = 0;
  const fragile = server({ concurrency: 2 }, () => {
    inits += 1;
    const run = inits;
    return {
      run: (): number => run,
      once: method({ idempotent: true }, async (ms: number) => sleep(run === 1 ? ms : 0, run)),
      slow: async (ms: number): Promise<number> => sleep(ms, run),
    };
  });
  const mounted = await mount(fragile);
  const again = mounted.server.once(60_000);
  const lost = mounted.server.slow(60_000);
  const waiting = mounted.server.run();
  await sleep(10);
  const outcome = lost.catch((error) => error);
  await mounted.crash('SIGSEGV');
  const error = await outcome;
  assert.ok(isSkerryError(error, 'SKERRY_SERVER_DIED') && error.maybeExecuted === true && /SIGSEGV/.test(error.message));
  assert.deepEqual([await again, await waiting, inits], [2, 2, 2]);
  await mounted.stop();
});

test('what is missing or too much is said', TIMEOUT, async () => {
  await assert.rejects(
    mount(shop, { options: { currency: 'EUR' } }),
    (error) =>
      isSkerryError(error, 'SKERRY_INVALID') && /uses ledger; give fakes: \{ uses: \{ ledger: \{ … \} \} \}/.test(error.message),
  );
  await assert.rejects(
    mount(
      server(() => ({})),
      { uses: { ledger: {} } } as never,
    ),
    /does not use "ledger"; it uses: none/,
  );
  await assert.rejects(mount({} as never), /takes what server\(\) returns/);
  const given = mount as unknown as (definition: unknown, options: unknown) => Promise<unknown>;
  await assert.rejects(given(shop, 5), /mount\(\) takes a server and options; the options are 5/);
  await assert.rejects(given(shop, { use: {} }), /mount\(\) has no option "use"; it has: uses, name/);
  await assert.rejects(given(shop, { principal: 5 }), /mount\(\): principal must be a string; it is 5/);
  await assert.rejects(
    mount(
      server(() => {
        throw new Error('no disk');
      }),
    ),
    /no disk/,
  );
  const partial = await mount(shop, { options: { currency: 'EUR' }, uses: { ledger: {} } });
  await assert.rejects(
    partial.server.sell('a', 1),
    (error) => isSkerryError(error, 'SKERRY_NOT_FOUND') && /ledger/.test(error.message),
  );
  await partial.stop();
});

test('a real server can stand for one that is used', TIMEOUT, async () => {
  const ledger = server(() => ({
    add: async (_id: string, cents: number): Promise<number> => cents,
    async *history(_id: string): AsyncGenerator<number> {},
  }));
  const mounted = await mount(shop, { options: { currency: 'CHF' }, uses: { ledger } });
  assert.equal(await mounted.server.sell('a', 9), '9 CHF for operator, sale 1');
  await mounted.stop();
});

test('a successor that does not start is told to all clients, old and new; crash and stop take turns', TIMEOUT, async () => {
  let inits = 0;
  const stopped: number[] = [];
  const once = server((ctx) => {
    inits += 1;
    const run = inits;
    ctx.onStop(() => void stopped.push(run));
    if (run === 2) throw new Error('no disk');
    return { run: (): number => run };
  });
  const mounted = await mount(once);
  await assert.rejects(mounted.crash(), /no disk/);
  for (const client of [mounted.server, mounted.as('new')]) {
    await assert.rejects(call(client, { timeoutMs: 5_000 }).run(), (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN'));
  }
  await mounted.crash();
  assert.equal(await mounted.as('later').run(), 3);
  const crash = mounted.crash();
  const stop = mounted.stop();
  const late = mounted.crash();
  await Promise.allSettled([crash]);
  await assert.rejects(late, (error) => isSkerryError(error, 'SKERRY_SERVER_DOWN'));
  await stop;
  assert.deepEqual(stopped, [inits]);
});

test('a fake of a server whose methods have properties is plain functions', TIMEOUT, async (t) => {
  const scale = server(() => ({ weigh: method({ idempotent: true }, async (grams: number, unit = 'g') => `${grams} ${unit}`) }));
  const counter = server({ uses: { scale: uses<typeof scale>() } }, (ctx) => ({ ask: async () => ctx.uses.scale.weigh(5) }));
  const mounted = await mount(counter, { uses: { scale: { weigh: (grams: number) => `${grams} of a fake` } } });
  t.after(() => mounted.stop());
  assert.equal(await mounted.server.ask(), '5 of a fake');
});
