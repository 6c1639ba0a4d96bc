// Errors on the wire, both ways.
//
// An error always travels: what of it cannot is left out rather than put another failure in its place. Name, message, stack,
// code, data, cause, the errors of an AggregateError and own enumerable properties go; the receiver rebuilds the standard class
// by its number, a SkerryError by its code. A subclass of the user's arrives as its nearest standard class, with its name. A code
// that this version's catalogue does not have arrives as an Error named SkerryError with that code.
//
//     TAG_ERROR  kind: byte  message, stack, name, code: string or undefined  (key: string, value)*  TAG_END

import { isErrorCode, SkerryError, withoutStack } from '../../base/errors.ts';
import type { Decoder } from './decoder.ts';
import type { Encoder } from './encoder.ts';
import { ERROR_KINDS, TAG_END, TAG_ERROR } from './tags.ts';

const KIND_AGGREGATE = ERROR_KINDS.indexOf('AggregateError');
const KIND_SKERRY = ERROR_KINDS.indexOf('SkerryError');
const classes: readonly (new (message?: string) => Error)[] = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
];
/** Properties that travel although they are not enumerable. */
const HIDDEN = ['cause', 'code', 'data'];
const WRITTEN = new Set(['name', 'message', 'stack', ...HIDDEN]);

export function writeError(to: Encoder, error: Error, depth: number): void {
  const kind = kindOf(error);
  to.u8(TAG_ERROR);
  to.u8(kind);
  to.any(text(error, 'message'), depth);
  to.any(text(error, 'stack'), depth);
  to.any(text(error, 'name'), depth);
  to.any(kind === KIND_SKERRY ? text(error, 'code') : undefined, depth);
  for (const key of HIDDEN) {
    if (key in error && !(key === 'code' && kind === KIND_SKERRY)) writeProperty(to, error, key, depth);
  }
  if (kind === KIND_AGGREGATE) writeProperty(to, error, 'errors', depth);
  for (const key of Object.keys(error)) {
    if (!WRITTEN.has(key) && !(key === 'errors' && kind === KIND_AGGREGATE)) writeProperty(to, error, key, depth);
  }
  to.u8(TAG_END);
}

function writeProperty(to: Encoder, error: Error, key: string, depth: number): void {
  let value: unknown;
  try {
    value = (error as unknown as Record<string, unknown>)[key];
  } catch {
    return;
  }
  to.attempt(() => {
    to.string(key);
    to.step(depth, key);
    to.any(value, depth + 1);
  });
}

/** Reads what {@link writeError} wrote after the tag at `at`. */
export function readError(from: Decoder, at: number, depth: number): Error {
  const kind = from.u8();
  const message = from.optionalString();
  const stack = from.optionalString();
  const name = from.optionalString();
  const code = from.optionalString();
  const error = makeError(kind, message, stack, name, code);
  if (error === undefined) return from.corrupt(at + 1, `class ${kind}`, 'the number of a class of errors');
  from.enter(error, depth);
  while (!from.skip(TAG_END)) {
    const key = from.string('a key or the end of an error');
    setErrorProperty(error, key, from.any(depth + 1));
  }
  return error;
}

/** An error of the class with number `kind`, without a stack of this process; undefined when there is no such class. */
function makeError(
  kind: number,
  message: string | undefined,
  stack: string | undefined,
  name: string | undefined,
  code: string | undefined,
): Error | undefined {
  return withoutStack(() => {
    const error = construct(kind, message, code);
    if (error === undefined) return undefined;
    if (stack !== undefined || Object.hasOwn(error, 'stack')) hidden(error, 'stack', stack);
    if (name !== undefined && error.name !== name) hidden(error, 'name', name);
    return error;
  });
}

/** Gives a rebuilt error one of its own properties; as structured clone and V8 have it, some of them are not listed. */
function setErrorProperty(error: Error, key: string, value: unknown): void {
  if (key === 'cause' || (key === 'errors' && error instanceof AggregateError)) hidden(error, key, value);
  else Object.defineProperty(error, key, { value, enumerable: true, configurable: true, writable: true });
}

function construct(kind: number, message: string | undefined, code: string | undefined): Error | undefined {
  if (kind === KIND_SKERRY) {
    if (isErrorCode(code)) return new SkerryError(code, message ?? '');
    const unknown = new Error(message);
    hidden(unknown, 'name', 'SkerryError');
    setErrorProperty(unknown, 'code', code);
    return unknown;
  }
  if (kind === KIND_AGGREGATE) return new AggregateError([], message);
  const Class = classes[kind];
  return Class === undefined ? undefined : new Class(message);
}

function hidden(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
}

function kindOf(error: Error): number {
  if (error instanceof SkerryError) return KIND_SKERRY;
  for (
    let prototype: unknown = error;
    prototype !== null && prototype !== undefined;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    const kind = typeof maker === 'function' ? (ERROR_KINDS as readonly string[]).indexOf(maker.name) : -1;
    if (kind >= 0 && kind !== KIND_SKERRY) return kind;
  }
  return 0;
}

/** A property as a text; undefined when it is something else, or its getter throws. */
function text(error: Error, key: 'message' | 'stack' | 'name' | 'code'): string | undefined {
  try {
    const value: unknown = (error as unknown as Record<string, unknown>)[key];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
