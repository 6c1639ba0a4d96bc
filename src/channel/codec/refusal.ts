// Refusals of the encoder: where in the caller's data, and what stands there.
//
// The encoder notes the step it takes into each container (a key, an index, an EntryStep); only here, when something cannot
// travel, do the steps become a text such as `args[0].options.socket`.

import { SkerryError } from '../../base/errors.ts';

/** The step into a container: a property's name, an index, or a place in a Map or Set. */
export type Step = string | number | EntryStep;

/** A step into a Map or a Set; its text is made only when it is asked for. */
export class EntryStep {
  readonly index: number;
  /** `get`: the value of a key that is a primitive, and known. */
  readonly kind: 'get' | 'keys' | 'values';
  readonly key: unknown;

  constructor(kind: 'get' | 'keys' | 'values', index: number, key?: unknown) {
    this.kind = kind;
    this.index = index;
    this.key = key;
  }

  toString(): string {
    if (this.kind !== 'get') return `.${this.kind}()[${this.index}]`;
    return `.get(${typeof this.key === 'string' ? JSON.stringify(this.key) : String(this.key)})`;
  }
}

/** The error for a value that cannot travel. */
export function unsendable(value: unknown, path: string): SkerryError {
  const what = describe(value);
  return new SkerryError(
    'SKERRY_UNSENDABLE',
    `${path} is ${what} and cannot leave its process; plain objects, arrays, Map, Set, Date, RegExp, Error, bytes and primitives can`,
    { data: { path, what } },
  );
}

/** The error for containers that nest too deep; `path` leads to the first that does. */
export function tooDeep(path: string, depthMax: number): SkerryError {
  const start = path.length > 80 ? `${path.slice(0, 80)}…` : path;
  return new SkerryError('SKERRY_LIMIT', `${start} nests deeper than the limit of ${depthMax} containers`, {
    data: { path, depthMax },
  });
}

/** The error for a record of too many objects. */
export function tooMany(path: string, objectsMax: number): SkerryError {
  return new SkerryError(
    'SKERRY_LIMIT',
    `${path} is one object more than the limit of ${objectsMax} a record; send it in parts, as a stream (grants are not built yet)`,
    {
      data: { path, objectsMax },
    },
  );
}

/** The text of the steps from `root`, as one would write it in a program. */
export function pathOf(root: string, steps: readonly Step[], depth: number): string {
  let path = root;
  for (let i = 0; i < depth; i++) {
    const step = steps[i];
    if (typeof step === 'number') path += `[${step}]`;
    else if (typeof step !== 'string') path += step.toString();
    else if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step)) path += path === '' ? step : `.${step}`;
    else path += `[${JSON.stringify(step)}]`;
  }
  return path;
}

/** Built-in classes of which one says "a Promise", not "a Promise instance". */
const BUILT_IN = new Set([
  'Promise',
  'WeakMap',
  'WeakSet',
  'WeakRef',
  'SharedArrayBuffer',
  'FinalizationRegistry',
  'Generator',
  'AsyncGenerator',
]);

function describe(value: unknown): string {
  if (typeof value === 'function') {
    const { name } = value;
    const noun = /^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'function';
    return typeof name === 'string' && name !== '' ? `a ${noun} ${JSON.stringify(name)}` : `a ${noun} without a name`;
  }
  if (typeof value === 'symbol') return 'a symbol';
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return 'a detached ArrayBuffer';
  const name = className(value as object);
  if (name === undefined) return 'an object with a prototype of its own';
  const article = /^[AEIOU]/.test(name) ? 'an' : 'a';
  return BUILT_IN.has(name) ? `${article} ${name}` : `${article} ${name} instance`;
}

function className(value: object): string | undefined {
  try {
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === null) return undefined;
    const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    if (typeof maker === 'function' && typeof maker.name === 'string' && maker.name !== '') return maker.name;
    return /^\[object (\w+)\]$/.exec(Object.prototype.toString.call(value))?.[1]?.replace(/^Object$/, '') || undefined;
  } catch {
    return undefined;
  }
}
