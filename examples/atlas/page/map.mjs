// The map: outlines of countries, numbered cities, and the place that was asked for. No tile, font or picture comes from anywhere else.

import * as L from './leaflet.js';
import { element as make } from './results.mjs';
import feature from './topojson/feature.js';

const WORLD = L.latLngBounds([-58, -170], [78, 180]);

/**
 * @param {HTMLElement} element
 * @param {(lat: number, lng: number) => void} onAsk a place was chosen, by click or by Enter
 */
export function createMap(element, onAsk) {
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const map = L.map(element, {
    attributionControl: false,
    zoomSnap: 0.25,
    minZoom: 0,
    maxZoom: 13,
    maxBounds: L.latLngBounds([-86, -240], [86, 240]),
    maxBoundsViscosity: 0.8,
    zoomAnimation: !isCalm,
    fadeAnimation: !isCalm,
    markerZoomAnimation: !isCalm,
    inertia: !isCalm,
    keyboardPanDelta: 60,
  });
  if (isCalm) map.panBy = (offset, options) => L.Map.prototype.panBy.call(map, offset, { ...options, animate: false }); // the arrow keys too
  map.fitBounds(WORLD, { animate: false });
  L.control.scale({ imperial: false }).addTo(map);

  const cross = document.createElement('div');
  cross.className = 'cross';
  element.append(cross);

  const layer = L.layerGroup().addTo(map);
  /** @type {L.Marker[]} */
  let markers = [];
  let outlines = L.geoJSON(undefined, { style: () => ({ className: 'land' }) }).addTo(map);
  let chosen;

  map.on('moveend', () => label(markers, element.getBoundingClientRect()));
  map.on('click', ({ latlng }) => askAt(latlng));
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.target !== element) return;
    event.preventDefault();
    askAt(map.getCenter());
  });

  function askAt(latlng) {
    const { lat, lng } = latlng.wrap();
    onAsk(Math.max(-90, Math.min(90, lat)), lng);
  }

  function choose(outline) {
    chosen?.getElement()?.classList.remove('chosen');
    chosen = outline;
    chosen?.getElement()?.classList.add('chosen');
    chosen?.bringToFront();
  }

  return {
    /** Draws the countries; without them the map is plain sea, and works. */
    async loadOutlines() {
      const response = await fetch('countries.json');
      if (!response.ok) throw new Error(`countries.json: ${response.status}`);
      const topology = await response.json();
      const countries = feature(topology, topology.objects.countries).features;
      outlines.remove();
      outlines = L.geoJSON(countries.flatMap(aroundTheWorld), {
        style: () => ({ className: 'land', weight: 1 }),
        onEachFeature: ({ properties }, outline) =>
          outline.bindTooltip(properties.name, { sticky: true, className: 'country-name' }),
      }).addTo(map);
    },

    /**
     * Shows cities by number, and the place they are nearest to, if any, and moves so that all can be seen.
     *
     * @param {{ name: string, lat: number, lng: number }[]} cities
     * @param {{ origin?: { lat: number, lng: number }, isCountry?: boolean }} [more]
     */
    show(cities, { origin, isCountry = false } = {}) {
      layer.clearLayers();
      // Beyond the date line the shorter way round is drawn.
      const base = origin ?? cities[0];
      const near = ({ lat, lng }) =>
        L.latLng(lat, base && lng - base.lng > 180 ? lng - 360 : base && base.lng - lng > 180 ? lng + 360 : lng);
      markers = cities.map((city, i) =>
        L.marker(near(city), {
          icon: L.divIcon({ className: 'city', html: numbered(i + 1, city.name), iconSize: [24, 24] }),
          keyboard: false, // the list beside the map is the way by keyboard
          zIndexOffset: -i,
        }).addTo(layer),
      );
      if (origin) {
        L.marker(near(origin), {
          icon: L.divIcon({ className: 'origin', iconSize: [32, 32] }),
          keyboard: false,
          interactive: false,
          zIndexOffset: -1000, // behind a city at the same place
        }).addTo(layer);
      }
      choose(isCountry ? outlineOf(outlines, cities) : undefined);
      const points = [...cities.map(near), ...(origin ? [near(origin)] : [])];
      if (points.length > 0)
        map.fitBounds(L.latLngBounds(points).pad(0.15), { maxZoom: 12, animate: !isCalm, padding: [24, 24] });
      label(markers, element.getBoundingClientRect());
    },

    /** Moves to one of the cities that are shown. */
    point(index) {
      if (markers[index]) map.panTo(markers[index].getLatLng(), { animate: !isCalm });
    },

    /** Marks one of the cities that are shown, while the list points to it. */
    hover(index, isOn) {
      markers[index]?.getElement()?.classList.toggle('hovered', isOn);
    },
  };
}

function numbered(number, name) {
  const both = make('div', String(number));
  both.append(make('span', name, 'label'));
  return both;
}

/**
 * Names stand beside the cities where there is room, on the right or the left: the first ones first, none over the map's edge or another
 * name, nor over a number that can be told apart from its own.
 */
function label(markers, frame) {
  const numbers = markers.map((marker) => marker.getElement().getBoundingClientRect());
  const names = [];
  markers.forEach((marker, i) => {
    const { classList } = marker.getElement();
    const others = [...names, ...numbers.filter((number) => !overlap(number, numbers[i]))];
    classList.remove('crowded');
    for (const side of [false, true]) {
      classList.toggle('leftward', side);
      const box = marker.getElement().querySelector('.label').getBoundingClientRect();
      if (box.left < frame.left || box.right > frame.right) continue;
      if (others.some((other) => overlap(box, other))) continue;
      names.push(box);
      return;
    }
    classList.remove('leftward');
    classList.add('crowded');
  });
}

function overlap(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/**
 * A country as it is drawn on a flat map that can be moved beyond the date line: its rings go on over 180 degrees instead of running back
 * through the whole map, and what lies near the edges is drawn at the other edge as well.
 */
function aroundTheWorld({ properties, geometry }) {
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  const whole = polygons.map((rings) => rings.map(unrolled));
  const lngs = whole.flat(2).map(([lng]) => lng);
  const shifts = [0, ...(lngs.some((lng) => lng < -120) ? [360] : []), ...(lngs.some((lng) => lng > 120) ? [-360] : [])];
  return shifts.map((shift) => ({
    type: 'Feature',
    properties,
    geometry: {
      type: 'MultiPolygon',
      coordinates: whole.map((rings) => rings.map((ring) => ring.map(([lng, lat]) => [lng + shift, lat]))),
    },
  }));
}

/** A ring that goes round a pole does not end where it began: it is closed by way of the pole. */
function unrolled(ring) {
  let turn = 0;
  const points = ring.map(([lng, lat], i) => {
    if (i > 0 && lng - ring[i - 1][0] > 180) turn -= 360;
    if (i > 0 && lng - ring[i - 1][0] < -180) turn += 360;
    return [lng + turn, lat];
  });
  if (turn === 0) return points;
  const pole = points[0][1] < 0 ? -90 : 90;
  return [...points, [points[points.length - 1][0], pole], [points[0][0], pole], points[0]];
}

/** The outline in which most of the cities lie: the outlines have numbers and names of their own. */
function outlineOf(outlines, cities) {
  let best;
  let most = 0;
  outlines.eachLayer((outline) => {
    const bounds = outline.getBounds();
    const inside = cities.filter(
      (city) => bounds.contains([city.lat, city.lng]) && contains(outline.feature.geometry, city),
    ).length;
    if (inside > most) {
      most = inside;
      best = outline;
    }
  });
  return best;
}

function contains({ coordinates }, { lat, lng }) {
  return coordinates.some((rings) => rings.reduce((inside, ring) => inside !== isWithin(ring, lat, lng), false));
}

/** Even-odd rule. */
function isWithin(ring, lat, lng) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [x1, y1] = ring[i];
    const [x2, y2] = ring[j];
    if (y1 > lat !== y2 > lat && lng < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}
