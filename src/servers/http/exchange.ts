// One request and its answer: find the route, read the arguments, make the call, send what comes of it.
//
// Every request that gets here is answered exactly once, or its connection is gone. A request whose body was not read to its end
// closes its connection; it lingers a moment, so that a client still sending gets to read why.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError, toReply } from './errors.ts';
import { linger } from './linger.ts';
import type { HttpSettings, RouteSettings } from './options.ts';
import { isKnown } from './pages.ts';
import { NO_BODY, parseTarget, readJson, toArguments } from './request.ts';
import type { Match, Router } from './routes.ts';
import type { RowExchange } from './row-exchange.ts';

/**
 * Calls a method of a server.
 *
 * @param options.signal aborts when the client has gone or the driver stops; the call should then be cancelled
 * @param options.timeoutMs the route's deadline; without it the method's own holds
 */
export type Invoke = (
  server: string,
  method: string,
  args: readonly unknown[],
  options: { readonly signal: AbortSignal; readonly timeoutMs?: number },
) => Promise<unknown>;

/** What an exchange stands on. */
export interface ExchangeParts {
  readonly settings: HttpSettings;
  readonly router: Router;
  readonly invoke: Invoke;
  /** Answers where a route has `rows`. */
  readonly exchangeRows: RowExchange;
  /** Whether the driver is on its way out: answers then close their connection. */
  readonly isStopping: () => boolean;
  /** Told of every failure that the client is not told about. */
  readonly onFault: (message: string, error: unknown) => void;
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };

/** Answers one request. Never rejects. */
export async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
  parts: ExchangeParts,
): Promise<void> {
  let names: readonly string[] | undefined;
  try {
    const verb = request.method ?? '';
    const target = parseTarget(request.url ?? '');
    const found = findRoute(parts.router, verb, target.path);
    if (found.kind === 'page') {
      const { bytes, headers } = found.page;
      if (isKnown(found.page, request.headers['if-none-match'])) await send(request, response, parts, 304, withoutType(headers));
      else await send(request, response, parts, 200, headers, bytes);
      return;
    }
    if (found.kind === 'health') {
      const health = await found.check();
      const status = health.status === 'unready' ? 503 : 200;
      await send(request, response, parts, status, JSON_HEADERS, Buffer.from(JSON.stringify(health)));
      return;
    }
    const { route, params } = found;
    names = route.args;
    if (route.rows) return await parts.exchangeRows(request, response, route, target, signal);

    const readsBody = verb !== 'GET' && verb !== 'HEAD';
    const onReading = (): void => {
      if (request.headers.expect !== undefined) response.writeContinue();
    };
    const body = readsBody ? await readJson(request, parts.settings, onReading) : NO_BODY;
    const args = toArguments(route.args, params, target.query, body);

    const result = await parts.invoke(route.server, route.method, args, {
      signal,
      ...(route.timeoutMs !== undefined && { timeoutMs: route.timeoutMs }),
    });
    if (isStream(result)) {
      await result.return?.();
      throw new HttpError(501, 'SKERRY_UNSUPPORTED', 'this path leads to a stream, which cannot be answered as JSON');
    }
    const json = toJson(result, route);
    const cacheControl = { 'cache-control': route.cacheControl ?? 'no-store' };
    if (json === undefined) await send(request, response, parts, 204, cacheControl);
    else await send(request, response, parts, 200, { ...JSON_HEADERS, ...cacheControl }, Buffer.from(json));
  } catch (error) {
    if (response.destroyed || response.headersSent) return;
    const cut = signal.aborted && parts.isStopping();
    const told = cut ? new HttpError(503, 'HTTP_STOPPING', 'the server is stopping', { 'retry-after': '1' }) : error;
    const reply = toReply(told, names);
    if (reply.body.error.code === 'INTERNAL') parts.onFault(`${request.method} ${request.url} failed`, error);
    const body = Buffer.from(JSON.stringify(reply.body));
    await send(request, response, parts, reply.status, { ...JSON_HEADERS, ...reply.headers }, body);
  }
}

function findRoute(router: Router, verb: string, path: string): Extract<Match, { kind: 'found' | 'page' | 'health' }> {
  const match = router(verb, path);
  switch (match.kind) {
    case 'found':
    case 'page':
    case 'health':
      return match;
    case 'wrongMethod':
      throw new HttpError(405, 'HTTP_METHOD_NOT_ALLOWED', `this path answers ${match.allow}`, { allow: match.allow });
    case 'unknownPath':
      throw new HttpError(404, 'SKERRY_NOT_FOUND', 'there is no such path');
    case 'malformed':
      throw new HttpError(400, 'SKERRY_INVALID', 'the path is not valid percent encoding');
  }
}

/** @returns undefined if there is nothing to send @throws Error that names the method if JSON cannot express the result */
function toJson(result: unknown, { server, method }: RouteSettings): string | undefined {
  try {
    return JSON.stringify(result);
  } catch (cause) {
    throw new Error(`the result of ${server}.${method} cannot be sent as JSON`, { cause });
  }
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { settings, isStopping }: ExchangeParts,
  status: number,
  headers: Readonly<Record<string, string>>,
  bytes?: Buffer,
): Promise<void> {
  if (response.destroyed) return;
  const isUnread = hasBody(request) && !request.complete;
  if (isUnread || isStopping() || settings.keepAliveMs === 0) response.setHeader('connection', 'close');
  response.writeHead(status, { ...headers, ...(bytes && { 'content-length': bytes.length }) });
  const content = request.method === 'HEAD' ? undefined : bytes;
  if (!isUnread) {
    response.end(content);
    return;
  }
  // The whole answer goes out now; the end, which closes the connection, comes when the client has stopped sending.
  if (content) response.write(content);
  else response.flushHeaders();
  await linger(request);
  response.end();
}

/** A 304 has no content, so it has no type either. */
function withoutType({ 'content-type': _, ...headers }: Readonly<Record<string, string>>): Record<string, string> {
  return headers;
}

/** A method that is `async *`: a route answers once. */
function isStream(result: unknown): result is AsyncIterableIterator<unknown> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
