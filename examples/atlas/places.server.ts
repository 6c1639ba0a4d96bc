// The server behind search and country: the cities by name, ranked by population.

import { method, SkerryError, server } from 'skerry';
import { countOf, countryCode, searchText } from './arguments.ts';
import { loadCities } from './cities.ts';
import { loadGazetteer } from './gazetteer.ts';
import { PLACES_MAX, PlaceIndex } from './places.ts';

const options = { idempotent: true, timeoutMs: 10_000 } as const;

export default server(async () => {
  const cities = await loadCities();
  const index = new PlaceIndex(cities, await loadGazetteer(cities));
  return {
    /** Cities whose name begins with `q`, or that are called so in another language; the largest first. */
    search: method({ ...options, input: [searchText, countOf('cities', PLACES_MAX, 10)] }, async (q: string, limit = 10) =>
      index.search(q, limit),
    ),
    /** A country and its largest cities. @throws SkerryError SKERRY_NOT_FOUND when no city here is in such a country */
    country: method({ ...options, input: [countryCode, countOf('cities', PLACES_MAX, 10)] }, async (code: string, top = 10) => {
      const found = index.country(code, top);
      if (found) return found;
      throw new SkerryError('SKERRY_NOT_FOUND', `no city here is in a country "${code}"`);
    }),
    /** All countries that have cities here, by name. */
    countries: method(options, async () => index.countries()),
  };
});
