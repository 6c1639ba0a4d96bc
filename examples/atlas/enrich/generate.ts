// A CSV of places, as large as one likes, always the same for one seed, with a known share of dirty rows.
//
// It knows of each row at which line it begins and what is wrong with it, in the words of input-rows.ts, so that a job's report can be
// compared to the letter. Clean rows are not all plain: some have quotes, commas, newlines and other alphabets in their names.

export interface GenerateOptions {
  readonly rows: number;
  /** A whole number. */
  readonly seed: number;
  /** Of rows that are dirty, 0 to 1. Default 0.02. */
  readonly dirtyShare?: number;
  /** Told of every row. */
  readonly onRow?: (row: GeneratedRow) => void;
}

export interface GeneratedRow {
  /** Its first column (where it has one), from 0. */
  readonly id: number;
  /** Line of the file at which it begins; the header is line 1. */
  readonly line: number;
  /** What is wrong with it; undefined for a clean one. */
  readonly problem: string | undefined;
}

export const GENERATED_HEADER = 'id,name,lat,lng,note';
export const DIRTY_SHARE = 0.02;

const PIECE_CHARACTERS = 64 * 1024;

/** @returns the file in pieces */
export function* generate({
  rows,
  seed,
  dirtyShare = DIRTY_SHARE,
  onRow,
}: GenerateOptions): Generator<Uint8Array, void, undefined> {
  const random = mulberry32(seed);
  let text = `${GENERATED_HEADER}\n`;
  let line = 2;
  for (let id = 0; id < rows; id++) {
    const lat = (random() * 180 - 90).toFixed(5);
    const lng = (random() * 360 - 180).toFixed(5);
    const spoil = random() < dirtyShare ? DIRTY[Math.floor(random() * DIRTY.length)] : undefined;
    const name = NAMES[Math.floor(random() * NAMES.length)](id);
    onRow?.({ id, line, problem: spoil?.problem });
    const row = spoil === undefined ? `${id},${name},${lat},${lng},` : spoil.row(id, lat, lng);
    if (spoil?.isBytes) {
      yield Buffer.from(text);
      yield Buffer.from(`${row}\n`, 'latin1');
      text = '';
    } else {
      text += `${row}\n`;
    }
    line += 1;
    for (let at = row.indexOf('\n'); at !== -1; at = row.indexOf('\n', at + 1)) line += 1;
    if (text.length < PIECE_CHARACTERS) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

/** Ways of writing a name, most of them plain. */
const NAMES: readonly ((id: number) => string)[] = [
  ...Array.from({ length: 16 }, () => (id: number) => `Place ${id}`),
  (id) => `Ort Nr. ${id} an der Größe`,
  (id) => `"Place ${id}, by the sea"`,
  (id) => `"The ""${id}"""`,
  (id) => `"Two\nlines ${id}"`,
];

interface Dirt {
  readonly problem: string;
  readonly row: (id: number, lat: string, lng: string) => string;
  /** The row's characters are bytes, not text. */
  readonly isBytes?: boolean;
}

const DIRTY: readonly Dirt[] = [
  { problem: 'the latitude is missing', row: (id, _lat, lng) => `${id},No latitude,,${lng},` },
  { problem: 'the longitude is missing', row: (id, lat) => `${id},No longitude,${lat},  ,` },
  { problem: 'the latitude "91.5" is not from -90 to 90', row: (id, _lat, lng) => `${id},Too far north,91.5,${lng},` },
  { problem: 'the longitude "-1e9" is not from -180 to 180', row: (id, lat) => `${id},Too far west,${lat},-1e9,` },
  { problem: 'the latitude "52°31\'N" is not a number', row: (id, _lat, lng) => `${id},In degrees,52°31'N,${lng},` },
  { problem: 'the row has 3 columns, the header 5', row: (id, lat) => `${id},Too few,${lat}` },
  { problem: 'the row has 7 columns, the header 5', row: (id, lat, lng) => `${id},Too many,${lat},${lng},,more,"and, more"` },
  {
    problem: 'there is text after a closing quote: " late"',
    row: (id, lat, lng) => `${id},"shut" late,${lat},${lng},`,
  },
  { problem: 'the row is not valid UTF-8', row: (id, lat, lng) => `${id},Z\xfcrich in latin1,${lat},${lng},`, isBytes: true },
  { problem: 'the row is empty', row: () => '' },
];

/** A small generator of even random numbers in [0, 1), of which all bits depend on the seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
