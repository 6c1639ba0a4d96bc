// The page: questions on one side, the map and the answer on the other. The state in the address says what is shown.

import { ask, Problem } from './ask.mjs';
import { combobox } from './combobox.mjs';
import { createMap } from './map.mjs';
import { distance, element, people, problemOf, regionOf, tableOf } from './results.mjs';
import { readState, writeState } from './state.mjs';

const find = (id) => document.getElementById(id);
const [search, country, place, lat, lng, k] = ['search', 'country', 'place', 'lat', 'lng', 'k'].map(find);
const [results, title, problem, answer, announcement] = ['results', 'results-title', 'problem', 'answer', 'announcement'].map(
  find,
);

const countryNames = new Map();
const fallbackNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' });
const nameOfCountry = (code) => countryNames.get(code) ?? fallbackNames.of(code);

const map = createMap(find('map'), (atLat, atLng) =>
  go({ kind: 'nearest', lat: degrees(atLat), lng: degrees(atLng), k: k.value }),
);

const atFirst = { title: title.textContent, page: document.title, answer: [...answer.childNodes] };

let question = new AbortController();

/** Shows a state that somebody chose, and puts it into the address. */
function go(state) {
  writeState(state);
  return show(state);
}

/** Asks for what a state says and shows the answer, or what went wrong; the fields keep what they have. */
async function show(state) {
  question.abort();
  question = new AbortController();
  const { signal } = question;
  fill(state);
  if (!state) return showNothing();
  results.setAttribute('aria-busy', 'true');
  try {
    const shown = await (state.kind === 'country' ? showCountry(state, signal) : showNearest(state, signal));
    if (signal.aborted) return;
    problem.replaceChildren();
    title.textContent = shown.title;
    document.title = `${shown.title} – Atlas`;
    answer.replaceChildren(
      element('p', shown.summary),
      tableOf({ caption: shown.title, cities: shown.cities, nameOfCountry, onPoint: map.point, onHover: map.hover }),
    );
    announcement.textContent = `${shown.title}. ${shown.spoken}`;
    map.show(shown.cities, shown);
  } catch (error) {
    if (signal.aborted) return;
    const told = error instanceof Problem ? error : new Problem('The page has failed to show the answer.', { isPassing: true });
    if (told !== error) console.error(error);
    problem.replaceChildren(...problemOf(told, () => show(state)));
    for (const { path } of told.issues) find(path)?.setAttribute('aria-invalid', 'true');
  } finally {
    if (!signal.aborted) results.removeAttribute('aria-busy');
  }
}

function showNothing() {
  results.removeAttribute('aria-busy');
  problem.replaceChildren();
  answer.replaceChildren(...atFirst.answer);
  title.textContent = atFirst.title;
  document.title = atFirst.page;
  map.show([]);
}

async function showNearest(state, signal) {
  const cities = await ask('nearest', { lat: state.lat, lng: state.lng, k: state.k }, signal);
  const origin = { lat: Number(state.lat), lng: Number(state.lng) };
  const [first] = cities;
  return {
    title: `Nearest to ${words(origin.lat, 'N', 'S')}, ${words(origin.lng, 'E', 'W')}`,
    summary: cities.length === 1 ? 'The nearest city:' : `The ${cities.length} nearest cities:`,
    spoken: `${cities.length} ${cities.length === 1 ? 'city' : 'cities'}, the first is ${first.name}, ${distance(first.distanceKm)} away.`,
    cities,
    origin,
  };
}

async function showCountry({ code }, signal) {
  const found = await ask(`country/${encodeURIComponent(code)}`, { top: '15' }, signal);
  const total = new Intl.NumberFormat('en').format(found.cities);
  const many =
    found.top.length < found.cities
      ? `${total} cities, the largest ${found.top.length}:`
      : `${total} ${found.cities === 1 ? 'city' : 'cities'}:`;
  return {
    title: found.name,
    summary: many,
    spoken: `${total} ${found.cities === 1 ? 'city' : 'cities'}, the largest is ${found.top[0].name}.`,
    cities: found.top,
    isCountry: true,
  };
}

/** The fields say what is shown; those that it does not concern are emptied, except for what is being typed. */
function fill(state) {
  for (const field of [lat, lng, k]) field.removeAttribute('aria-invalid');
  country.value = state?.kind === 'country' ? state.code.toUpperCase() : '';
  if (country.selectedIndex === -1) country.value = ''; // no such country: the answer says so
  if (state?.kind !== 'nearest') return;
  for (const [field, value] of [
    [lat, state.lat],
    [lng, state.lng],
    [k, state.k],
  ])
    if (field.value !== value) field.value = value;
}

combobox({
  input: search,
  list: find('options'),
  message: find('search-message'),
  find: (text, signal) => ask('search', { q: text, limit: '8' }, signal),
  render(city, option) {
    option.append(
      element('span', city.name, 'option-name'),
      element('span', regionOf(city, nameOfCountry), 'region'),
      element('span', city.population ? people(city.population) : '', 'value'),
    );
  },
  nameOf: ({ name }) => name,
  onChoice: (city) => go({ kind: 'nearest', lat: String(city.lat), lng: String(city.lng), k: k.value }),
});

country.addEventListener('change', () => {
  if (country.value !== '') void go({ kind: 'country', code: country.value });
});

place.addEventListener('submit', async (event) => {
  event.preventDefault();
  await go({ kind: 'nearest', lat: lat.value, lng: lng.value, k: k.value });
  place.querySelector('[aria-invalid]')?.focus();
});

// A link to the results would take the place of the state in the address.
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  results.focus();
});

// Back and forward, and a link with another state that is put into the address bar.
addEventListener('popstate', () => show(readState()));

void start();

async function start() {
  const outlines = map.loadOutlines().catch(() => {}); // the map works without them
  const countries = ask('countries').then(
    (all) => {
      for (const { code, name } of all) countryNames.set(code, name);
      country.append(...all.map(({ code, name }) => Object.assign(element('option', name), { value: code })));
    },
    (error) => problem.replaceChildren(...problemOf(error, () => location.reload())),
  );
  await Promise.all([outlines, countries]);
  document.documentElement.dataset.ready = 'true';
  if (readState()) await show(readState());
}

/** Some 10 m exactly. */
function degrees(value) {
  return String(Number(value.toFixed(4)));
}

function words(value, positive, negative) {
  return `${Math.abs(Number(value.toFixed(4)))}° ${value < 0 ? negative : positive}`;
}
