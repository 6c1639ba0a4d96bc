// What is shown, as the part of the address after `#`: a link to it shows the same again, and the browser's back button works.
//
//   #at=52.52,13.405&k=8      the cities nearest to a place
//   #country=DE               the largest cities of a country
//
// Values stay text: whether they are right is for the server to say, in words that the page shows.

/** @typedef {{ kind: 'nearest', lat: string, lng: string, k: string } | { kind: 'country', code: string }} State */

/** @returns {State | undefined} */
export function readState(hash = location.hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const code = fields.get('country');
  if (code) return { kind: 'country', code };
  const at = fields.get('at');
  if (at === null) return undefined;
  const [lat = '', lng = ''] = at.split(',');
  return { kind: 'nearest', lat, lng, k: fields.get('k') ?? '8' };
}

/** @param {State} state */
export function writeState(state) {
  const hash =
    state.kind === 'country'
      ? `#country=${encodeURIComponent(state.code)}`
      : `#at=${encodeURIComponent(state.lat)},${encodeURIComponent(state.lng)}&k=${encodeURIComponent(state.k)}`;
  if (hash !== location.hash) history.pushState(null, '', hash);
}
