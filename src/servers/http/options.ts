// What the http driver is told: its address, its routes, its pages and its limits.
//
// Options are checked once, here, when the driver starts; everything behind this file takes `HttpSettings`, where nothing is
// missing. Every message names the option, what was expected and what was found.

import { isAbsolute } from 'node:path';
import { inspect } from 'node:util';
import { SkerryError } from '../../base/errors.ts';
import { typeOfFile } from './pages.ts';

/** Options of the http driver, as the system module states them. */
export interface HttpOptions {
  /** TCP port, 0 to 65535; 0 lets the operating system choose. */
  readonly port: number;
  /** Address or name to listen on. Default `127.0.0.1`: this machine only. `::` or `0.0.0.0`: every interface. */
  readonly host?: string;
  /** What is served. No two may answer the same requests. May be empty where there are pages. */
  readonly routes: readonly RouteOptions[];
  /** Files that are served as they are, each under one exact path; read once, when the driver starts; 16 MiB together. Default none. */
  readonly pages?: readonly PageOptions[];
  /** `content-security-policy` of every page. Default: what a page loads and asks has to come from here, no inline script or style. */
  readonly contentSecurityPolicy?: string;
  /**
   * Whether `GET /healthz` says that the driver lives, and `GET /readyz` whether it and every server that it uses can take requests
   * (else 503). A route or a page of the same path goes before. Default true.
   */
  readonly health?: boolean;
  /** Largest request body in bytes, 0 to 64 MiB; more is 413. Default 1 MiB. */
  readonly bodyBytesMax?: number;
  /** Largest request line with all headers in bytes, 1 KiB to 1 MiB; more is 431. Default 16 KiB. */
  readonly headerBytesMax?: number;
  /** How long a client may take for its headers, 100 ms or more; longer is 408. Default 10,000. */
  readonly headersTimeoutMs?: number;
  /** How long a client may take for its body, 100 ms or more; longer is 408. Default 30,000. */
  readonly bodyTimeoutMs?: number;
  /** How long a connection is kept open between requests, 0 (not at all) or more. Default 5,000. */
  readonly keepAliveMs?: number;
  /** How long a client may leave an answer unread before it is cut off, 100 ms or more. Default 30,000. */
  readonly stallTimeoutMs?: number;
  /** Connections at a time, 1 or more; further ones are closed. Default 10,000. */
  readonly connectionsMax?: number;
  /** Requests under way at a time, 1 or more; further ones are 503. Default 1,024. */
  readonly requestsMax?: number;
  /** Longest row of a route with `rows`, in bytes, 1 KiB to 16 MiB; a longer one ends its request. Default 1 MiB. */
  readonly rowBytesMax?: number;
  /** Requests of routes with `rows` under way at a time, 1 or more; further ones are 503. Default 16. */
  readonly rowRequestsMax?: number;
  /** How long requests under way may take to finish when the driver stops, 0 or more. Default 5,000. */
  readonly drainMs?: number;
}

/** One route: which requests call which method, and with what. */
export interface RouteOptions {
  /** Method and path, such as `GET /nearest` or `POST /users/:id`. A `GET` route answers `HEAD` too. */
  readonly route: string;
  /** Name of the server, one of those that the driver `uses`. */
  readonly server: string;
  /** Name of its method. */
  readonly method: string;
  /**
   * Names of the method's positional arguments. Each is looked up in the path's parameters, then the query, then the fields of the
   * body. Without it the method gets one object with all of them, or a body that is not an object as it is.
   */
  readonly args?: readonly string[];
  /**
   * The body is a stream of rows (`text/csv` or `application/x-ndjson`), the answer another one of the same kind. The method is called
   * with each chunk of whole rows (`RowRequest`) and answers with bytes (`RowAnswer`). Of such a route `bodyBytesMax` limits nothing,
   * and `bodyTimeoutMs` is for a client that sends nothing. Not for `GET` and `DELETE`. Default false.
   */
  readonly rows?: boolean;
  /** Deadline of the call, 1 ms or more. Default: the method's own. */
  readonly timeoutMs?: number;
  /** `cache-control` of a successful answer. Default `no-store`. */
  readonly cacheControl?: string;
}

/** One file and where it is found. */
export interface PageOptions {
  /** The path as it stands in a request, such as `/` or `/page.js`; nothing else leads to the file. */
  readonly path: string;
  /** An absolute path or a `file:` URL, such as `new URL('./page.js', import.meta.url)`. */
  readonly file: string | URL;
  /** Content type. Default: by the file's extension, where that is one that the driver knows. */
  readonly type?: string;
}

/** Checked options with every default filled in. */
export interface HttpSettings extends Required<Omit<HttpOptions, 'routes' | 'pages'>> {
  readonly routes: readonly RouteSettings[];
  readonly pages: readonly PageSettings[];
}

/** A checked page. */
export type PageSettings = Required<PageOptions>;

/** A checked route: its two halves apart. */
export interface RouteSettings extends Omit<RouteOptions, 'route'> {
  readonly verb: string;
  /** Starts with a slash. */
  readonly path: string;
}

const MiB = 1024 * 1024;

/** name → [default, least, most]; `port` has no default. */
const numbers = {
  port: [undefined, 0, 65_535],
  bodyBytesMax: [MiB, 0, 64 * MiB],
  headerBytesMax: [16 * 1024, 1024, MiB],
  headersTimeoutMs: [10_000, 100, 3_600_000],
  bodyTimeoutMs: [30_000, 100, 3_600_000],
  keepAliveMs: [5_000, 0, 3_600_000],
  stallTimeoutMs: [30_000, 100, 3_600_000],
  connectionsMax: [10_000, 1, 1_000_000],
  requestsMax: [1_024, 1, 1_000_000],
  rowBytesMax: [MiB, 1024, 16 * MiB],
  rowRequestsMax: [16, 1, 1_000_000],
  drainMs: [5_000, 0, 3_600_000],
} as const satisfies Record<string, readonly [number | undefined, number, number]>;

const optionNames = [...Object.keys(numbers), 'host', 'routes', 'pages', 'contentSecurityPolicy', 'health'];
const routeOptionNames = ['route', 'server', 'method', 'args', 'rows', 'timeoutMs', 'cacheControl'];

const pageOptionNames = ['path', 'file', 'type'];

/** Own origin only; `frame-ancestors`: no other site may show the page as a part of its own. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  ...['script', 'style', 'img', 'font', 'connect', 'media', 'manifest'].map((kind) => `${kind}-src 'self'`),
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Methods that a route may have: those whose requests mean something to a handler. `HEAD` comes with `GET`. */
const verbs = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Names that no server's method has. */
const reservedMethods = ['then', 'toJSON', 'constructor', '__proto__', 'prototype'];

/**
 * Checks what a system module gave.
 *
 * @param options the options as they came
 * @param servers names of the servers that the driver may call
 * @throws SkerryError SKERRY_INVALID for the first option that is wrong
 */
export function checkOptions(options: unknown, servers: readonly string[]): HttpSettings {
  const given = checkRecord(options, 'options', optionNames);
  const number = (name: keyof typeof numbers): number => {
    const [fallback, least, most] = numbers[name];
    const value = given[name] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw wrong(name, `an integer from ${least} to ${most}`, given[name]);
  };
  const host = given.host ?? '127.0.0.1';
  if (typeof host !== 'string' || host === '') throw wrong('host', 'an address or a host name', host);
  const { routes, pages = [], contentSecurityPolicy = CONTENT_SECURITY_POLICY, health = true } = given;
  if (!Array.isArray(pages)) throw wrong('pages', 'a list of pages', pages);
  if (!Array.isArray(routes) || routes.length + pages.length === 0) throw wrong('routes', 'a list of at least one route', routes);
  if (!isHeaderValue(contentSecurityPolicy)) throw wrong('contentSecurityPolicy', 'a header value', contentSecurityPolicy);
  if (typeof health !== 'boolean') throw wrong('health', 'true or false', health);
  return {
    port: number('port'),
    host,
    routes: routes.map((route: unknown, i) => checkRoute(route, `routes[${i}]`, servers)),
    pages: checkPages(pages),
    contentSecurityPolicy,
    health,
    bodyBytesMax: number('bodyBytesMax'),
    headerBytesMax: number('headerBytesMax'),
    headersTimeoutMs: number('headersTimeoutMs'),
    bodyTimeoutMs: number('bodyTimeoutMs'),
    keepAliveMs: number('keepAliveMs'),
    stallTimeoutMs: number('stallTimeoutMs'),
    connectionsMax: number('connectionsMax'),
    requestsMax: number('requestsMax'),
    rowBytesMax: number('rowBytesMax'),
    rowRequestsMax: number('rowRequestsMax'),
    drainMs: number('drainMs'),
  };
}

function checkRoute(option: unknown, at: string, servers: readonly string[]): RouteSettings {
  const given = checkRecord(option, at, routeOptionNames);
  const { route, server, method, args, rows, timeoutMs, cacheControl } = given;

  const halves = typeof route === 'string' ? /^([A-Z]+) (\/[^\s?#]*)$/.exec(route) : null;
  if (!halves || !verbs.includes(halves[1])) {
    throw wrong(`${at}.route`, `a method (${verbs.join(', ')}), one space and a path that starts with "/"`, route);
  }
  if (typeof server !== 'string' || !servers.includes(server)) {
    const used = servers.length === 0 ? 'none: add it to `uses`' : servers.join(', ');
    throw wrong(`${at}.server`, `a server that the driver uses (${used})`, server);
  }
  if (typeof method !== 'string' || method === '' || reservedMethods.includes(method)) {
    throw wrong(`${at}.method`, 'the name of a method', method);
  }
  if (args !== undefined && !isListOfNames(args)) throw wrong(`${at}.args`, 'a list of different names', args);
  if (rows !== undefined && typeof rows !== 'boolean') throw wrong(`${at}.rows`, 'true or false', rows);
  if (rows && (args !== undefined || ['GET', 'DELETE'].includes(halves[1])))
    throw wrong(`${at}.rows`, 'of a POST, PUT or PATCH route without `args`', rows);
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 1 && timeoutMs <= 2 ** 31 - 1)) {
    throw wrong(`${at}.timeoutMs`, 'milliseconds from 1 to 2147483647', timeoutMs);
  }
  if (cacheControl !== undefined && !isHeaderValue(cacheControl)) {
    throw wrong(`${at}.cacheControl`, 'a header value', cacheControl);
  }
  return {
    verb: halves[1],
    path: halves[2],
    server,
    method,
    ...(args !== undefined && { args }),
    ...(rows && { rows }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(cacheControl !== undefined && { cacheControl }),
  };
}

function checkPages(options: readonly unknown[]): PageSettings[] {
  const pages = options.map((page, i) => checkPage(page, `pages[${i}]`));
  const again = pages.findIndex(({ path }, i) => pages.findIndex((other) => other.path === path) < i);
  if (again !== -1) throw wrong(`pages[${again}].path`, 'a path of its own', pages[again].path);
  return pages;
}

function checkPage(option: unknown, at: string): PageSettings {
  const { path, file, type } = checkRecord(option, at, pageOptionNames);
  if (typeof path !== 'string' || !isPagePath(path)) {
    throw wrong(
      `${at}.path`,
      'a path that starts with "/", of letters, digits and -._~!$&\'()*+,;=:@, without . and .. as steps',
      path,
    );
  }
  const isUrl = file instanceof URL || (typeof file === 'string' && file.startsWith('file:') && URL.canParse(file));
  const url = isUrl ? new URL(file) : undefined;
  if (url ? url.protocol !== 'file:' || url.host !== '' : !(typeof file === 'string' && isAbsolute(file))) {
    throw wrong(`${at}.file`, 'an absolute path or a file: URL', file);
  }
  const known = type ?? typeOfFile(url ? url.pathname : String(file));
  if (!isHeaderValue(known)) {
    throw wrong(
      `${at}.type`,
      type === undefined ? `given: the extension of ${String(file)} is not known` : 'a content type',
      type,
    );
  }
  return { path, file: url ?? String(file), type: known };
}

/** What a browser sends as it is: nothing that is encoded, and no step that it would resolve itself. */
function isPagePath(path: string): boolean {
  return /^\/[\w.~!$&'()*+,;=:@/-]*$/.test(path) && !path.split('/').some((step) => step === '.' || step === '..');
}

function isHeaderValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\x20-\x7e]+$/.test(value);
}

function checkRecord(value: unknown, at: string, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(at, 'an object', value);
  const unknownName = Object.keys(value).find((name) => !known.includes(name));
  if (unknownName !== undefined) {
    throw new SkerryError(
      'SKERRY_INVALID',
      `http driver: ${at} has an unknown option "${unknownName}"; there are ${known.join(', ')}`,
    );
  }
  return { ...value };
}

function isListOfNames(value: unknown): value is string[] {
  return (
    Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '') && new Set(value).size === value.length
  );
}

function wrong(option: string, expected: string, found: unknown): SkerryError {
  const shown = inspect(found, { depth: 1, breakLength: Infinity, maxStringLength: 100, maxArrayLength: 5 });
  return new SkerryError('SKERRY_INVALID', `http driver: option ${option} must be ${expected}, got ${shown}`);
}
