import {
  facadeWith
} from "../../chunks/chunk-HLUB7TMV.js";
import {
  server
} from "../../chunks/chunk-QJ3SJPQR.js";
import "../../chunks/chunk-JSCQ27LA.js";
import {
  SkerryError,
  httpStatus,
  isErrorCode
} from "../../chunks/chunk-ER36CW7I.js";
import "../../chunks/chunk-WSFCRVEQ.js";

// dist/src/servers/http/driver.js
import { createServer, STATUS_CODES } from "node:http";

// dist/src/servers/http/errors.js
var HttpError = class extends Error {
  name = "HttpError";
  status;
  code;
  headers;
  constructor(status, code, message, headers = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
};
function toReply(error, args) {
  if (error instanceof HttpError) {
    return { status: error.status, headers: error.headers, body: { error: { code: error.code, message: error.message } } };
  }
  if (!isCoded(error)) {
    const message2 = "the server failed to answer; its log says why";
    return { status: 500, headers: {}, body: { error: { code: "INTERNAL", message: message2 } } };
  }
  const { code } = error;
  const issues = code === "SKERRY_INVALID" ? issuesOf(error, args) : [];
  const told = issues.map(({ path, message: message2 }) => path === "" ? message2 : `${path}: ${message2}`).join("; ");
  const message = told === "" ? error.message : `the input is not valid: ${told}`;
  return {
    status: httpStatus(code),
    headers: code === "SKERRY_BUSY" ? { "retry-after": "1" } : {},
    body: { error: { code, message, ...issues.length > 0 && { issues } } }
  };
}
function isCoded(error) {
  return error instanceof Error && "code" in error && isErrorCode(error.code);
}
function issuesOf(error, args) {
  const issues = error.data?.issues;
  if (!Array.isArray(issues))
    return [];
  return issues.map((issue) => {
    const { path, message } = Object(issue);
    const steps = Array.isArray(path) ? path : [];
    return { path: formatPath(steps, args), message: typeof message === "string" ? message : "not valid" };
  });
}
function formatPath(path, args) {
  const [first, ...rest] = path;
  const name = typeof first === "number" ? args?.[first] : void 0;
  const steps = name !== void 0 ? [name, ...rest] : args === void 0 && first === 0 ? rest : path;
  let text = "";
  for (const step of steps)
    text += typeof step === "number" ? `[${step}]` : `${text === "" ? "" : "."}${String(step)}`;
  return text;
}

// dist/src/servers/http/json.js
var NESTING_MAX = 100;
function parseJson(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    const at = findJsonMistake(text);
    const line = text.slice(0, at).split("\n");
    const place = `position ${at} (line ${line.length}, column ${line[line.length - 1].length + 1})`;
    throw badRequest(at >= text.length ? `the body ends in the middle of JSON at ${place}` : `the body is not valid JSON at ${place}`);
  }
  checkValue(value, 0);
  return value;
}
function checkValue(value, depth) {
  if (typeof value !== "object" || value === null)
    return;
  if (depth === NESTING_MAX)
    throw badRequest(`the body is nested deeper than ${NESTING_MAX} levels`);
  if (Array.isArray(value)) {
    for (const item of value)
      checkValue(item, depth + 1);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === "__proto__")
      throw badRequest('the body has a key "__proto__", which is not accepted');
    checkValue(item, depth + 1);
  }
}
function findJsonMistake(text) {
  const open = [];
  let at = skipSpace(text, 0);
  let expect = "value";
  while (at < text.length) {
    const c = text[at];
    if (expect === "after") {
      if (open.length === 0)
        return at;
      const opener = open[open.length - 1];
      if (c === ",")
        expect = opener === "{" ? "key" : "value";
      else if (c === (opener === "{" ? "}" : "]"))
        open.pop();
      else
        return at;
      at++;
    } else if (expect === "keyOrEnd" && c === "}" || expect === "valueOrEnd" && c === "]") {
      open.pop();
      expect = "after";
      at++;
    } else if (expect === "key" || expect === "keyOrEnd") {
      if (c !== '"')
        return at;
      const key = skipString(text, at);
      if (!key.ok)
        return key.at;
      at = skipSpace(text, key.at);
      if (text[at] !== ":")
        return at;
      expect = "value";
      at++;
    } else if (c === "{" || c === "[") {
      open.push(c);
      expect = c === "{" ? "keyOrEnd" : "valueOrEnd";
      at++;
    } else {
      const scalar = c === '"' ? skipString(text, at) : skipWord(text, at);
      if (!scalar.ok)
        return scalar.at;
      at = scalar.at;
      expect = "after";
    }
    at = skipSpace(text, at);
  }
  return text.length;
}
function skipSpace(text, from) {
  let at = from;
  while (at < text.length && " 	\n\r".includes(text[at]))
    at++;
  return at;
}
function skipString(text, quote) {
  for (let at = quote + 1; at < text.length; at++) {
    if (text[at] === '"')
      return { ok: true, at: at + 1 };
    if (text[at] < " ")
      return { ok: false, at };
    if (text[at] !== "\\")
      continue;
    at++;
    if (at === text.length)
      break;
    if (text[at] === "u") {
      for (let digits = 0; digits < 4; digits++) {
        at++;
        if (at === text.length || !/[0-9a-fA-F]/.test(text[at]))
          return { ok: false, at };
      }
    } else if (!'"\\/bfnrt'.includes(text[at])) {
      return { ok: false, at };
    }
  }
  return { ok: false, at: text.length };
}
function skipWord(text, from) {
  const word = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;
  word.lastIndex = from;
  return word.test(text) ? { ok: true, at: word.lastIndex } : { ok: false, at: from };
}
function badRequest(message) {
  return new HttpError(400, "SKERRY_INVALID", message);
}

// dist/src/servers/http/request.js
var NO_BODY = /* @__PURE__ */ Symbol("no body");
function parseTarget(target) {
  const origin = target.startsWith("/") ? target : /^https?:\/\/[^/?#]+(.*)$/is.exec(target)?.[1];
  if (origin === void 0)
    throw badRequest2("the request target must be a path or an http URL");
  const mark = origin.indexOf("?");
  const path = mark === -1 ? origin : origin.slice(0, mark);
  return { path: path === "" ? "/" : path, query: parseQuery(mark === -1 ? "" : origin.slice(mark + 1)) };
}
function parseQuery(query) {
  const values = /* @__PURE__ */ new Map();
  for (const pair of query.split("&")) {
    if (pair === "")
      continue;
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    if (name === "__proto__")
      throw badRequest2('the query has a name "__proto__", which is not accepted');
    const value = equals === -1 ? "" : decode(pair.slice(equals + 1));
    const other = values.get(name);
    if (other === void 0)
      values.set(name, value);
    else if (typeof other === "string")
      values.set(name, [other, value]);
    else
      other.push(value);
  }
  return values;
}
async function readJson(request, limits, onReading) {
  const length = request.headers["content-length"];
  if (request.headers["transfer-encoding"] === void 0 && (length === void 0 || Number(length) === 0))
    return NO_BODY;
  checkMediaType(request);
  if (Number(length) > limits.bodyBytesMax)
    throw tooLarge(limits.bodyBytesMax);
  onReading();
  const bytes = await readBytes(request, limits);
  if (bytes.length === 0)
    return NO_BODY;
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badRequest2("the body is not valid UTF-8");
  }
  return parseJson(text);
}
function toArguments(args, params, query, body) {
  const hasFields = isObject(body);
  if (body !== NO_BODY && !hasFields && (args || params.size > 0 || query.size > 0)) {
    throw badRequest2("the body must be a JSON object here");
  }
  const fields = hasFields ? body : {};
  if (args) {
    const field = (name) => Object.hasOwn(fields, name) ? fields[name] : void 0;
    return args.map((name) => params.get(name) ?? query.get(name) ?? field(name));
  }
  if (body !== NO_BODY && !hasFields)
    return [body];
  return [{ ...fields, ...Object.fromEntries(query), ...Object.fromEntries(params) }];
}
function readBytes(request, { bodyBytesMax, bodyTimeoutMs }) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let size = 0;
    const timer = setTimeout(() => settle(new HttpError(408, "HTTP_REQUEST_TIMEOUT", `the body took longer than ${bodyTimeoutMs} ms`)), bodyTimeoutMs);
    const onData = (chunk) => {
      size += chunk.length;
      if (size > bodyBytesMax)
        settle(tooLarge(bodyBytesMax));
      else
        chunks.push(chunk);
    };
    const onEnd = () => settle();
    const onGone = () => settle(badRequest2("the body broke off"));
    const settle = (error) => {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onGone).pause();
      if (error)
        reject(error);
      else
        resolve(Buffer.concat(chunks, size));
    };
    request.on("error", () => {
    });
    request.on("data", onData).on("end", onEnd).on("close", onGone);
  });
}
function checkMediaType({ headers }) {
  const [type, ...parameters] = (headers["content-type"] ?? "").toLowerCase().split(";");
  if (!/^application\/(?:[a-z0-9.!#$&^_-]+\+)?json$/.test(type.trim())) {
    throw unsupported(`the content-type of a body must be application/json, got ${JSON.stringify(type.trim())}`);
  }
  for (const parameter of parameters) {
    const [name, value = ""] = parameter.split("=").map((half) => half.trim());
    const charset = value.replaceAll('"', "");
    if (name === "charset" && !["utf-8", "utf8", "us-ascii"].includes(charset)) {
      throw unsupported(`the charset of a body must be utf-8, got ${JSON.stringify(charset)}`);
    }
  }
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity")
    throw unsupported(`a body must not be compressed, got content-encoding ${JSON.stringify(encoding)}`);
}
function decode(text) {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw badRequest2(`the query is not valid percent encoding at ${JSON.stringify(text.slice(0, 50))}`);
  }
}
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function badRequest2(message) {
  return new HttpError(400, "SKERRY_INVALID", message);
}
function tooLarge(bodyBytesMax) {
  return new HttpError(413, "SKERRY_LIMIT", `the body is larger than ${bodyBytesMax} bytes`);
}
function unsupported(message) {
  return new HttpError(415, "HTTP_UNSUPPORTED_MEDIA_TYPE", message);
}

// dist/src/servers/http/exchange.js
var LINGER_MS = 1e3;
async function exchange(request, response, signal, parts) {
  let names;
  try {
    const verb = request.method ?? "";
    const target = parseTarget(request.url ?? "");
    const { route, params } = findRoute(parts.router, verb, target.path);
    names = route.args;
    const readsBody = verb !== "GET" && verb !== "HEAD";
    const onReading = () => {
      if (request.headers.expect !== void 0)
        response.writeContinue();
    };
    const body = readsBody ? await readJson(request, parts.settings, onReading) : NO_BODY;
    const args = toArguments(route.args, params, target.query, body);
    const result = await parts.invoke(route.server, route.method, args, {
      signal,
      ...route.timeoutMs !== void 0 && { timeoutMs: route.timeoutMs }
    });
    const json = toJson(result, route);
    await send(request, response, parts, json === void 0 ? 204 : 200, { "cache-control": route.cacheControl ?? "no-store" }, json);
  } catch (error) {
    if (response.destroyed || response.headersSent)
      return;
    const cut = signal.aborted && parts.isStopping();
    const told = cut ? new HttpError(503, "HTTP_STOPPING", "the server is stopping", { "retry-after": "1" }) : error;
    const reply = toReply(told, names);
    if (reply.body.error.code === "INTERNAL")
      parts.onFault(`${request.method} ${request.url} failed`, error);
    await send(request, response, parts, reply.status, { "cache-control": "no-store", ...reply.headers }, JSON.stringify(reply.body));
  }
}
function findRoute(router, verb, path) {
  const match2 = router(verb, path);
  switch (match2.kind) {
    case "found":
      return match2;
    case "wrongMethod":
      throw new HttpError(405, "HTTP_METHOD_NOT_ALLOWED", `this path answers ${match2.allow}`, { allow: match2.allow });
    case "unknownPath":
      throw new HttpError(404, "SKERRY_NOT_FOUND", "there is no such path");
    case "malformed":
      throw new HttpError(400, "SKERRY_INVALID", "the path is not valid percent encoding");
  }
}
function toJson(result, { server: server2, method }) {
  try {
    return JSON.stringify(result);
  } catch (cause) {
    throw new Error(`the result of ${server2}.${method} cannot be sent as JSON`, { cause });
  }
}
async function send(request, response, { settings, isStopping }, status, headers, json) {
  if (response.destroyed)
    return;
  const isUnread = hasBody(request) && !request.complete;
  if (isUnread || isStopping() || settings.keepAliveMs === 0)
    response.setHeader("connection", "close");
  const bytes = json === void 0 ? void 0 : Buffer.from(json);
  response.writeHead(status, {
    ...headers,
    ...bytes && { "content-type": "application/json; charset=utf-8", "content-length": bytes.length }
  });
  const content = request.method === "HEAD" ? void 0 : bytes;
  if (!isUnread) {
    response.end(content);
    return;
  }
  if (content)
    response.write(content);
  else
    response.flushHeaders();
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS);
    request.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    request.resume();
  });
  response.end();
}
function hasBody({ headers }) {
  return headers["transfer-encoding"] !== void 0 || Number(headers["content-length"] ?? 0) > 0;
}

// dist/src/servers/http/routes.js
function createRouter(routes) {
  const patterns = routes.map((route) => ({ route, segments: parsePattern(route) }));
  const byShape = /* @__PURE__ */ new Map();
  for (const { route, segments } of patterns) {
    const shape = `${route.verb} ${segments.map((s) => s.isParam ? ":" : encodeURIComponent(s.text)).join("/")}`;
    const other = byShape.get(shape);
    if (other)
      throw invalid(`routes "${nameOf(other)}" and "${nameOf(route)}" answer the same requests`);
    byShape.set(shape, route);
  }
  patterns.sort(literalsFirst);
  return (verb, path) => match(patterns, verb, path);
}
function match(patterns, verb, path) {
  const parts = decodeSegments(path);
  if (!parts)
    return { kind: "malformed" };
  const wanted = verb === "HEAD" ? "GET" : verb;
  const others = /* @__PURE__ */ new Set();
  for (const { route, segments } of patterns) {
    if (!fits(segments, parts))
      continue;
    if (route.verb === wanted)
      return { kind: "found", route, params: paramsOf(segments, parts) };
    others.add(route.verb);
    if (route.verb === "GET")
      others.add("HEAD");
  }
  return others.size === 0 ? { kind: "unknownPath" } : { kind: "wrongMethod", allow: [...others].sort().join(", ") };
}
function fits(segments, parts) {
  if (segments.length !== parts.length)
    return false;
  return segments.every((segment, i) => segment.isParam ? parts[i] !== "" : segment.text === parts[i]);
}
function paramsOf(segments, parts) {
  const params = /* @__PURE__ */ new Map();
  segments.forEach((segment, i) => {
    if (segment.isParam)
      params.set(segment.text, parts[i]);
  });
  return params;
}
function parsePattern(route) {
  const parts = decodeSegments(route.path);
  if (!parts)
    throw invalid(`route "${nameOf(route)}" is not valid percent encoding`);
  const segments = parts.map((part) => part.startsWith(":") ? { text: part.slice(1), isParam: true } : { text: part, isParam: false });
  const names = segments.filter((s) => s.isParam).map((s) => s.text);
  if (names.some((name) => !/^[A-Za-z][A-Za-z0-9_]*$/.test(name))) {
    throw invalid(`route "${nameOf(route)}": a parameter's name must start with a letter and have letters, digits and "_" only`);
  }
  if (new Set(names).size < names.length)
    throw invalid(`route "${nameOf(route)}" names a parameter twice`);
  return segments;
}
function decodeSegments(path) {
  const parts = path.slice(1).split("/");
  if (!path.includes("%"))
    return parts;
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return void 0;
  }
}
function literalsFirst(a, b) {
  for (let i = 0; i < Math.min(a.segments.length, b.segments.length); i++) {
    const order = Number(a.segments[i].isParam) - Number(b.segments[i].isParam);
    if (order !== 0)
      return order;
  }
  return a.segments.length - b.segments.length;
}
function nameOf(route) {
  return `${route.verb} ${route.path}`;
}
function invalid(message) {
  return new SkerryError("SKERRY_INVALID", `http driver: ${message}`);
}

// dist/src/servers/http/driver.js
var CUT_GRACE_MS = 200;
function createDriver({ options, invoke, onFault = () => {
} }) {
  return new HttpDriver(options, invoke, onFault);
}
var HttpDriver = class {
  #settings;
  #parts;
  #server;
  /** Open connections, each with the calls under way on it. */
  #connections = /* @__PURE__ */ new Map();
  #requests = 0;
  #closing;
  constructor(settings, invoke, onFault) {
    this.#settings = settings;
    this.#parts = {
      settings,
      router: createRouter(settings.routes),
      invoke,
      isStopping: () => this.#closing !== void 0,
      onFault
    };
    this.#server = createServer({
      maxHeaderSize: settings.headerBytesMax,
      headersTimeout: settings.headersTimeoutMs,
      // A body's own timer answers first; this is for bodies that nobody reads.
      requestTimeout: settings.headersTimeoutMs + settings.bodyTimeoutMs + 1e3,
      keepAliveTimeout: settings.keepAliveMs,
      connectionsCheckingInterval: Math.min(5e3, Math.ceil(settings.headersTimeoutMs / 2))
    });
    this.#server.maxConnections = settings.connectionsMax;
    this.#server.setTimeout(settings.stallTimeoutMs);
    this.#server.on("timeout", (socket) => this.#onSilence(socket));
    this.#server.on("connection", (socket) => this.#onConnection(socket));
    this.#server.on("request", (request, response) => this.#onRequest(request, response));
    this.#server.on("checkContinue", (request, response) => this.#onRequest(request, response));
    this.#server.on("clientError", (error, socket) => this.#onClientError(error, socket));
  }
  get port() {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : this.#settings.port;
  }
  get url() {
    const { host } = this.#settings;
    return `http://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }
  get requests() {
    return this.#requests;
  }
  async listen() {
    const { port, host } = this.#settings;
    await new Promise((resolve, reject) => {
      this.#server.once("error", (error) => reject(listenError(error, port, host)));
      this.#server.listen({ port, host }, resolve);
    });
    this.#server.removeAllListeners("error");
    this.#server.on("error", (error) => this.#parts.onFault("the listening socket failed", error));
  }
  close() {
    this.#closing ??= this.#drain();
    return this.#closing;
  }
  async #drain() {
    if (!this.#server.listening)
      return;
    const closed = new Promise((resolve) => this.#server.close(() => resolve()));
    this.#closeIdle();
    const timers = [
      setTimeout(() => this.#abortAll(), this.#settings.drainMs),
      setTimeout(() => this.#server.closeAllConnections(), this.#settings.drainMs + CUT_GRACE_MS)
    ];
    await closed;
    for (const timer of timers)
      clearTimeout(timer);
  }
  /** Closes connections between two requests, and those that never sent any. */
  #closeIdle() {
    this.#server.closeIdleConnections();
    for (const [socket, calls] of this.#connections) {
      if (calls.size === 0 && "bytesRead" in socket && socket.bytesRead === 0)
        socket.destroy();
    }
  }
  #abortAll() {
    for (const calls of this.#connections.values()) {
      for (const call of calls)
        call.abort();
    }
  }
  #onConnection(socket) {
    const calls = /* @__PURE__ */ new Set();
    this.#connections.set(socket, calls);
    socket.once("close", () => {
      this.#connections.delete(socket);
      for (const call of calls)
        call.abort();
      this.#requests -= calls.size;
      calls.clear();
    });
  }
  #onRequest(request, response) {
    const calls = this.#connections.get(request.socket);
    if (!calls)
      return;
    const call = new AbortController();
    const parts = this.#requests < this.#settings.requestsMax ? this.#parts : { ...this.#parts, router: busy };
    calls.add(call);
    this.#requests++;
    response.once("close", () => {
      if (!calls.delete(call))
        return;
      this.#requests--;
      if (!response.writableFinished)
        call.abort();
      if (this.#closing)
        this.#closeIdle();
    });
    void exchange(request, response, call.signal, parts);
  }
  /** A connection has been silent for its time: either it waits for a call, which has its own deadline, or nobody is there. */
  #onSilence(socket) {
    const calls = this.#connections.get(socket);
    if (!calls?.size || socket.writableLength > 0)
      socket.destroy();
  }
  /** What came is not HTTP, too large, or too slow. */
  #onClientError(error, socket) {
    if (!socket.writable || this.#connections.get(socket)?.size) {
      socket.destroy();
      return;
    }
    const { status, body } = toReply(clientError(error.code));
    const json = JSON.stringify(body);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      "content-type: application/json; charset=utf-8",
      `content-length: ${Buffer.byteLength(json)}`,
      "connection: close"
    ];
    socket.end(`${head.join("\r\n")}\r
\r
${json}`, () => socket.destroy());
  }
};
function busy() {
  throw new HttpError(503, "SKERRY_BUSY", "too many requests are under way", { "retry-after": "1" });
}
function clientError(code) {
  if (code === "HPE_HEADER_OVERFLOW")
    return new HttpError(431, "HTTP_HEADERS_TOO_LARGE", "the request line and headers are too large");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return new HttpError(408, "HTTP_REQUEST_TIMEOUT", "the request took too long");
  return new HttpError(400, "SKERRY_INVALID", "the request is not valid HTTP");
}
function listenError(error, port, host) {
  const messages = {
    EADDRINUSE: `port ${port} on ${host} is in use`,
    EACCES: `port ${port} on ${host} may not be opened by this user`,
    EADDRNOTAVAIL: `${host} is not an address of this machine`,
    ENOTFOUND: `host ${host} is not known`
  };
  return new SkerryError("SKERRY_INIT", messages[error.code ?? ""] ?? `cannot listen on port ${port} of ${host}: ${error.message}`, {
    cause: error,
    data: { port, host }
  });
}

// dist/src/servers/http/options.js
import { inspect } from "node:util";
var MiB = 1024 * 1024;
var numbers = {
  port: [void 0, 0, 65535],
  bodyBytesMax: [MiB, 0, 64 * MiB],
  headerBytesMax: [16 * 1024, 1024, MiB],
  headersTimeoutMs: [1e4, 100, 36e5],
  bodyTimeoutMs: [3e4, 100, 36e5],
  keepAliveMs: [5e3, 0, 36e5],
  stallTimeoutMs: [3e4, 100, 36e5],
  connectionsMax: [1e4, 1, 1e6],
  requestsMax: [1024, 1, 1e6],
  drainMs: [5e3, 0, 36e5]
};
var optionNames = [...Object.keys(numbers), "host", "routes"];
var routeOptionNames = ["route", "server", "method", "args", "timeoutMs", "cacheControl"];
var verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"];
var reservedMethods = ["then", "toJSON", "constructor", "__proto__", "prototype"];
function checkOptions(options, servers) {
  const given = checkRecord(options, "options", optionNames);
  const number = (name) => {
    const [fallback, least, most] = numbers[name];
    const value = given[name] ?? fallback;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most)
      return value;
    throw wrong(name, `an integer from ${least} to ${most}`, given[name]);
  };
  const host = given.host ?? "127.0.0.1";
  if (typeof host !== "string" || host === "")
    throw wrong("host", "an address or a host name", host);
  const { routes } = given;
  if (!Array.isArray(routes) || routes.length === 0)
    throw wrong("routes", "a list of at least one route", routes);
  return {
    port: number("port"),
    host,
    routes: routes.map((route, i) => checkRoute(route, `routes[${i}]`, servers)),
    bodyBytesMax: number("bodyBytesMax"),
    headerBytesMax: number("headerBytesMax"),
    headersTimeoutMs: number("headersTimeoutMs"),
    bodyTimeoutMs: number("bodyTimeoutMs"),
    keepAliveMs: number("keepAliveMs"),
    stallTimeoutMs: number("stallTimeoutMs"),
    connectionsMax: number("connectionsMax"),
    requestsMax: number("requestsMax"),
    drainMs: number("drainMs")
  };
}
function checkRoute(option, at, servers) {
  const given = checkRecord(option, at, routeOptionNames);
  const { route, server: server2, method, args, timeoutMs, cacheControl } = given;
  const halves = typeof route === "string" ? /^([A-Z]+) (\/[^\s?#]*)$/.exec(route) : null;
  if (!halves || !verbs.includes(halves[1])) {
    throw wrong(`${at}.route`, `a method (${verbs.join(", ")}), one space and a path that starts with "/"`, route);
  }
  if (typeof server2 !== "string" || !servers.includes(server2)) {
    const used = servers.length === 0 ? "none: add it to `uses`" : servers.join(", ");
    throw wrong(`${at}.server`, `a server that the driver uses (${used})`, server2);
  }
  if (typeof method !== "string" || method === "" || reservedMethods.includes(method)) {
    throw wrong(`${at}.method`, "the name of a method", method);
  }
  if (args !== void 0 && !isListOfNames(args))
    throw wrong(`${at}.args`, "a list of different names", args);
  if (timeoutMs !== void 0 && !(typeof timeoutMs === "number" && timeoutMs >= 1 && timeoutMs <= 2 ** 31 - 1)) {
    throw wrong(`${at}.timeoutMs`, "milliseconds from 1 to 2147483647", timeoutMs);
  }
  if (cacheControl !== void 0 && !(typeof cacheControl === "string" && /^[\x20-\x7e]+$/.test(cacheControl))) {
    throw wrong(`${at}.cacheControl`, "a header value", cacheControl);
  }
  return {
    verb: halves[1],
    path: halves[2],
    server: server2,
    method,
    ...args !== void 0 && { args },
    ...timeoutMs !== void 0 && { timeoutMs },
    ...cacheControl !== void 0 && { cacheControl }
  };
}
function checkRecord(value, at, known) {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong(at, "an object", value);
  const unknownName = Object.keys(value).find((name) => !known.includes(name));
  if (unknownName !== void 0) {
    throw new SkerryError("SKERRY_INVALID", `http driver: ${at} has an unknown option "${unknownName}"; there are ${known.join(", ")}`);
  }
  return { ...value };
}
function isListOfNames(value) {
  return Array.isArray(value) && value.every((name) => typeof name === "string" && name !== "") && new Set(value).size === value.length;
}
function wrong(option, expected, found) {
  const shown = inspect(found, { depth: 1, breakLength: Infinity, maxStringLength: 100, maxArrayLength: 5 });
  return new SkerryError("SKERRY_INVALID", `http driver: option ${option} must be ${expected}, got ${shown}`);
}

// dist/src/servers/http/index.js
async function serve(ctx, callWith) {
  const driver = createDriver({
    options: checkOptions(ctx.options, Object.keys(ctx.uses)),
    invoke: (server2, method, args, options) => callWith(ctx.uses[server2], options)[method](...args),
    onFault: (message, error) => ctx.log.error(message, error)
  });
  ctx.onStop(() => driver.close());
  await driver.listen();
  ctx.log.info(`listening on ${driver.url}`);
  return {};
}
var http_default = server((ctx) => serve(ctx, (client, options) => facadeWith(client, options)));
export {
  http_default as default,
  serve
};
