// Figures and tables as people read them on a terminal.

/** Escape sequences but for colours, and control characters but for tab and newline. */
// biome-ignore format: one line for the exemption
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const UNWANTED = /\x1b(?!\[[0-9;]*m)(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g;

export interface Column<Row> {
  readonly title: string;
  /** Figures stand to the right. */
  readonly right?: boolean;
  /** Left out where the terminal is too narrow: the highest number first; without one it always stays. */
  readonly spare?: number;
  readonly of: (row: Row) => string;
}

const GAP = '  ';

/**
 * Lines of equal columns, the titles first.
 * @param width of the terminal: spare columns are left out until the others fit, then lines are cut; undefined: neither.
 */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width?: number): string[] {
  let shown = columns.map((column) => {
    const cells = [column.title, ...rows.map(column.of)];
    return { column, cells, width: Math.max(...cells.map(({ length }) => length)) };
  });
  const spare = columns.filter((column) => column.spare !== undefined).sort((a, b) => (b.spare ?? 0) - (a.spare ?? 0));
  const total = () => shown.reduce((sum, one) => sum + one.width + GAP.length, -GAP.length);
  for (const next of spare) if (width !== undefined && total() > width) shown = shown.filter(({ column }) => column !== next);
  return ['', ...rows].map((_, line) => {
    const cells = shown.map(({ column, cells, width: wide }) => {
      const cell = cells[line] as string;
      return column.right === true ? cell.padStart(wide) : cell.padEnd(wide);
    });
    const text = cells.join(GAP).trimEnd();
    return width === undefined || text.length <= width ? text : `${text.slice(0, width - 1)}…`;
  });
}

/** `420 ms`, `12.3 s`, `4 min`, `3 h 12 min`, `5 d 2 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

export function milliseconds(ms: number): string {
  if (ms < 0.1) return `${(ms * 1000).toFixed(0)} us`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`;
}

/** `12:00:00` of today, with the date if it was another day. */
export function clock(time: number, now = Date.now()): string {
  const pad = (value: number) => String(value).padStart(2, '0');
  const date = new Date(time);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const at = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return date.toDateString() === new Date(now).toDateString() ? at : `${day} ${at}`;
}

/**
 * A server's text without what could move the cursor, clear the screen or ring the bell of whoever reads it; colours and tabs stay.
 */
export function harmless(text: string): string {
  return text.replace(UNWANTED, '');
}

/** The same for several lines. */
export function harmlessLines(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}
