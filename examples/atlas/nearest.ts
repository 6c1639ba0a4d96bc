// The k nearest of many points on the earth, exactly.
//
// Idea: a point at (lat, lng) becomes a point on the unit sphere in space, where the straight-line distance (the chord) grows
// with the distance along the surface. So poles and date line are ordinary places, and a plain k-d tree is exact. The tree is
// implicit: the points are permuted so that the middle of every range splits it, and the only extra data is one axis a point.
//
// Invariant: a branch is left out only if every point in it is farther than the k-th best so far. The bound of a branch is summed
// in the same order as a point's chord, and rounding is monotone, so this holds for the computed numbers, not just in theory:
// the answer equals that of brute force over `chordSquared`, ties (same chord) going to the lower index.

/** Mean radius of the earth in kilometres (IUGG, R1). */
export const EARTH_RADIUS_KM = 6371.0088;

/** Most neighbours that one question may ask for. */
export const NEIGHBOURS_MAX = 100;

/** One answer: the position of the point in the columns that the index was built from, and how far it is away. */
export interface Neighbour {
  readonly index: number;
  /** Along the surface (haversine), not rounded. */
  readonly distanceKm: number;
}

/** Ranges this small are scanned: cheaper than descending further. */
const LEAF_POINTS = 8;

/** An immutable index over two columns of degrees. It keeps its own copy of the points on the sphere (25 bytes a point, plus 4). */
export class NearestIndex {
  readonly #lat: Float64Array;
  readonly #lng: Float64Array;
  /** Points in tree order: x, y, z of each. */
  readonly #points: Float64Array;
  /** Tree order to index in the columns. */
  readonly #ids: Uint32Array;
  /** Axis that the middle point of a range splits. */
  readonly #axes: Uint8Array;

  // The question being answered: best first, `#found` of `#wanted`.
  readonly #bestChords = new Float64Array(NEIGHBOURS_MAX);
  readonly #bestIds = new Uint32Array(NEIGHBOURS_MAX);
  #found = 0;
  #wanted = 0;
  #x = 0;
  #y = 0;
  #z = 0;

  /** @param lat degrees, -90 to 90 @param lng degrees, -180 to 180, same length. Both are kept, not copied: leave them unchanged. */
  constructor(lat: Float64Array, lng: Float64Array) {
    if (lat.length !== lng.length) throw new RangeError(`lat and lng must have one length, got ${lat.length} and ${lng.length}`);
    this.#lat = lat;
    this.#lng = lng;
    const points = unitPoints(lat, lng);
    this.#ids = Uint32Array.from({ length: lat.length }, (_, i) => i);
    this.#axes = new Uint8Array(lat.length);
    split(points, this.#ids, this.#axes, 0, lat.length);
    this.#points = new Float64Array(points.length);
    for (let i = 0; i < this.#ids.length; i++) {
      const from = 3 * this.#ids[i];
      this.#points.set(points.subarray(from, from + 3), 3 * i);
    }
  }

  /** How many points there are. */
  get size(): number {
    return this.#ids.length;
  }

  /**
   * The `k` nearest points, nearest first; all of them if there are fewer.
   *
   * @param lat degrees, -90 to 90
   * @param lng degrees, -180 to 180
   * @param k an integer, 1 to {@link NEIGHBOURS_MAX}
   * @throws RangeError if one of them is out of its range
   */
  nearest(lat: number, lng: number, k: number): Neighbour[] {
    if (!(lat >= -90 && lat <= 90)) throw new RangeError(`lat must be -90 to 90 degrees, got ${lat}`);
    if (!(lng >= -180 && lng <= 180)) throw new RangeError(`lng must be -180 to 180 degrees, got ${lng}`);
    if (!Number.isInteger(k) || k < 1 || k > NEIGHBOURS_MAX)
      throw new RangeError(`k must be an integer, 1 to ${NEIGHBOURS_MAX}, got ${k}`);
    [this.#x, this.#y, this.#z] = unitPoint(lat, lng);
    this.#found = 0;
    this.#wanted = k;
    this.#search(0, this.size, 0, 0, 0);

    const neighbours: Neighbour[] = [];
    for (let i = 0; i < this.#found; i++) {
      const index = this.#bestIds[i];
      neighbours.push({ index, distanceKm: haversineKm(lat, lng, this.#lat[index], this.#lng[index]) });
    }
    return neighbours;
  }

  /** Looks through a range whose box is at least (dx, dy, dz) away from the question, axis by axis. */
  #search(low: number, high: number, dx: number, dy: number, dz: number): void {
    if (this.#found === this.#wanted && dx * dx + dy * dy + dz * dz > this.#bestChords[this.#found - 1]) return;
    if (high - low <= LEAF_POINTS) {
      for (let i = low; i < high; i++) this.#offer(i);
      return;
    }
    const middle = (low + high) >>> 1;
    const axis = this.#axes[middle];
    const away = (axis === 0 ? this.#x : axis === 1 ? this.#y : this.#z) - this.#points[3 * middle + axis];
    const isBelow = away < 0;
    if (isBelow) this.#search(low, middle, dx, dy, dz);
    else this.#search(middle + 1, high, dx, dy, dz);
    this.#offer(middle);
    // The other side lies behind the plane: at least `away` along this axis.
    const farLow = isBelow ? middle + 1 : low;
    const farHigh = isBelow ? high : middle;
    this.#search(farLow, farHigh, axis === 0 ? away : dx, axis === 1 ? away : dy, axis === 2 ? away : dz);
  }

  /** Takes the point at this place in tree order into the best ones, if it belongs there. */
  #offer(place: number): void {
    const chord = chordSquared(this.#points, 3 * place, this.#x, this.#y, this.#z);
    const id = this.#ids[place];
    const chords = this.#bestChords;
    const ids = this.#bestIds;
    let at = this.#found;
    if (at === this.#wanted) {
      at--;
      if (chord > chords[at] || (chord === chords[at] && id > ids[at])) return;
    } else {
      this.#found++;
    }
    while (at > 0 && (chord < chords[at - 1] || (chord === chords[at - 1] && id < ids[at - 1]))) {
      chords[at] = chords[at - 1];
      ids[at] = ids[at - 1];
      at--;
    }
    chords[at] = chord;
    ids[at] = id;
  }
}

/** Distance along the surface of the earth in kilometres (haversine formula), not rounded. Degrees in. */
export function haversineKm(latA: number, lngA: number, latB: number, lngB: number): number {
  const phiA = radians(latA);
  const phiB = radians(latB);
  const sinLat = Math.sin((phiB - phiA) / 2);
  const sinLng = Math.sin(radians(lngB - lngA) / 2);
  const a = sinLat * sinLat + Math.cos(phiA) * Math.cos(phiB) * sinLng * sinLng;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, a)));
}

/** The point on the unit sphere. A pole is one point and 180 degrees east is 180 degrees west, to the last bit. */
export function unitPoint(lat: number, lng: number): [x: number, y: number, z: number] {
  if (lat === 90 || lat === -90) return [0, 0, Math.sign(lat)];
  const phi = radians(lat);
  const lambda = radians(lng === 180 ? -180 : lng);
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
}

/** {@link unitPoint} of whole columns: x, y, z of each point in a row. */
export function unitPoints(lat: Float64Array, lng: Float64Array): Float64Array {
  const points = new Float64Array(3 * lat.length);
  for (let i = 0; i < lat.length; i++) points.set(unitPoint(lat[i], lng[i]), 3 * i);
  return points;
}

/** Square of the straight line from the point at `offset` to (x, y, z). This number is what ranks the points. */
export function chordSquared(points: Float64Array, offset: number, x: number, y: number, z: number): number {
  const dx = points[offset] - x;
  const dy = points[offset + 1] - y;
  const dz = points[offset + 2] - z;
  return dx * dx + dy * dy + dz * dz;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

/** Orders `ids[low, high)` so that its middle splits it along its widest axis, and so on in both halves. */
function split(points: Float64Array, ids: Uint32Array, axes: Uint8Array, low: number, high: number): void {
  if (high - low <= LEAF_POINTS) return;
  const middle = (low + high) >>> 1;
  const axis = widestAxis(points, ids, low, high);
  axes[middle] = axis;
  select(points, ids, axis, low, high - 1, middle);
  split(points, ids, axes, low, middle);
  split(points, ids, axes, middle + 1, high);
}

function widestAxis(points: Float64Array, ids: Uint32Array, low: number, high: number): number {
  let widest = 0;
  let widestSpread = -1;
  for (let axis = 0; axis < 3; axis++) {
    let least = Infinity;
    let most = -Infinity;
    for (let i = low; i < high; i++) {
      const value = points[3 * ids[i] + axis];
      if (value < least) least = value;
      if (value > most) most = value;
    }
    if (most - least > widestSpread) {
      widest = axis;
      widestSpread = most - least;
    }
  }
  return widest;
}

/** Hoare's quickselect: afterwards nothing left of `middle` is greater along the axis, and nothing right of it is less. */
function select(points: Float64Array, ids: Uint32Array, axis: number, low: number, high: number, middle: number): void {
  let left = low;
  let right = high;
  while (left < right) {
    const pivot = points[3 * ids[(left + right) >>> 1] + axis];
    let i = left;
    let j = right;
    while (i <= j) {
      while (points[3 * ids[i] + axis] < pivot) i++;
      while (points[3 * ids[j] + axis] > pivot) j--;
      if (i <= j) {
        const moved = ids[i];
        ids[i++] = ids[j];
        ids[j--] = moved;
      }
    }
    if (middle <= j) right = j;
    else if (middle >= i) left = i;
    else return;
  }
}
