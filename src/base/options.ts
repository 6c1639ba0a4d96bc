// Options that a user wrote, checked once, where they come in. What is wrong is SKERRY_INVALID, in one form for all of them:
//
//     boot() has no option "transprot"; it has: transport, budgetMb, env
//     boot(): transport must be 'ring' or 'stream'; it is "pigeon"
//
//     const check = new OptionCheck('boot()', options, ['transport', 'budgetMb', 'env'], 'a system and options');
//     check.optional('transport', "'ring' or 'stream'", (given) => given === 'ring' || given === 'stream');
//
// An option that is undefined is not given. Messages show what was found, but nothing from within an object: it may be a secret.

import { SkerryError } from './errors.ts';

type Given = Readonly<Record<string, unknown>>;
type Test = (value: unknown) => boolean;

const STRING_SHOWN_MAX = 100;
const ITEMS_SHOWN_MAX = 10;

export class OptionCheck {
  readonly #where: string;
  readonly #options: Given;
  readonly #prefix: string;

  /**
   * @param where as messages begin: `boot()`, `system: server "geo"`
   * @param known names of all options that there are
   * @param takes everything that is taken there, for options that are none
   * @param prefix of the names in messages, for options within an option: `limits.`
   * @throws SkerryError SKERRY_INVALID when `options` is no object, or has an option that there is not
   */
  constructor(where: string, options: unknown, known: readonly string[], takes = 'options', prefix = '') {
    if (!isObject(options)) throw invalid(`${where} takes ${takes}; the options are ${show(options)}`);
    this.#where = where;
    this.#options = options;
    this.#prefix = prefix;
    for (const name in options) {
      if (known.includes(name)) continue;
      const names = known.map((one) => prefix + one).join(', ');
      throw invalid(`${where} has no option "${prefix}${name}"; it has: ${names}`);
    }
  }

  /** An option that has to be there, and to pass `test`; `expected` follows on "must be". */
  required(name: string, expected: string, test: Test): void {
    const value = this.#options[name];
    if (!test(value)) throw this.wrong(name, expected, value);
  }

  /** An option that, when given, has to pass `test`. */
  optional(name: string, expected: string, test: Test): void {
    if (this.#options[name] !== undefined) this.required(name, expected, test);
  }

  integer(name: string, min: number, max: number): void {
    this.optional(name, `an integer from ${min} to ${max}`, (value) => isIntegerWithin(value, min, max));
  }

  boolean(name: string): void {
    this.optional(name, 'true or false', (value) => typeof value === 'boolean');
  }

  string(name: string, expected = 'a string'): void {
    this.optional(name, expected, (value) => typeof value === 'string');
  }

  /** @param what the strings are: `an array of <what>` */
  strings(name: string, what: string): void {
    this.optional(name, `an array of ${what}`, isStrings);
  }

  signal(name: string): void {
    this.optional(name, 'an AbortSignal (controller.signal)', isSignal);
  }

  /** Options within an option; undefined when it is not given. */
  group(name: string, known: readonly string[]): OptionCheck | undefined {
    const value = this.#options[name];
    if (value === undefined) return undefined;
    this.required(name, `an object with ${known.join(', ')}`, isObject);
    return new OptionCheck(this.#where, value, known, '', `${this.#prefix}${name}.`);
  }

  /** The error for an option whose value was found to be wrong in a way of its own. */
  wrong(name: string, expected: string, found: unknown): SkerryError {
    return invalid(`${this.#where}: ${this.#prefix}${name} must be ${expected}; it is ${show(found)}`);
  }
}

export function isIntegerWithin(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

export function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** An object with properties: no array, no function. */
export function isObject(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Also one of another context, or of a library. */
function isSignal(value: unknown): boolean {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

/** What was found, for a message: short, and of an object its class only. */
export function show(value: unknown): string {
  return Array.isArray(value) ? showArray(value) : showOne(value);
}

function showArray(items: readonly unknown[]): string {
  const shown = items.slice(0, ITEMS_SHOWN_MAX).map(showOne);
  return `[${shown.join(', ')}${items.length > ITEMS_SHOWN_MAX ? ', …' : ''}]`;
}

function showOne(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > STRING_SHOWN_MAX ? `${value.slice(0, STRING_SHOWN_MAX)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null
    ? withArticle(Object.prototype.toString.call(value).slice(8, -1))
    : String(value);
}

/** `an object`, `a Date`, `a URL`, `an AbortController`. */
function withArticle(kind: string): string {
  const name = kind === 'Object' || kind === 'Array' ? kind.toLowerCase() : kind;
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`;
}

export function invalid(message: string): SkerryError {
  return new SkerryError('SKERRY_INVALID', message);
}
