// Finds cities by name and by country: what stands behind `search` and `country`.
//
// Folded names lie sorted in one buffer; those that begin with a text are a range, found by two binary searches. Cities are ranked by
// population once, so the best of a range is a scan for the smallest ranks: at most all names of one first letter, some 0.3 ms.

import type { Cities, City } from './cities.ts';
import { TextColumn } from './columns.ts';
import { fold } from './fold.ts';
import type { Gazetteer } from './gazetteer.ts';
import { orderOf } from './sorted.ts';

/** A city and how many people live there. */
export interface Place extends City {
  /** As of 2020; null where it is not known. */
  readonly population: number | null;
}

/** A country that has cities here. */
export interface CountryEntry {
  /** ISO 3166-1 alpha-2. */
  readonly code: string;
  /** In English; the code where there is no name. */
  readonly name: string;
  /** How many of its cities are known here. */
  readonly cities: number;
}

/** Most cities that one question gets. */
export const PLACES_MAX = 100;

export class PlaceIndex {
  readonly #cities: Cities;
  readonly #population: Uint32Array;
  /** City by rank, the largest first; equal ones in the package's order. */
  readonly #ranked: Uint32Array;
  readonly #names: NameIndex;
  readonly #otherNames: NameIndex;
  /** Ranks of each country's cities, ascending. */
  readonly #countries = new Map<string, Uint32Array>();

  constructor(cities: Cities, gazetteer: Gazetteer) {
    this.#cities = cities;
    this.#population = gazetteer.population;
    const { population } = gazetteer;
    this.#ranked = Uint32Array.from({ length: cities.size }, (_, i) => i).sort((a, b) => population[b] - population[a] || a - b);
    const rankOf = new Uint32Array(cities.size);
    this.#ranked.forEach((city, rank) => {
      rankOf[city] = rank;
    });
    const own = Array.from({ length: cities.size }, (_, city) => fold(cities.nameOf(city)));
    this.#names = new NameIndex(own, rankOf);
    const others: string[] = [];
    const ranksOfOthers: number[] = [];
    gazetteer.otherNames((city, name) => {
      if (name === '' || name === own[city]) return;
      others.push(name);
      ranksOfOthers.push(rankOf[city]);
    });
    this.#otherNames = new NameIndex(others, ranksOfOthers);
    const ranks = new Map<string, number[]>();
    this.#ranked.forEach((city, rank) => {
      const country = cities.countryOf(city);
      const known = ranks.get(country);
      if (known) known.push(rank);
      else ranks.set(country, [rank]);
    });
    for (const [country, all] of ranks) this.#countries.set(country, Uint32Array.from(all));
  }

  /**
   * Cities whose name begins with a text, and larger ones that are called exactly so in another language; the largest first.
   *
   * @param limit 1 to PLACES_MAX
   */
  search(text: string, limit: number): Place[] {
    const folded = fold(text);
    if (folded === '') return [];
    const best = new Best(limit);
    this.#names.eachFrom(folded, `${folded}\uffff`, best);
    this.#otherNames.eachFrom(folded, `${folded}\u0000`, best);
    return best.ranks.map((rank) => this.#at(rank));
  }

  /** @returns undefined when there is no city of such a country */
  country(code: string, top: number): (CountryEntry & { readonly top: Place[] }) | undefined {
    const ranks = this.#countries.get(code);
    if (!ranks) return undefined;
    return {
      code,
      name: nameOfCountry(code),
      cities: ranks.length,
      top: [...ranks.subarray(0, top)].map((rank) => this.#at(rank)),
    };
  }

  /** All countries, by name. */
  countries(): CountryEntry[] {
    const all = [...this.#countries].map(([code, ranks]) => ({ code, name: nameOfCountry(code), cities: ranks.length }));
    return all.sort((a, b) => a.name.localeCompare(b.name, 'en'));
  }

  #at(rank: number): Place {
    const city = this.#ranked[rank];
    return { ...this.#cities.at(city), population: this.#population[city] || null };
  }
}

/** Sorted names, each with a rank. */
class NameIndex {
  readonly #names: TextColumn;
  readonly #ranks: Uint32Array;

  constructor(names: readonly string[], ranks: ArrayLike<number>) {
    this.#names = new TextColumn(
      names.length,
      names.reduce((sum, name) => sum + Buffer.byteLength(name), 0),
    );
    const order = orderOf(names);
    this.#ranks = Uint32Array.from(order, (index) => ranks[index]);
    order.forEach((index, place) => {
      this.#names.set(place, names[index]);
    });
    this.#names.trim(names.length);
  }

  /** Offers the ranks of all names from `first` up to but not including `end`. */
  eachFrom(first: string, end: string, best: Best): void {
    const stop = this.#lowerBound(end);
    for (let i = this.#lowerBound(first); i < stop; i++) best.offer(this.#ranks[i]);
  }

  #lowerBound(text: string): number {
    let low = 0;
    let high = this.#ranks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#names.get(middle) < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The smallest few of many ranks, ascending, each once. */
class Best {
  readonly ranks: number[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  offer(rank: number): void {
    const { ranks } = this;
    if (ranks.length === this.#most && rank >= ranks[ranks.length - 1]) return;
    let at = ranks.length;
    while (at > 0 && ranks[at - 1] > rank) at--;
    if (at > 0 && ranks[at - 1] === rank) return;
    ranks.splice(at, 0, rank);
    if (ranks.length > this.#most) ranks.pop();
  }
}

const countryNames = new Intl.DisplayNames('en', { type: 'region' });

function nameOfCountry(code: string): string {
  return countryNames.of(code) ?? code;
}
