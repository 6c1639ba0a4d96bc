// The map: outlines of countries, numbered cities, and the place that was asked for. No tile, font or picture comes from anywhere else.

import * as L from './leaflet.js';
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
    maxZoom: 11,
    maxBounds: L.latLngBounds([-86, -240], [86, 240]),
    maxBoundsViscosity: 0.8,
    zoomAnimation: !isCalm,
    fadeAnimation: !isCalm,
    markerZoomAnimation: !isCalm,
    inertia: !isCalm,
    keyboardPanDelta: 60,
  });
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
      outlines.remove();
      outlines = L.geoJSON(feature(topology, topology.objects.countries), {
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
          icon: L.divIcon({ className: 'city', html: String(i + 1), iconSize: [24, 24] }),
          keyboard: false, // the list beside the map is the way by keyboard
          zIndexOffset: -i,
        })
          .bindTooltip(city.name, { direction: 'top', offset: [0, -10] })
          .addTo(layer),
      );
      if (origin) {
        L.marker(near(origin), {
          icon: L.divIcon({ className: 'origin', iconSize: [18, 18] }),
          keyboard: false,
          interactive: false,
          zIndexOffset: 1000,
        }).addTo(layer);
      }
      choose(isCountry ? outlineOf(outlines, cities) : undefined);
      const points = [...cities.map(near), ...(origin ? [near(origin)] : [])];
      if (points.length > 0) map.fitBounds(L.latLngBounds(points).pad(0.15), { maxZoom: 9, animate: !isCalm, padding: [24, 24] });
    },

    /** Moves to one of the cities that are shown, and names it. */
    point(index) {
      const marker = markers[index];
      if (!marker) return;
      map.panTo(marker.getLatLng(), { animate: !isCalm });
      marker.openTooltip();
    },

    /** Marks one of the cities that are shown, while the list points to it. */
    hover(index, isOn) {
      markers[index]?.getElement()?.classList.toggle('hovered', isOn);
    },
  };
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

function contains({ type, coordinates }, { lat, lng }) {
  const polygons = type === 'Polygon' ? [coordinates] : coordinates;
  return polygons.some((rings) => rings.reduce((inside, ring) => inside !== isWithin(ring, lat, lng), false));
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
