// The http driver's life: listen, count what is under way, stop without cutting anybody off.
//
//   new ── listen() ──> listening ── close() ──> draining ── last answer sent, or drainMs ──> closed
//
// What bounds it: connections (`connectionsMax`), requests under way (`requestsMax`), bytes and time of each request (options.ts),
// time that an answer may wait for its reader (`stallTimeoutMs`), and the drain. A client that goes away aborts its calls, those
// pipelined behind each other too: that is why exchanges are kept by connection.

import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServerContext } from '../../server/context.ts';
import { Listening } from '../../server/listen.ts';
import { HttpError, toReply } from './errors.ts';
import { type ExchangeParts, exchange, type Invoke } from './exchange.ts';
import { createHealthChecks, type Probe } from './health.ts';
import type { HttpSettings } from './options.ts';
import type { Pages } from './pages.ts';
import { createRouter, type Match, type Router } from './routes.ts';
import { createRowExchange } from './row-exchange.ts';

/** What a driver is made of. */
export interface DriverParts {
  /** Checked options (`checkOptions`). */
  readonly options: HttpSettings;
  readonly invoke: Invoke;
  /** What `options.pages` names (`readPages`). Default: none. */
  readonly pages?: Pages;
  /** Servers that have to be reached for the driver to be ready. Default: none. */
  readonly servers?: readonly string[];
  readonly probe?: Probe;
  /** How many calls a server runs at once, for routes with `rows`. Default: one. */
  readonly placesOf?: (server: string) => Promise<number>;
  /** As `ctx.listen`. Default: a socket of this process. */
  readonly listen?: ServerContext['listen'];
  /** Told of failures that clients are not told about. Default: nobody. */
  readonly onFault?: (message: string, error: unknown) => void;
}

/** A listening HTTP server in front of methods. */
export interface Driver {
  /** The port in use; differs from the option if that was 0. Known once `listen` has resolved. */
  readonly port: number;
  /** Where it can be reached, such as `http://127.0.0.1:4180`. */
  readonly url: string;
  /** Requests under way. */
  readonly requests: number;
  /** @throws SkerryError SKERRY_INIT that says what is wrong with the address, such as `port 4180 on 127.0.0.1 is in use` */
  listen(): Promise<void>;
  /** Takes no more connections, lets requests under way finish for at most `drainMs`, then cuts them off. Resolves once all is closed. */
  close(): Promise<void>;
}

/** After the drain: time for the calls that were cut off to be answered with 503. */
const CUT_GRACE_MS = 200;

/** @throws SkerryError SKERRY_INVALID if routes contradict each other */
export function createDriver(parts: DriverParts): Driver {
  return new HttpDriver(parts);
}

class HttpDriver implements Driver {
  readonly #settings: HttpSettings;
  readonly #parts: ExchangeParts;
  readonly #server: Server;
  readonly #listen: ServerContext['listen'];
  /** Open connections, each with the calls under way on it: an array and no Set, see rpc/abort-listeners.ts. */
  readonly #connections = new Map<Duplex, AbortController[]>();
  #requests = 0;
  #closing: Promise<void> | undefined;

  constructor({
    options: settings,
    invoke,
    pages,
    servers = [],
    probe = async () => 1,
    placesOf = async () => 1,
    listen = (server, where) => new Listening(undefined).listen(server, where),
    onFault = () => {},
  }: DriverParts) {
    this.#settings = settings;
    this.#listen = listen;
    const isStopping = () => this.#closing !== undefined;
    const health = createHealthChecks({ servers, probe, isStopping, isBusy: () => this.#requests > settings.requestsMax });
    const router = createRouter(settings.routes, pages, settings.health ? health : undefined);
    const exchangeRows = createRowExchange({ settings, invoke, placesOf, isStopping, onFault });
    this.#parts = { settings, router, invoke, exchangeRows, isStopping, onFault };
    this.#server = createServer({
      maxHeaderSize: settings.headerBytesMax,
      headersTimeout: settings.headersTimeoutMs,
      // A body's own timer answers first; this is for bodies that nobody reads. A stream of rows takes the time that it takes.
      requestTimeout: settings.routes.some(({ rows }) => rows) ? 0 : settings.headersTimeoutMs + settings.bodyTimeoutMs + 1_000,
      keepAliveTimeout: settings.keepAliveMs,
      connectionsCheckingInterval: Math.min(5_000, Math.ceil(settings.headersTimeoutMs / 2)),
    });
    this.#server.maxConnections = settings.connectionsMax;
    this.#server.setTimeout(settings.stallTimeoutMs);
    this.#server.on('timeout', (socket: Socket) => this.#onSilence(socket));
    this.#server.on('connection', (socket: Socket) => this.#onConnection(socket));
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    this.#server.on('checkContinue', (request, response) => this.#onRequest(request, response));
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#onClientError(error, socket));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : this.#settings.port;
  }

  get url(): string {
    const { host } = this.#settings;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }

  get requests(): number {
    return this.#requests;
  }

  async listen(): Promise<void> {
    const { port, host } = this.#settings;
    await this.#listen(this.#server, { port, host });
    this.#server.on('error', (error) => this.#parts.onFault('the listening socket failed', error));
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#closeIdle();
    const timers = [
      setTimeout(() => this.#abortAll(), this.#settings.drainMs),
      setTimeout(() => this.#server.closeAllConnections(), this.#settings.drainMs + CUT_GRACE_MS),
    ];
    await closed;
    for (const timer of timers) clearTimeout(timer);
  }

  /** Closes connections between two requests, and those that never sent any. */
  #closeIdle(): void {
    this.#server.closeIdleConnections();
    for (const [socket, calls] of this.#connections) {
      if (calls.length === 0 && 'bytesRead' in socket && socket.bytesRead === 0) socket.destroy();
    }
  }

  #abortAll(): void {
    for (const calls of this.#connections.values()) {
      for (const call of [...calls]) call.abort();
    }
  }

  #onConnection(socket: Socket): void {
    const calls: AbortController[] = [];
    this.#connections.set(socket, calls);
    socket.once('close', () => {
      this.#connections.delete(socket);
      for (const call of calls.splice(0)) {
        this.#requests--;
        call.abort();
      }
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const calls = this.#connections.get(request.socket);
    if (!calls) return; // closed in the same turn
    const call = new AbortController();
    const parts =
      this.#requests < this.#settings.requestsMax ? this.#parts : { ...this.#parts, router: busy(this.#parts.router) };
    calls.push(call);
    this.#requests++;
    response.once('close', () => {
      const at = calls.indexOf(call);
      if (at === -1) return;
      calls.splice(at, 1);
      this.#requests--;
      if (!response.writableFinished) call.abort();
      if (this.#closing) this.#closeIdle();
    });
    void exchange(request, response, call.signal, parts);
  }

  /** A connection has been silent for its time: either it waits for a call, which has its own deadline, or nobody is there. */
  #onSilence(socket: Socket): void {
    const calls = this.#connections.get(socket);
    if (!calls?.length || socket.writableLength > 0) socket.destroy();
  }

  /** What came is not HTTP, too large, or too slow. */
  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (!socket.writable || this.#connections.get(socket)?.length) {
      socket.destroy();
      return;
    }
    const { status, body } = toReply(clientError(error.code));
    const json = JSON.stringify(body);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(json)}`,
      'connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${json}`, () => socket.destroy());
  }
}

/** Stands in for the router when there are too many requests: what watches the driver is still answered. */
function busy(router: Router): Router {
  return (verb, path): Match => {
    const match = router(verb, path);
    if (match.kind === 'health') return match;
    throw new HttpError(503, 'SKERRY_BUSY', 'too many requests are under way', { 'retry-after': '1' });
  };
}

function clientError(code: string | undefined): HttpError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new HttpError(431, 'HTTP_HEADERS_TOO_LARGE', 'the request line and headers are too large');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new HttpError(408, 'HTTP_REQUEST_TIMEOUT', 'the request took too long');
  return new HttpError(400, 'SKERRY_INVALID', 'the request is not valid HTTP');
}
