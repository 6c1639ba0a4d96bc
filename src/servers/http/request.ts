// From a request to the arguments of a call: target, query, body.
//
// Everything here is input from strangers. What is read is bounded: the target by the server's header limit, the body by
// `bodyBytesMax` and `bodyTimeoutMs`. Names are kept in maps until they are known to be harmless.

import type { IncomingMessage } from 'node:http';
import { HttpError } from './errors.ts';
import { parseJson } from './json.ts';

/** A query's value: a list if its name came more than once. */
export type QueryValue = string | string[];

/** A request's target, in its two halves. */
export interface Target {
  /** Still encoded; starts with a slash. */
  readonly path: string;
  readonly query: ReadonlyMap<string, QueryValue>;
}

/** Limits on a body. */
export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly bodyTimeoutMs: number;
}

/** No body, as opposed to the value `undefined`, which JSON does not have. */
export const NO_BODY = Symbol('no body');

/**
 * Takes a request target apart, in origin form (`/a?b=c`) or absolute form (`http://host/a?b=c`, as sent to proxies).
 *
 * @throws HttpError 400
 */
export function parseTarget(target: string): Target {
  const origin = target.startsWith('/') ? target : /^https?:\/\/[^/?#]+(.*)$/is.exec(target)?.[1];
  if (origin === undefined) throw badRequest('the request target must be a path or an http URL');
  const mark = origin.indexOf('?');
  const path = mark === -1 ? origin : origin.slice(0, mark);
  return { path: path === '' ? '/' : path, query: parseQuery(mark === -1 ? '' : origin.slice(mark + 1)) };
}

/** @throws HttpError 400 if it is not valid percent encoding */
export function parseQuery(query: string): Map<string, QueryValue> {
  const values = new Map<string, QueryValue>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    if (name === '__proto__') throw badRequest('the query has a name "__proto__", which is not accepted');
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    const other = values.get(name);
    if (other === undefined) values.set(name, value);
    else if (typeof other === 'string') values.set(name, [other, value]);
    else other.push(value);
  }
  return values;
}

/**
 * Reads a JSON body to its end.
 *
 * @returns its value, or NO_BODY
 * @throws HttpError 400 (not JSON), 408 (too slow), 413 (too large), 415 (something else than JSON in UTF-8)
 */
export async function readJson(request: IncomingMessage, limits: BodyLimits, onReading: () => void): Promise<unknown> {
  const length = request.headers['content-length'];
  if (request.headers['transfer-encoding'] === undefined && (length === undefined || Number(length) === 0)) return NO_BODY;
  checkMediaType(request);
  if (Number(length) > limits.bodyBytesMax) throw tooLarge(limits.bodyBytesMax);
  onReading();
  const bytes = await readBytes(request, limits);
  if (bytes.length === 0) return NO_BODY;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest('the body is not valid UTF-8');
  }
  return parseJson(text);
}

/**
 * The arguments of the call.
 *
 * @param args names of the positional arguments, each looked up in `params`, then `query`, then the body's fields (`undefined` if
 * nowhere); without them, one object of all three, or the body itself if it is no object and nothing else was given
 * @throws HttpError 400 if the body is no object but fields have to come from it
 */
export function toArguments(
  args: readonly string[] | undefined,
  params: ReadonlyMap<string, string>,
  query: ReadonlyMap<string, QueryValue>,
  body: unknown,
): unknown[] {
  const hasFields = isObject(body);
  if (body !== NO_BODY && !hasFields && (args || params.size > 0 || query.size > 0)) {
    throw badRequest('the body must be a JSON object here');
  }
  const fields = hasFields ? body : {};
  if (args) {
    const field = (name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined);
    return args.map((name) => params.get(name) ?? query.get(name) ?? field(name));
  }
  if (body !== NO_BODY && !hasFields) return [body];
  return [{ ...fields, ...Object.fromEntries(query), ...Object.fromEntries(params) }];
}

function readBytes(request: IncomingMessage, { bodyBytesMax, bodyTimeoutMs }: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(
      () => settle(new HttpError(408, 'HTTP_REQUEST_TIMEOUT', `the body took longer than ${bodyTimeoutMs} ms`)),
      bodyTimeoutMs,
    );
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > bodyBytesMax) settle(tooLarge(bodyBytesMax));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle();
    // The connection is gone or the request broke off: whatever is answered, nobody reads it.
    const onGone = (): void => settle(badRequest('the body broke off'));
    const settle = (error?: HttpError): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onGone).pause();
      if (error) reject(error);
      else resolve(Buffer.concat(chunks, size));
    };
    // A broken request emits 'error', then 'close'; without a listener 'error' would end the process.
    request.on('error', () => {});
    request.on('data', onData).on('end', onEnd).on('close', onGone);
  });
}

/** A body is JSON in UTF-8 and says so; a form or a plain text, which any web page may send here, is not taken for it. */
function checkMediaType({ headers }: IncomingMessage): void {
  const [type, ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  if (!/^application\/(?:[a-z0-9.!#$&^_-]+\+)?json$/.test(type.trim())) {
    throw unsupported(`the content-type of a body must be application/json, got ${JSON.stringify(type.trim())}`);
  }
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=').map((half) => half.trim());
    const charset = value.replaceAll('"', '');
    if (name === 'charset' && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) {
      throw unsupported(`the charset of a body must be utf-8, got ${JSON.stringify(charset)}`);
    }
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity')
    throw unsupported(`a body must not be compressed, got content-encoding ${JSON.stringify(encoding)}`);
}

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw badRequest(`the query is not valid percent encoding at ${JSON.stringify(text.slice(0, 50))}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badRequest(message: string): HttpError {
  return new HttpError(400, 'SKERRY_INVALID', message);
}

function tooLarge(bodyBytesMax: number): HttpError {
  return new HttpError(413, 'SKERRY_LIMIT', `the body is larger than ${bodyBytesMax} bytes`);
}

function unsupported(message: string): HttpError {
  return new HttpError(415, 'HTTP_UNSUPPORTED_MEDIA_TYPE', message);
}
