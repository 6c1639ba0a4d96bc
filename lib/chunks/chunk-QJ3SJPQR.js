import {
  CONCURRENCY,
  QUEUE_MAX
} from "./chunk-JSCQ27LA.js";
import {
  SkerryError
} from "./chunk-ER36CW7I.js";

// dist/src/server/definition.js
var definitionMark = /* @__PURE__ */ Symbol.for("skerry.server");
var methodMark = /* @__PURE__ */ Symbol.for("skerry.method");
function server(first, second) {
  const [manifest, init] = second === void 0 ? [{}, first] : [first, second];
  if (typeof init !== "function")
    throw new SkerryError("SKERRY_INVALID", `server() takes an init function; it was given ${describe(init)}`);
  checkManifest(manifest);
  return Object.freeze({ [definitionMark]: true, manifest, init });
}
function uses(methods) {
  return { methods: methods ?? true };
}
function options() {
  return {};
}
function method(properties, run) {
  if (typeof run !== "function")
    throw new SkerryError("SKERRY_INVALID", `method() takes a function; it was given ${describe(run)}`);
  const known = ["idempotent", "timeoutMs", "input"];
  for (const name of Object.keys(properties))
    if (!known.includes(name))
      throw unknownOption("method()", name, known);
  checkNumber("timeoutMs", properties.timeoutMs, 1, 2 ** 31 - 1);
  if (properties.idempotent === true && isStream(run)) {
    throw new SkerryError("SKERRY_INVALID", "method(): a stream (async *) cannot be idempotent: items that were taken cannot be taken back");
  }
  return Object.defineProperty(run, methodMark, { value: Object.freeze({ ...properties }) });
}
function isServerDefinition(value) {
  return typeof value === "object" && value !== null && value[definitionMark] === true;
}
function methodTable(api) {
  const infos = [];
  const handlers = [];
  for (const name of Object.keys(api).sort()) {
    const run = api[name];
    if (typeof run !== "function")
      continue;
    if (name === "then" || name === "toJSON")
      throw new SkerryError("SKERRY_INVALID", `a method cannot be named "${name}"`);
    const properties = run[methodMark] ?? {};
    const stream = isStream(run);
    infos.push({
      name,
      kind: stream ? "stream" : "call",
      idempotent: properties.idempotent === true,
      timeoutMs: properties.timeoutMs ?? 0
    });
    handlers.push({ name, stream, input: properties.input, run: run.bind(api) });
  }
  return { infos, handlers };
}
function concurrencyOf(manifest) {
  return manifest.concurrency ?? CONCURRENCY;
}
function queueMaxOf(manifest) {
  return manifest.queueMax ?? QUEUE_MAX;
}
function checkManifest(manifest) {
  if (typeof manifest !== "object" || manifest === null) {
    throw new SkerryError("SKERRY_INVALID", `server() takes a manifest and an init function; it was given ${describe(manifest)}`);
  }
  const known = ["uses", "options", "concurrency", "queueMax"];
  for (const name of Object.keys(manifest))
    if (!known.includes(name))
      throw unknownOption("server()", name, known);
  const { concurrency, queueMax } = manifest;
  checkNumber("concurrency", concurrency, 1, 1e6);
  checkNumber("queueMax", queueMax, 1, 1e6);
}
function checkNumber(name, value, min, max) {
  if (value === void 0 || Number.isInteger(value) && value >= min && value <= max)
    return;
  throw new SkerryError("SKERRY_INVALID", `option ${name} must be an integer from ${min} to ${max}; it is ${describe(value)}`);
}
function unknownOption(where, name, known) {
  return new SkerryError("SKERRY_INVALID", `${where} has no option "${name}"; it has: ${known.join(", ")}`);
}
function isStream(run) {
  return Object.prototype.toString.call(run) === "[object AsyncGeneratorFunction]";
}
function describe(value) {
  return typeof value === "object" || typeof value === "function" ? `a value of type ${value === null ? "null" : typeof value}` : String(value);
}

export {
  server,
  uses,
  options,
  method,
  isServerDefinition,
  methodTable,
  concurrencyOf,
  queueMaxOf
};
