// The atlas's page in a real browser, Debian's Chromium: by mouse, by keyboard alone, on a narrow screen, and when nobody answers.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { until } from '../fault/processes.ts';
import { nothingIsLeft, type Program, root, start } from './world.ts';

const CHROMIUM = '/usr/bin/chromium';
const MAIN = join(root, 'dist/examples/atlas/main.js');
/** For a single step in the browser. */
const STEP_MS = 15_000;
const skip = existsSync(CHROMIUM) ? false : `there is no ${CHROMIUM} (Debian's package chromium; .ci/run installs it)`;

interface City {
  readonly name: string;
}

test('the page of the atlas', { skip, timeout: 150_000 }, async (t) => {
  const { atlas, url } = await startAtlas(t);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'], timeout: 30_000 });
  t.after(() => browser.close());
  const step = (name: string, body: (t: TestContext) => Promise<void>) => t.test(name, { timeout: 60_000 }, body);
  const openIn = async (t: TestContext, path: string, more?: BrowserContextOptions) => open(t, browser, url + path, more);

  await step('loads from its own origin alone, draws the countries, and complains of nothing', async (t) => {
    const { page, requests, complaints } = await openIn(t, '/');
    assert.ok((await page.locator('#map path.land').count()) > 200);
    assert.equal(await page.locator('#country option').count(), 1 + (await json<unknown[]>(`${url}/countries`)).length);
    await page.locator('#map').click({ position: { x: 300, y: 200 } });
    await page.locator('#answer table').waitFor();
    assert.ok(requests.length > 10);
    assert.deepEqual(
      requests.filter((request) => !request.startsWith(`${url}/`)),
      [],
    );
    assert.deepEqual(complaints, []);
  });

  await step('a city is found and chosen by keyboard alone', async (t) => {
    const { page } = await openIn(t, '/');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.className'), 'skip');
    await page.keyboard.press('Tab');
    const search = page.getByRole('combobox', { name: 'Find a city' });
    assert.equal(await focused(page), 'search');
    await page.keyboard.type('MÜNCHEN', { delay: 5 });
    await options(page).first().waitFor();
    assert.equal(await search.getAttribute('aria-expanded'), 'true');
    assert.equal(await search.getAttribute('aria-activedescendant'), null);
    await page.getByText(/^\d cities found; /).waitFor();
    await page.keyboard.press('ArrowUp');
    assert.equal(await search.getAttribute('aria-activedescendant'), await options(page).last().getAttribute('id'));
    await page.keyboard.press('ArrowDown');
    const active = await search.getAttribute('aria-activedescendant');
    assert.equal(active, await options(page, { selected: true }).getAttribute('id'));
    assert.match((await page.locator(`#${active}`).textContent()) ?? '', /^MunichBavaria, Germany1,\d{3},\d{3}$/);
    await page.keyboard.press('Enter');
    await page.locator('#answer tbody tr').first().waitFor();
    assert.equal(await page.locator('#answer tbody th button').first().textContent(), 'Munich');
    assert.equal(await page.locator('#answer tbody tr').count(), 8);
    assert.equal(await search.inputValue(), 'Munich');
    assert.equal(await search.getAttribute('aria-expanded'), 'false');
    assert.equal(await focused(page), 'search');
    assert.match(
      (await page.locator('#announcement').textContent()) ?? '',
      /^Nearest to .* 8 cities, the first is Munich, 0 m away\.$/,
    );

    await search.fill('qqqq');
    await page.getByText('No city is called “qqqq”, or begins so.').waitFor();
    await search.fill('ber');
    await options(page).first().waitFor();
    await page.keyboard.press('Escape');
    assert.deepEqual([await options(page).count(), await search.inputValue()], [0, 'ber']);
    await page.keyboard.press('Escape');
    assert.equal(await search.inputValue(), '');
  });

  await step('a click on the map gives the cities nearest to that place, and the address is a link to it', async (t) => {
    const { page } = await openIn(t, '/');
    await page.locator('#map').click({ position: { x: 420, y: 260 } });
    const names = await tableNames(page);
    const [, lat, lng] = /^#at=([-\d.]+),([-\d.]+)&k=8$/.exec(await hash(page)) ?? assert.fail(await hash(page));
    const expected = await json<City[]>(`${url}/nearest?lat=${lat}&lng=${lng}&k=8`);
    assert.deepEqual(
      names,
      expected.map(({ name }) => name),
    );
    assert.equal(await page.locator('#map .city').count(), 8);
    assert.deepEqual([await page.locator('#lat').inputValue(), await page.locator('#lng').inputValue()], [lat, lng]);
    const again = await openIn(t, `/${await hash(page)}`);
    assert.deepEqual(await tableNames(again.page), names);
  });

  await step('the map is moved and asked by keyboard', async (t) => {
    const { page } = await openIn(t, '/#at=48.2,16.37&k=3');
    const before = await tableNames(page);
    await page.locator('#k').focus();
    for (let i = 0; i < 10 && (await focused(page)) !== 'map'; i++) await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'map');
    assert.equal(await page.locator('.cross').isVisible(), true);
    for (let i = 0; i < 6; i++) await page.keyboard.press('-');
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await until('the address is another', async () => !(await hash(page)).startsWith('#at=48.2,'), STEP_MS);
    const after = await tableNames(page);
    assert.equal(after.length, 3);
    assert.notDeepEqual(after, before);
    assert.ok(Number(await page.locator('#lat').inputValue()) < 48);
    assert.equal(await focused(page), 'map');
  });

  await step('numbers that are wrong are named in words and kept; right ones are answered', async (t) => {
    const { page } = await openIn(t, '/');
    await page.locator('#lat').fill('91');
    await page.locator('#lng').fill('13.4');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('Latitude: expected a latitude from -90 to 90 degrees, got 91').waitFor();
    assert.deepEqual([await page.locator('#lat').inputValue(), await page.locator('#lng').inputValue()], ['91', '13.4']);
    assert.equal(await page.locator('#lat').getAttribute('aria-invalid'), 'true');
    await until('the wrong field has the focus', async () => (await focused(page)) === 'lat', STEP_MS);
    await page.locator('#lat').fill('52.5');
    await page.locator('#k').fill('2');
    await page.getByRole('button', { name: 'Find' }).click();
    assert.equal((await tableNames(page)).length, 2);
    assert.equal(await page.getByRole('alert').textContent(), '');
    assert.equal(await page.locator('[aria-invalid]').count(), 0);
  });

  await step('a country shows its largest cities; back shows what was before', async (t) => {
    const { page } = await openIn(t, '/#at=0,0&k=1');
    const before = await tableNames(page);
    await page.getByRole('combobox', { name: 'Largest cities of a country' }).selectOption({ label: 'Germany' });
    await page.getByRole('heading', { name: 'Germany' }).waitFor();
    const names = await tableNames(page);
    assert.deepEqual([names.length, ...names.slice(0, 3)], [15, 'Berlin', 'Hamburg', 'Munich']);
    assert.equal(await page.locator('#map path.chosen').count(), 1);
    assert.equal(await hash(page), '#country=DE');
    await page.goBack();
    await page.getByRole('heading', { name: 'Nearest to 0° N, 0° E' }).waitFor();
    assert.deepEqual(await tableNames(page), before);
    assert.equal(await page.locator('#country').inputValue(), '');
    await page.goto(`${url}/#country=XX`);
    await page.getByText('No city here is in a country "XX".').waitFor();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    await step(
      `labels, order of focus and contrast are right, wide and 360 pixels narrow, in ${colorScheme} colours`,
      async (t) => {
        for (const width of [1280, 360]) {
          const { page } = await openIn(t, '/#country=BR', { viewport: { width, height: 740 }, colorScheme });
          await tableNames(page);
          await page.locator('#lat').fill('100');
          await page.getByRole('button', { name: 'Find' }).click();
          await page.getByRole('alert').getByText('Latitude').waitFor();
          await page.locator('#search').fill('san');
          await options(page).first().waitFor();
          await page.keyboard.press('ArrowDown');
          assert.deepEqual(await page.evaluate(FLAWS), []);
          assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width);
          await page.keyboard.press('Escape');
          assert.deepEqual((await focusOrder(page)).slice(0, 6), ['search', 'country', 'lat', 'lng', 'k', 'Find']);
        }
      },
    );
  }

  await step(
    'when a part is down, or nobody is there, it says so, keeps what was typed, and tries again on demand',
    async (t) => {
      const { page } = await openIn(t, '/');
      await page.route('**/nearest?*', (route) =>
        route.fulfill({ status: 503, json: { error: { code: 'SKERRY_SERVER_DOWN', message: 'geo is down' } } }),
      );
      await page.locator('#lat').fill('52.5');
      await page.locator('#lng').fill('13.4');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('a part of it is just starting again').waitFor();
      assert.deepEqual([await page.locator('#lat').inputValue(), await page.locator('#lng').inputValue()], ['52.5', '13.4']);
      await page.unroute('**/nearest?*');
      await page.getByRole('button', { name: 'Try again' }).click();
      assert.equal((await tableNames(page)).length, 8);

      process.kill(atlas.pid, 'SIGTERM');
      assert.equal((await atlas.ended).code, 0);
      await page.locator('#search').fill('Berl');
      await page.locator('#search-message').getByText('The atlas cannot be reached').waitFor();
      assert.equal(await page.locator('#search').inputValue(), 'Berl');
      await page.locator('#map').click({ position: { x: 100, y: 100 } });
      await page.getByRole('alert').getByText('The atlas cannot be reached').waitFor();
      assert.equal(await page.locator('#answer tbody tr').count(), 8, 'the last answer stays');
    },
  );

  await browser.close();
  await nothingIsLeft();
});

async function startAtlas(t: TestContext): Promise<{ atlas: Program; url: string }> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const atlas = start(t, [MAIN], { env: { PORT: String(port) } });
  await until('the atlas is up', () => atlas.stdout().includes('Ctrl-C stops it') || atlas.child.exitCode !== null, 60_000);
  assert.equal(atlas.child.exitCode, null, atlas.stderr());
  return { atlas, url: `http://127.0.0.1:${port}` };
}

/** A fresh profile on the page, once the page says that it is ready. */
async function open(t: TestContext, browser: Browser, url: string, more: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...more });
  t.after(() => context.close());
  context.setDefaultTimeout(STEP_MS);
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  await page.locator('html[data-ready]').waitFor();
  return { page, requests, complaints };
}

async function tableNames(page: Page): Promise<string[]> {
  await page.locator('#answer tbody tr').first().waitFor();
  await page.locator('#results:not([aria-busy])').waitFor();
  return page.locator('#answer tbody th button').allTextContents();
}

function focused(page: Page): Promise<string> {
  return page.evaluate('document.activeElement.id');
}

function hash(page: Page): Promise<string> {
  return page.evaluate('location.hash');
}

async function json<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

/** What the search box offers; the country's field has options as well. */
function options(page: Page, more: { selected?: boolean } = {}) {
  return page.locator('#options').getByRole('option', more);
}

/** What Tab comes to, from the search box on. */
async function focusOrder(page: Page): Promise<string[]> {
  await page.locator('#search').focus();
  const order: string[] = [];
  for (let i = 0; i < 8; i++) {
    order.push(await page.evaluate('document.activeElement.id || document.activeElement.textContent'));
    await page.keyboard.press('Tab');
  }
  return order;
}

/**
 * What a checker of accessibility would find: fields and buttons without a name, references to nothing, ids that are not unique, small
 * targets, text with a contrast below 4.5 (outside the map), tables without headers, and more or less than one main heading.
 */
const FLAWS = String.raw`(() => {
  const flaws = [];
  const all = [...document.querySelectorAll('body *')];
  const isShown = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.unseen, .skip');
  const ids = all.map((e) => e.id).filter(Boolean);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) flaws.push('id twice: ' + id);
  for (const e of all) {
    for (const name of ['aria-controls', 'aria-describedby', 'aria-labelledby', 'aria-activedescendant', 'for']) {
      for (const id of (e.getAttribute(name) ?? '').split(' ').filter(Boolean)) if (!document.getElementById(id)) flaws.push(name + ' to nothing: ' + id);
    }
  }
  for (const e of document.querySelectorAll('input, select, button, a, section, [role=listbox], [role=application]')) {
    const labelledBy = (e.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent).join('');
    const own = ['A', 'BUTTON'].includes(e.tagName) ? e.textContent : '';
    const name = e.getAttribute('aria-label') || labelledBy || e.labels?.[0]?.textContent || own;
    if (!name?.trim()) flaws.push('no name: ' + e.outerHTML.slice(0, 80));
    const box = e.getBoundingClientRect();
    if (isShown(e) && e.matches('input, select, button') && (box.height < 24 || box.width < 24)) flaws.push('small: ' + e.outerHTML.slice(0, 80));
  }
  if (document.querySelectorAll('h1').length !== 1) flaws.push('not one h1');
  if (!document.documentElement.lang) flaws.push('no lang');
  if (!document.querySelector('main') || !document.querySelector('table caption') || !document.querySelector('th[scope=row]')) flaws.push('no main or table headers');
  const rgb = (text) => text.match(/[\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = rgb(text).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if ((rgb(color)[3] ?? 1) === 1) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  for (const e of all) {
    const hasText = [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '') || e.matches('input, select');
    if (!hasText || !isShown(e) || e.closest('.leaflet-pane')) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) flaws.push('contrast ' + contrast.toFixed(2) + ': ' + e.outerHTML.slice(0, 80));
  }
  return flaws;
})()`;
