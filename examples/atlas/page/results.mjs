// The answer as a table, and what went wrong in words. Text is set as text, never as markup.

const numbers = new Intl.NumberFormat('en');

/**
 * @param {object} parts
 * @param {string} parts.caption
 * @param {{ name: string, admin1: string, country: string, lat: number, lng: number, distanceKm?: number, population?: number | null }[]} parts.cities
 * @param {(code: string) => string} parts.nameOfCountry
 * @param {(index: number) => void} parts.onPoint
 * @param {(index: number, isOn: boolean) => void} parts.onHover
 */
export function tableOf({ caption, cities, nameOfCountry, onPoint, onHover }) {
  const isNear = cities.some(({ distanceKm }) => distanceKm !== undefined);
  const table = element('table');
  table.append(element('caption', caption, 'unseen'));
  const head = element('tr');
  for (const title of ['No.', 'City', isNear ? 'Distance' : 'Population']) {
    const cell = element('th', title);
    cell.scope = 'col';
    head.append(cell);
  }
  const thead = element('thead');
  thead.append(head);
  const body = element('tbody');
  cities.forEach((city, i) => {
    const row = element('tr');
    const name = element('th');
    name.scope = 'row';
    const button = element('button', city.name, 'city-name');
    button.type = 'button';
    button.title = 'Show on the map';
    button.addEventListener('click', () => onPoint(i));
    name.append(button, element('span', regionOf(city, nameOfCountry), 'region'));
    row.append(
      element('td', String(i + 1), 'number'),
      name,
      element('td', isNear ? distance(city.distanceKm) : people(city.population), 'value'),
    );
    row.addEventListener('pointerenter', () => onHover(i, true));
    row.addEventListener('pointerleave', () => onHover(i, false));
    row.addEventListener('focusin', () => onHover(i, true));
    row.addEventListener('focusout', () => onHover(i, false));
    body.append(row);
  });
  table.append(thead, body);
  return table;
}

/**
 * @param {import('./ask.mjs').Problem} problem
 * @param {() => void} onRetry
 */
export function problemOf(problem, onRetry) {
  const parts = [element('p', problem.message)];
  if (problem.issues?.length > 0) {
    const list = element('ul');
    for (const { path, message } of problem.issues)
      list.append(element('li', path ? `${LABELS[path] ?? path}: ${message}` : message));
    parts.push(list);
  }
  if (problem.isPassing) {
    const button = element('button', 'Try again');
    button.type = 'button';
    button.addEventListener('click', onRetry);
    parts.push(button);
  }
  return parts;
}

const LABELS = { lat: 'Latitude', lng: 'Longitude', k: 'How many', code: 'Country', q: 'Name' };

export function regionOf({ admin1, country }, nameOfCountry) {
  return [admin1, nameOfCountry(country)].filter((part) => part !== '').join(', ');
}

export function people(population) {
  return population ? numbers.format(population) : 'not known';
}

export function distance(km) {
  if (km < 1) return `${Math.round(km * 1000)} m`;
  return `${numbers.format(km < 100 ? Math.round(km * 10) / 10 : Math.round(km))} km`;
}

export function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  return made;
}
