// Rows and fields of CSV text, by the same grammar as the http driver cuts a stream into chunks (skerry/servers/http, cutRows).
//
//   row = field *("," field) newline         field = *character | quote *(character | quote quote) quote
//
// A quote opens only at the start of a field; in `5" pipe` it is a character. That both sides agree is the point of having this here:
// libraries look for the end of a field with broken quotes in the rows that follow, and one bad row costs its neighbours. Here it is a row
// with a problem, and one whose quote is never closed ends at its first newline. Rows without quotes, nearly all, are found and split by the platform's own search.

/** Goes through the rows of a text, one at a time. */
export class CsvCursor {
  /** The row as it stands, without its line end. */
  raw = '';
  fields: readonly string[] = [];
  /** What is wrong with its quotes. */
  problem: string | undefined;
  /** Number of its first line. */
  line: number;
  readonly #text: string;
  readonly #hasQuotes: boolean;
  #at = 0;
  #nextLine: number;

  /** @param line number of the line at which the text begins */
  constructor(text: string, line = 1) {
    this.#text = text;
    this.#hasQuotes = text.includes('"');
    this.line = line;
    this.#nextLine = line;
  }

  /** Goes to the next row. @returns false when there is none */
  next(): boolean {
    const text = this.#text;
    const start = this.#at;
    if (start >= text.length) return false;
    this.line = this.#nextLine;
    this.problem = undefined;
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const raw = text.slice(start, end > start && text.charCodeAt(end - 1) === RETURN ? end - 1 : end);
    if (this.#hasQuotes && raw.includes('"')) return this.#quoted(start);
    this.raw = raw;
    this.fields = raw.split(',');
    this.#at = end + 1;
    this.#nextLine += 1;
    return true;
  }

  /** The same for text whose rows are lines: the whole line, no fields. */
  nextLine(): boolean {
    const text = this.#text;
    const start = this.#at;
    if (start >= text.length) return false;
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    this.line = this.#nextLine++;
    this.raw = text.slice(start, end > start && text.charCodeAt(end - 1) === RETURN ? end - 1 : end);
    this.#at = end + 1;
    return true;
  }

  #quoted(start: number): boolean {
    const text = this.#text;
    const fields: string[] = [];
    let at = start;
    for (;;) {
      let value = '';
      const isQuoted = text[at] === '"';
      if (isQuoted) {
        let from = at + 1;
        for (;;) {
          const quote = text.indexOf('"', from);
          if (quote === -1) return this.#broken(start);
          if (text[quote + 1] === '"') {
            value += text.slice(from, quote + 1);
            from = quote + 2;
            continue;
          }
          value += text.slice(from, quote);
          at = quote + 1;
          break;
        }
      }
      const end = this.#fieldEnd(at);
      const rest = text.slice(at, text[end] !== ',' && text.charCodeAt(end - 1) === RETURN && end > at ? end - 1 : end);
      if (isQuoted && rest !== '') this.problem ??= `there is text after a closing quote: ${JSON.stringify(rest.slice(0, 20))}`;
      fields.push(value + rest);
      at = end;
      if (text[at] !== ',') break;
      at += 1;
    }
    const raw = text.slice(start, text.charCodeAt(at - 1) === RETURN && at > start ? at - 1 : at);
    this.raw = raw;
    this.fields = fields;
    this.#nextLine += 1;
    for (let i = text.indexOf('\n', start); i !== -1 && i < at; i = text.indexOf('\n', i + 1)) this.#nextLine += 1;
    this.#at = at + 1;
    return true;
  }

  /** A quote that nobody closes: the row ends at its first newline after all. */
  #broken(start: number): boolean {
    this.#at = start;
    this.nextLine();
    this.problem = 'a quote is opened and not closed';
    this.fields = this.raw.split(',');
    return true;
  }

  /** Of what stands outside of quotes. */
  #fieldEnd(from: number): number {
    const text = this.#text;
    let at = from;
    while (at < text.length && text.charCodeAt(at) !== COMMA && text.charCodeAt(at) !== NEWLINE) at += 1;
    return at;
  }
}

/** A value as a field. */
export function csvField(value: string): string {
  return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

const COMMA = 0x2c;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
