// The server behind the atlas: all cities in memory, and the nearest of them on request.

import { method, server } from 'skerry';
import { coordinate, count } from './arguments.ts';
import { type City, loadCities } from './cities.ts';
import { NearestIndex } from './nearest.ts';

/** A city and how far it is from the place that was asked for. */
export interface NearCity extends City {
  /** Kilometres along the surface of the earth (haversine), rounded to metres. */
  readonly distanceKm: number;
}

export default server(async () => {
  const cities = await loadCities();
  const index = new NearestIndex(cities.lat, cities.lng);
  return {
    /** The `k` cities nearest to a place, nearest first. Idempotent: should this instance die, its successor answers. */
    nearest: method(
      { idempotent: true, timeoutMs: 10_000, input: [coordinate('latitude', 90), coordinate('longitude', 180), count] },
      async (lat: number, lng: number, k = 1): Promise<NearCity[]> =>
        index.nearest(lat, lng, k).map((found) => ({
          ...cities.at(found.index),
          distanceKm: Math.round(found.distanceKm * 1000) / 1000,
        })),
    ),
  };
});
