// Figures and tables as people read them on a terminal.

/** Escape sequences but for colours, and control characters but for tab and newline. */
// biome-ignore format: one line for the exemption
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const UNWANTED = /\x1b(?!\[[0-9;]*m)(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g;

/** Right-aligned columns hold figures. */
export interface Column<Row> {
  readonly title: string;
  readonly right?: boolean;
  readonly of: (row: Row) => string;
}

/** Lines of equal columns, two spaces apart, the titles first. @param width cut at so many characters; undefined: never. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width?: number): string[] {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ of }) => of(row)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => (line[column] as string).length)));
  return cells.map((line) => {
    const text = line
      .map((cell, column) =>
        columns[column]?.right === true ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number),
      )
      .join('  ')
      .trimEnd();
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
