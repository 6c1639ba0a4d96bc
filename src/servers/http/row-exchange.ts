// A request of rows and its answer of rows (`rows: true` of a route): streamed both ways, of any size, in bounded memory.
//
//   body ──▶ cut at rows ──▶ one call for each chunk, several at once ──▶ answers in the order of the chunks ──▶ response
//
// Backwards the same way runs the brake: the next answer is taken when the client has taken what was written, a call is made when an
// answer has been taken, the body is read when a call may be made. Each is bounded: a few pieces of the body, the chunk in the making,
// twice as many chunks as calls. The status goes out with the first answer; what fails before that has a status of its own, what fails
// later is told in a last row. A client that goes away aborts all.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { mapItems } from '../../rpc/map.ts';
import { cutRows, type RowChunk, type RowFormat } from './cut-rows.ts';
import { HttpError, toReply } from './errors.ts';
import type { Invoke } from './exchange.ts';
import { linger } from './linger.ts';
import type { HttpSettings, RouteSettings } from './options.ts';
import type { QueryValue, Target } from './request.ts';

/** What the method of a route with `rows` gets: a chunk, and what the request said besides. */
export interface RowRequest extends RowChunk {
  readonly query: Readonly<Record<string, QueryValue>>;
}

/** What it answers: bytes that end with a whole row, alone or in an object (whose other members are for other callers). */
export type RowAnswer = Uint8Array | { readonly bytes: Uint8Array };

export interface RowExchangeParts {
  readonly settings: HttpSettings;
  readonly invoke: Invoke;
  /** How many calls a server runs at once. */
  readonly placesOf: (server: string) => Promise<number>;
  readonly isStopping: () => boolean;
  readonly onFault: (message: string, error: unknown) => void;
}

/** Answers one request of rows. @throws what failed while no status was sent: the caller says it */
export type RowExchange = (
  request: IncomingMessage,
  response: ServerResponse,
  route: RouteSettings,
  target: Target,
  signal: AbortSignal,
) => Promise<void>;

/** Chunks of one request that are under way at once: none of its server's places waits for work, and one request fills no memory. */
const CONCURRENCY_MAX = 16;

/** A connection that is not read from does not notice that the client has gone: so now and then one piece is read ahead, up to here. */
const PROBE_MS = 250;
const AHEAD_MAX = 16;

const FORMATS: Readonly<Record<string, RowFormat>> = { 'text/csv': 'csv', 'application/x-ndjson': 'ndjson' };
const CONTENT_TYPES: Readonly<Record<RowFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

export function createRowExchange({ settings, invoke, placesOf, isStopping, onFault }: RowExchangeParts): RowExchange {
  let underWay = 0;

  const answer: RowExchange = async (request, response, route, target, signal) => {
    const format = formatOf(request);
    const query = Object.fromEntries(target.query);
    const run = async (chunk: RowChunk, abandoned: AbortSignal): Promise<Uint8Array> => {
      const { timeoutMs } = route;
      const asked: RowRequest = { ...chunk, query };
      const options = { signal: abandoned, ...(timeoutMs !== undefined && { timeoutMs }) };
      return bytesOf(await invoke(route.server, route.method, [asked], options), route);
    };
    const concurrency = Math.min(CONCURRENCY_MAX, 2 * (await placesOf(route.server)));
    if (request.headers.expect !== undefined) response.writeContinue();
    const body = bodyOf(request, settings.bodyTimeoutMs);
    const chunks = cutRows(body, format, { rowBytesMax: settings.rowBytesMax });
    try {
      for await (const outcome of mapItems(run, chunks, { concurrency, signal })) {
        if ('error' in outcome) throw outcome.error;
        if (!response.headersSent) {
          if (isStopping() || settings.keepAliveMs === 0) response.setHeader('connection', 'close');
          response.writeHead(200, { 'content-type': CONTENT_TYPES[format], 'cache-control': route.cacheControl ?? 'no-store' });
        }
        if (outcome.value.length > 0 && !response.write(outcome.value)) await drained(response);
      }
      response.end();
    } catch (error) {
      if (!response.headersSent || response.destroyed) throw error;
      await endWith(error, format, request, response, signal.aborted && isStopping());
      if (toReply(error).body.error.code === 'INTERNAL') onFault(`${request.method} ${request.url} failed`, error);
    }
  };

  return async (request, response, route, target, signal) => {
    if (underWay >= settings.rowRequestsMax)
      throw new HttpError(503, 'SKERRY_BUSY', 'too many requests of rows are under way', { 'retry-after': '1' });
    underWay += 1;
    try {
      await answer(request, response, route, target, signal);
    } finally {
      underWay -= 1;
    }
  };
}

/** @throws HttpError 415 */
function formatOf({ headers }: IncomingMessage): RowFormat {
  const [type, ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const name = type.trim();
  if (!Object.hasOwn(FORMATS, name))
    throw unsupported(`the content-type must be one of ${Object.keys(FORMATS).join(', ')}, got ${JSON.stringify(name)}`);
  for (const parameter of parameters) {
    const [key, value = ''] = parameter.split('=').map((half) => half.trim());
    if (key === 'charset' && !['utf-8', 'utf8', 'us-ascii'].includes(value.replaceAll('"', '')))
      throw unsupported(`the charset must be utf-8, got ${JSON.stringify(value)}`);
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity')
    throw unsupported(`a body must not be compressed, got content-encoding ${JSON.stringify(encoding)}`);
  return FORMATS[name];
}

/** A body in pieces, each read when it is asked for. @throws HttpError 408 when the client sends nothing for `idleMs`, 400 if it broke off */
async function* bodyOf(request: IncomingMessage, idleMs: number): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces: Uint8Array[] = [];
  let over = request.readableEnded;
  let fault: Error | undefined;
  let wake = (): void => {};
  const onData = (piece: Buffer): void => {
    pieces.push(piece);
    request.pause();
    wake();
  };
  const onEnd = (): void => {
    over = true;
    wake();
  };
  const onClose = (): void => {
    if (!over) fault ??= new HttpError(400, 'SKERRY_INVALID', 'the body broke off');
    wake();
  };
  request.on('error', () => {}); // 'close' follows
  request.on('data', onData).on('end', onEnd).on('close', onClose).pause();
  const probe = setInterval(() => {
    if (pieces.length < AHEAD_MAX) request.resume();
  }, PROBE_MS);
  try {
    for (;;) {
      const piece = pieces.shift();
      if (piece !== undefined) {
        yield piece;
        continue;
      }
      if (fault !== undefined) throw fault;
      if (over) return;
      if (request.closed) onClose();
      else {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => {
            fault = new HttpError(408, 'HTTP_REQUEST_TIMEOUT', `nothing of the body came for ${idleMs} ms`);
            resolve();
          }, idleMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
          request.resume();
        });
      }
    }
  } finally {
    clearInterval(probe);
    wake();
    request.off('data', onData).off('end', onEnd).off('close', onClose).resume(); // what may still come is dropped (linger.ts)
  }
}

function bytesOf(result: unknown, { server, method }: RouteSettings): Uint8Array {
  const bytes = result instanceof Uint8Array ? result : (result as { bytes?: unknown } | null | undefined)?.bytes;
  if (bytes instanceof Uint8Array) return bytes;
  throw new Error(`${server}.${method} answers a route with rows, so it must return a Uint8Array or { bytes }`);
}

/** The client has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
    if (response.destroyed) settle();
  });
}

/** The status is out: the last row says that the rows end too early, and why. */
async function endWith(
  error: unknown,
  format: RowFormat,
  request: IncomingMessage,
  response: ServerResponse,
  isCut: boolean,
): Promise<void> {
  const told = isCut ? new HttpError(503, 'HTTP_STOPPING', 'the server is stopping') : error;
  const { code, message } = toReply(told).body.error;
  const row =
    format === 'csv' ? `"error: ${code}: ${message.replaceAll('"', '""')}"` : JSON.stringify({ error: { code, message } });
  const { socket } = request;
  response.end(`${row}\n`);
  await linger(request);
  if (!request.complete) socket.destroySoon();
}

function unsupported(message: string): HttpError {
  return new HttpError(415, 'HTTP_UNSUPPORTED_MEDIA_TYPE', message);
}
