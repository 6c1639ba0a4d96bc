import {
  RECORD_MAX_BYTES
} from "./chunk-JSCQ27LA.js";
import {
  SkerryError,
  isErrorCode
} from "./chunk-ER36CW7I.js";
import {
  __export
} from "./chunk-WSFCRVEQ.js";

// dist/src/base/clock.js
var originMs = (() => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6 - performance.now();
})();
function nowMs() {
  return performance.now() + originMs;
}

// dist/src/channel/codec/exotic.js
import { types } from "node:util";

// dist/src/channel/codec/tags.js
var tags_exports = {};
__export(tags_exports, {
  DEPTH_MAX: () => DEPTH_MAX,
  ERROR_KINDS: () => ERROR_KINDS,
  OBJECTS_MAX: () => OBJECTS_MAX,
  SHAPE_BYTES_MAX: () => SHAPE_BYTES_MAX,
  SHAPE_KEYS_MAX: () => SHAPE_KEYS_MAX,
  SHORT_ARRAY_MAX: () => SHORT_ARRAY_MAX,
  SHORT_STRING_MAX: () => SHORT_STRING_MAX,
  SMALL_INT_MAX: () => SMALL_INT_MAX,
  TAG_ARRAY: () => TAG_ARRAY,
  TAG_BIGINT64: () => TAG_BIGINT64,
  TAG_BIGINT_HEX: () => TAG_BIGINT_HEX,
  TAG_BOXED: () => TAG_BOXED,
  TAG_BUFFER: () => TAG_BUFFER,
  TAG_BYTE: () => TAG_BYTE,
  TAG_BYTES: () => TAG_BYTES,
  TAG_DATE: () => TAG_DATE,
  TAG_END: () => TAG_END,
  TAG_ERROR: () => TAG_ERROR,
  TAG_FALSE: () => TAG_FALSE,
  TAG_FLOAT64: () => TAG_FLOAT64,
  TAG_HANDLE: () => TAG_HANDLE,
  TAG_INT16: () => TAG_INT16,
  TAG_INT32: () => TAG_INT32,
  TAG_LATIN1: () => TAG_LATIN1,
  TAG_MAP: () => TAG_MAP,
  TAG_NULL: () => TAG_NULL,
  TAG_OBJECT: () => TAG_OBJECT,
  TAG_REF: () => TAG_REF,
  TAG_REGEXP: () => TAG_REGEXP,
  TAG_SET: () => TAG_SET,
  TAG_SHAPE: () => TAG_SHAPE,
  TAG_SHAPE_REF: () => TAG_SHAPE_REF,
  TAG_SHORT_ARRAY: () => TAG_SHORT_ARRAY,
  TAG_SHORT_STRING: () => TAG_SHORT_STRING,
  TAG_SMALL_INT: () => TAG_SMALL_INT,
  TAG_SPARSE: () => TAG_SPARSE,
  TAG_TRACKED: () => TAG_TRACKED,
  TAG_TRUE: () => TAG_TRUE,
  TAG_UNDEFINED: () => TAG_UNDEFINED,
  TAG_UNTRACKED: () => TAG_UNTRACKED,
  TAG_UTF16: () => TAG_UTF16,
  TAG_VIEW: () => TAG_VIEW,
  VIEW_KINDS: () => VIEW_KINDS
});
var TAG_NULL = 0;
var TAG_UNDEFINED = 1;
var TAG_FALSE = 2;
var TAG_TRUE = 3;
var TAG_BYTE = 4;
var TAG_INT16 = 5;
var TAG_INT32 = 6;
var TAG_FLOAT64 = 7;
var TAG_BIGINT64 = 8;
var TAG_BIGINT_HEX = 9;
var TAG_LATIN1 = 10;
var TAG_UTF16 = 11;
var TAG_END = 12;
var TAG_OBJECT = 13;
var TAG_ARRAY = 14;
var TAG_SPARSE = 15;
var TAG_MAP = 16;
var TAG_SET = 17;
var TAG_DATE = 18;
var TAG_REGEXP = 19;
var TAG_ERROR = 20;
var TAG_BYTES = 21;
var TAG_BUFFER = 22;
var TAG_VIEW = 23;
var TAG_BOXED = 24;
var TAG_REF = 25;
var TAG_HANDLE = 26;
var TAG_SHAPE = 27;
var TAG_SHAPE_REF = 28;
var TAG_UNTRACKED = 29;
var TAG_TRACKED = 30;
var TAG_SHORT_ARRAY = 32;
var TAG_SHORT_STRING = 64;
var TAG_SMALL_INT = 128;
var SHORT_ARRAY_MAX = 31;
var SHORT_STRING_MAX = 63;
var SMALL_INT_MAX = 127;
var DEPTH_MAX = 100;
var OBJECTS_MAX = 1e6;
var SHAPE_KEYS_MAX = 64;
var SHAPE_BYTES_MAX = 1024;
var ERROR_KINDS = [
  "Error",
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "TypeError",
  "URIError",
  "AggregateError",
  "SkerryError"
];
var VIEW_KINDS = [
  "DataView",
  "Int8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "Float16Array"
];

// dist/src/channel/codec/errors.js
var KIND_AGGREGATE = ERROR_KINDS.indexOf("AggregateError");
var KIND_SKERRY = ERROR_KINDS.indexOf("SkerryError");
var classes = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError
];
var HIDDEN = ["cause", "code", "data"];
var WRITTEN = /* @__PURE__ */ new Set(["name", "message", "stack", ...HIDDEN]);
function writeError(to, error, depth) {
  const kind = kindOf(error);
  to.u8(TAG_ERROR);
  to.u8(kind);
  to.any(text(error, "message"), depth);
  to.any(text(error, "stack"), depth);
  to.any(text(error, "name"), depth);
  to.any(kind === KIND_SKERRY ? text(error, "code") : void 0, depth);
  for (const key of HIDDEN) {
    if (key in error && !(key === "code" && kind === KIND_SKERRY))
      writeProperty(to, error, key, depth);
  }
  if (kind === KIND_AGGREGATE)
    writeProperty(to, error, "errors", depth);
  for (const key of Object.keys(error)) {
    if (!WRITTEN.has(key) && !(key === "errors" && kind === KIND_AGGREGATE))
      writeProperty(to, error, key, depth);
  }
  to.u8(TAG_END);
}
function writeProperty(to, error, key, depth) {
  let value;
  try {
    value = error[key];
  } catch {
    return;
  }
  to.attempt(() => {
    to.string(key);
    to.step(depth, key);
    to.any(value, depth + 1);
  });
}
function makeError(kind, message, stack, name, code) {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    const error = construct(kind, message, code);
    if (error === void 0)
      return void 0;
    if (stack !== void 0 || Object.hasOwn(error, "stack"))
      hidden(error, "stack", stack);
    if (name !== void 0 && error.name !== name)
      hidden(error, "name", name);
    return error;
  } finally {
    Error.stackTraceLimit = limit;
  }
}
function setErrorProperty(error, key, value) {
  if (key === "cause" || key === "errors" && error instanceof AggregateError)
    hidden(error, key, value);
  else
    Object.defineProperty(error, key, { value, enumerable: true, configurable: true, writable: true });
}
function construct(kind, message, code) {
  if (kind === KIND_SKERRY) {
    if (isErrorCode(code))
      return new SkerryError(code, message ?? "");
    const unknown = new Error(message);
    hidden(unknown, "name", "SkerryError");
    setErrorProperty(unknown, "code", code);
    return unknown;
  }
  if (kind === KIND_AGGREGATE)
    return new AggregateError([], message);
  const Class = classes[kind];
  return Class === void 0 ? void 0 : new Class(message);
}
function hidden(error, key, value) {
  Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
}
function kindOf(error) {
  if (error instanceof SkerryError)
    return KIND_SKERRY;
  for (let prototype = error; prototype !== null && prototype !== void 0; prototype = Object.getPrototypeOf(prototype)) {
    const maker = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
    const kind = typeof maker === "function" ? ERROR_KINDS.indexOf(maker.name) : -1;
    if (kind >= 0 && kind !== KIND_SKERRY)
      return kind;
  }
  return 0;
}
function text(error, key) {
  try {
    const value = error[key];
    return typeof value === "string" ? value : void 0;
  } catch {
    return void 0;
  }
}

// dist/src/channel/codec/refusal.js
var EntryStep = class {
  index;
  /** `get`: the value of a key that is a primitive, and known. */
  kind;
  key;
  constructor(kind, index, key) {
    this.kind = kind;
    this.index = index;
    this.key = key;
  }
  toString() {
    if (this.kind !== "get")
      return `.${this.kind}()[${this.index}]`;
    return `.get(${typeof this.key === "string" ? JSON.stringify(this.key) : String(this.key)})`;
  }
};
function unsendable(value, path) {
  const what = describe(value);
  return new SkerryError("SKERRY_UNSENDABLE", `${path} is ${what} and cannot leave its process; plain objects, arrays, Map, Set, Date, RegExp, Error, bytes and primitives can`, { data: { path, what } });
}
function tooDeep(path, depthMax) {
  const start = path.length > 80 ? `${path.slice(0, 80)}\u2026` : path;
  return new SkerryError("SKERRY_LIMIT", `${start} nests deeper than the limit of ${depthMax} containers`, {
    data: { path, depthMax }
  });
}
function tooMany(path, objectsMax) {
  return new SkerryError("SKERRY_LIMIT", `${path} is one object more than the limit of ${objectsMax} a record; share larger data as a grant`, {
    data: { path, objectsMax }
  });
}
function pathOf(root, steps, depth) {
  let path = root;
  for (let i = 0; i < depth; i++) {
    const step = steps[i];
    if (typeof step === "number")
      path += `[${step}]`;
    else if (typeof step !== "string")
      path += step.toString();
    else if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step))
      path += path === "" ? step : `.${step}`;
    else
      path += `[${JSON.stringify(step)}]`;
  }
  return path;
}
var BUILT_IN = /* @__PURE__ */ new Set([
  "Promise",
  "WeakMap",
  "WeakSet",
  "WeakRef",
  "SharedArrayBuffer",
  "FinalizationRegistry",
  "Generator",
  "AsyncGenerator"
]);
function describe(value) {
  if (typeof value === "function") {
    const { name: name2 } = value;
    const noun = /^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "function";
    return typeof name2 === "string" && name2 !== "" ? `a ${noun} ${JSON.stringify(name2)}` : `a ${noun} without a name`;
  }
  if (typeof value === "symbol")
    return "a symbol";
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value))
    return "a detached ArrayBuffer";
  const name = className(value);
  if (name === void 0)
    return "an object with a prototype of its own";
  const article = /^[AEIOU]/.test(name) ? "an" : "a";
  return BUILT_IN.has(name) ? `${article} ${name}` : `${article} ${name} instance`;
}
function className(value) {
  try {
    const prototype = Object.getPrototypeOf(value);
    if (prototype === null)
      return void 0;
    const maker = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
    if (typeof maker === "function" && typeof maker.name === "string" && maker.name !== "")
      return maker.name;
    return /^\[object (\w+)\]$/.exec(Object.prototype.toString.call(value))?.[1]?.replace(/^Object$/, "") || void 0;
  } catch {
    return void 0;
  }
}

// dist/src/channel/codec/exotic.js
var PLAIN = /* @__PURE__ */ Symbol.for("skerry.plain");
var mapEntries = Map.prototype.entries;
var setValues = Set.prototype.values;
var dateTime = Date.prototype.getTime;
var viewName = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get;
function writeExotic(to, v, prototype, depth) {
  if (prototype === Date.prototype || types.isDate(v)) {
    to.u8(TAG_DATE);
    to.f64(dateTime.call(v));
  } else if (prototype === Map.prototype || types.isMap(v)) {
    writeMap(to, v, depth);
  } else if (prototype === Set.prototype || types.isSet(v)) {
    writeSet(to, v, depth);
  } else if (ArrayBuffer.isView(v)) {
    writeView(to, v, depth);
  } else if (v instanceof Error || types.isNativeError(v)) {
    writeError(to, v, depth);
  } else if (types.isArrayBuffer(v)) {
    writeBytes(to, TAG_BUFFER, bytesOf(to, v, 0, v.byteLength, v, depth));
  } else if (types.isRegExp(v)) {
    to.u8(TAG_REGEXP);
    to.string(v.source);
    to.string(v.flags);
  } else if (types.isBoxedPrimitive(v)) {
    if (types.isSymbolObject(v))
      return false;
    to.u8(TAG_BOXED);
    to.any(primitiveOf(v), depth);
  } else {
    return false;
  }
  return true;
}
function mayTravelAsPlain(v, prototype) {
  const said = v;
  if (said[PLAIN] === true || said.constructor?.[PLAIN] === true)
    return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}
function writeMap(to, map, depth) {
  to.u8(TAG_MAP);
  let index = 0;
  for (const [key, value] of mapEntries.call(map)) {
    if (canFail(key))
      to.step(depth, new EntryStep("keys", index));
    to.any(key, depth + 1);
    if (canFail(value))
      to.step(depth, canFail(key) ? new EntryStep("values", index) : new EntryStep("get", index, key));
    to.any(value, depth + 1);
    index++;
  }
  to.u8(TAG_END);
}
function writeSet(to, set, depth) {
  to.u8(TAG_SET);
  let index = 0;
  for (const member of setValues.call(set)) {
    if (canFail(member))
      to.step(depth, new EntryStep("values", index));
    to.any(member, depth + 1);
    index++;
  }
  to.u8(TAG_END);
}
function writeView(to, v, depth) {
  const name = types.isDataView(v) ? "DataView" : viewName.call(v);
  if (name === "Uint8Array") {
    if (v.byteLength === 0)
      bytesOf(to, v.buffer, 0, 0, v, depth);
    writeBytes(to, TAG_BYTES, v);
    return;
  }
  const kind = VIEW_KINDS.indexOf(name);
  if (kind < 0)
    to.refuse(v, depth);
  const bytes = bytesOf(to, v.buffer, v.byteOffset, v.byteLength, v, depth);
  to.u8(TAG_VIEW);
  writeBytes(to, kind, bytes);
}
function writeBytes(to, tag, bytes) {
  to.u8(tag);
  to.varint(bytes.length);
  to.raw(bytes);
}
function bytesOf(to, buffer, at, size, owner, depth) {
  try {
    return new Uint8Array(buffer, at, size);
  } catch {
    return to.refuse(owner, depth);
  }
}
function primitiveOf(v) {
  if (types.isNumberObject(v))
    return Number.prototype.valueOf.call(v);
  if (types.isStringObject(v))
    return String.prototype.valueOf.call(v);
  if (types.isBooleanObject(v))
    return Boolean.prototype.valueOf.call(v);
  return BigInt.prototype.valueOf.call(v);
}
function canFail(v) {
  return typeof v === "object" || typeof v === "function" || typeof v === "symbol";
}

// dist/src/channel/codec/seen.js
var LINEAR_MAX = 24;
var Seen = class {
  /** How many objects the record has so far. */
  count = 0;
  #few = new Array(LINEAR_MAX).fill(void 0);
  #many;
  /** The number that `object` was given at first sight; -1 at first sight, which numbers it. */
  find(object) {
    const { count } = this;
    if (count > LINEAR_MAX)
      return this.#findMany(object);
    const few = this.#few;
    for (let i = 0; i < count; i++) {
      if (few[i] === object)
        return i;
    }
    if (count === LINEAR_MAX)
      return this.#findMany(object);
    few[count] = object;
    this.count = count + 1;
    return -1;
  }
  /** Forgets all objects. */
  clear() {
    if (this.count === 0)
      return;
    const used2 = Math.min(this.count, LINEAR_MAX);
    for (let i = 0; i < used2; i++)
      this.#few[i] = void 0;
    this.#many = void 0;
    this.count = 0;
  }
  /** Forgets the objects numbered `count` and up: what held them will not travel. */
  rewind(count) {
    if (this.#many !== void 0) {
      for (const [object, number] of this.#many) {
        if (number >= count)
          this.#many.delete(object);
      }
      if (count <= LINEAR_MAX)
        this.#many = void 0;
    }
    for (let i = count; i < LINEAR_MAX; i++)
      this.#few[i] = void 0;
    this.count = count;
  }
  #findMany(object) {
    let many = this.#many;
    if (many === void 0) {
      many = /* @__PURE__ */ new Map();
      for (let i = 0; i < LINEAR_MAX; i++)
        many.set(this.#few[i], i);
      this.#many = many;
    }
    const known = many.get(object);
    if (known !== void 0)
      return known;
    many.set(object, this.count++);
    return -1;
  }
};

// dist/src/channel/codec/shape-tree.js
var BRANCHES_MAX = 32;
var ROOT_BRANCHES_MAX = 1024;
var NODES_MAX = 16 * 1024;
var MISSES_MAX = 16 * 1024;
var RECORDS_MAX = 1073741823;
var ShapeNode = class {
  keys;
  /** The keys as short strings, one after another. */
  block;
  size;
  /** Where a decoder looks first. Only a hint: it compares all bytes. */
  hash;
  /** The record that has this shape's keys, and the shape's number in it. */
  record = 0;
  index = 0;
  /** The branch taken last. */
  last;
  branches;
  /** The last of the keys. */
  key;
  constructor(keys2, block) {
    this.keys = keys2;
    this.key = keys2.length === 0 ? "" : keys2[keys2.length - 1];
    this.block = new DataView(block.buffer);
    this.size = block.length;
    let hash = keys2.length;
    for (const byte of block)
      hash = Math.imul(hash, 31) + byte | 0;
    this.hash = (hash ^ hash >>> 16) & 65535;
  }
};
var shapeRoot = new ShapeNode([], new Uint8Array(0));
var nodes = 0;
var misses = 0;
var lastRecord = 0;
function branch(node, key) {
  const next = node.branches?.get(key) ?? grow(node, key);
  if (next !== void 0)
    node.last = next;
  return next;
}
function grow(node, key) {
  const max = node === shapeRoot ? ROOT_BRANCHES_MAX : BRANCHES_MAX;
  node.branches ??= /* @__PURE__ */ new Map();
  if (node.branches.size >= max || nodes >= NODES_MAX || !fits(node, key)) {
    if (++misses > MISSES_MAX)
      forget();
    return void 0;
  }
  const block = new Uint8Array(node.size + 1 + key.length);
  block.set(new Uint8Array(node.block.buffer));
  block[node.size] = TAG_SHORT_STRING | key.length;
  for (let i = 0; i < key.length; i++)
    block[node.size + 1 + i] = key.charCodeAt(i);
  const grown = new ShapeNode([...node.keys, key], block);
  node.branches.set(key, grown);
  nodes++;
  return grown;
}
function nextRecord() {
  if (lastRecord === RECORDS_MAX) {
    forget();
    lastRecord = 0;
  }
  return ++lastRecord;
}
function forget() {
  shapeRoot = new ShapeNode([], new Uint8Array(0));
  nodes = 0;
  misses = 0;
}
function fits(node, key) {
  if (node.keys.length >= SHAPE_KEYS_MAX || key.length > SHORT_STRING_MAX)
    return false;
  return node.size + 1 + key.length <= SHAPE_BYTES_MAX && !/[\u0100-\uffff]/.test(key) && !(key in Object.prototype);
}

// dist/src/base/assert.js
var SkerryBug = class _SkerryBug extends Error {
  static {
    Object.defineProperty(_SkerryBug.prototype, "name", { value: "SkerryBug", configurable: true, writable: true });
  }
  constructor(message) {
    super(`bug in Skerry: ${message}`);
  }
};
function assert(condition, message) {
  if (!condition)
    fail(message);
}
function fail(message) {
  throw new SkerryBug(message);
}

// dist/src/channel/codec/writer.js
var { SHORT_STRING_MAX: SHORT_STRING_MAX2, SMALL_INT_MAX: SMALL_INT_MAX2, TAG_BIGINT64: TAG_BIGINT642, TAG_BIGINT_HEX: TAG_BIGINT_HEX2, TAG_BYTE: TAG_BYTE2, TAG_FLOAT64: TAG_FLOAT642, TAG_INT16: TAG_INT162, TAG_INT32: TAG_INT322, TAG_LATIN1: TAG_LATIN12, TAG_SHORT_STRING: TAG_SHORT_STRING2, TAG_SMALL_INT: TAG_SMALL_INT2, TAG_UTF16: TAG_UTF162 } = tags_exports;
var Overflow = withoutStack(() => new Error("the direct target of an Encoder is full"));
var SCRATCH_MIN = 4 * 1024;
var SCRATCH_KEPT = 1024 * 1024;
var { latin1Write, ucs2Write } = Buffer.prototype;
var NOT_LATIN1 = /[\u0100-\uffff]/;
var NOTHING = new Uint8Array(0);
var SLACK = 16;
var VIEWS = 4;
var noView = new DataView(new ArrayBuffer(0));
var Writer = class {
  /** The memory written to. In scratch mode it changes as the record grows. */
  bytes = NOTHING;
  /** Where the next byte goes, as an offset in {@link bytes}. */
  position = 0;
  /** @internal The same memory; offsets are those of {@link bytes}. */
  view = noView;
  #end = 0;
  #targets = new Array(VIEWS).fill(NOTHING);
  #views = new Array(VIEWS).fill(noView);
  #nextView = 0;
  #scratch = NOTHING;
  /** 0: direct mode. */
  #scratchMax = 0;
  /**
   * Starts a record in memory of the caller's. Nothing outside of [start, end) is written and nothing is read. The last few
   * targets are remembered, and so is their memory.
   *
   * @throws Overflow from any later write that does not fit, or might not (by up to 8 bytes); the caller then starts over in
   * scratch
   */
  begin(bytes, start, end) {
    assert(start <= end && end <= bytes.length, "the target of an Encoder lies within its memory");
    if (bytes !== this.bytes)
      this.#aim(bytes);
    this.position = start;
    this.#end = end;
    this.#scratchMax = 0;
  }
  /**
   * Starts a record at offset 0 of a private target that grows; its bytes are valid until the next record.
   *
   * @param maxBytes limit of the record; beyond it a write, or finish() at the latest, throws SkerryError SKERRY_LIMIT
   */
  beginScratch(maxBytes) {
    if (this.#scratch.length === 0)
      this.#scratch = new Uint8Array(SCRATCH_MIN);
    this.#aim(this.#scratch);
    this.position = 0;
    this.#end = Math.min(maxBytes, this.bytes.length);
    this.#scratchMax = maxBytes;
  }
  u8(x) {
    this.room(1);
    this.bytes[this.position++] = x;
  }
  u32(x) {
    this.room(4);
    this.view.setUint32(this.position, x, true);
    this.position += 4;
  }
  f64(x) {
    this.room(8);
    this.view.setFloat64(this.position, x, true);
    this.position += 8;
  }
  raw(source) {
    this.room(source.length);
    this.bytes.set(source, this.position);
    this.position += source.length;
  }
  /** A length or an index below 2^32, in 1 to 5 bytes of 7 bits each. */
  varint(x) {
    this.room(5);
    const { bytes } = this;
    let position = this.position;
    while (x > 127) {
      bytes[position++] = x & 127 | 128;
      x >>>= 7;
    }
    bytes[position++] = x;
    this.position = position;
  }
  number(x) {
    this.room(9);
    const { bytes, position } = this;
    if ((x | 0) !== x || x === 0 && 1 / x < 0) {
      bytes[position] = TAG_FLOAT642;
      this.view.setFloat64(position + 1, x, true);
      this.position = position + 9;
    } else if (x >>> 0 <= SMALL_INT_MAX2) {
      bytes[position] = TAG_SMALL_INT2 | x;
      this.position = position + 1;
    } else if (x >>> 0 <= 255) {
      bytes[position] = TAG_BYTE2;
      bytes[position + 1] = x;
      this.position = position + 2;
    } else if (x << 16 >> 16 === x) {
      bytes[position] = TAG_INT162;
      bytes[position + 1] = x;
      bytes[position + 2] = x >> 8;
      this.position = position + 3;
    } else {
      bytes[position] = TAG_INT322;
      this.view.setInt32(position + 1, x, true);
      this.position = position + 5;
    }
  }
  bigint(x) {
    if (BigInt.asIntN(64, x) === x) {
      this.room(9);
      this.bytes[this.position] = TAG_BIGINT642;
      this.view.setBigInt64(this.position + 1, x, true);
      this.position += 9;
    } else {
      this.u8(TAG_BIGINT_HEX2);
      this.u8(x < 0n ? 1 : 0);
      this.string((x < 0n ? -x : x).toString(16));
    }
  }
  string(s) {
    const n = s.length;
    if (n > SHORT_STRING_MAX2) {
      this.#longString(s);
      return;
    }
    this.room(n + 1);
    const { bytes, position } = this;
    bytes[position] = TAG_SHORT_STRING2 | n;
    for (let i = 0; i < n; i++) {
      const c = s.charCodeAt(i);
      if (c > 255) {
        this.#longString(s);
        return;
      }
      bytes[position + 1 + i] = c;
    }
    this.position = position + 1 + n;
  }
  /**
   * Latin-1 when every code unit fits into a byte, else UTF-16: both are copies at the speed of memory and keep lone surrogates.
   * The test costs nothing on a string that the engine itself holds as Latin-1, and ends at the first wide character of another.
   */
  #longString(s) {
    const wide = NOT_LATIN1.test(s);
    const size = wide ? s.length * 2 : s.length;
    this.room(6 + size);
    this.bytes[this.position++] = wide ? TAG_UTF162 : TAG_LATIN12;
    this.varint(size);
    if (wide)
      ucs2Write.call(this.bytes, s, this.position, size);
    else
      latin1Write.call(this.bytes, s, this.position, size);
    this.position += size;
  }
  /** Copies `size` bytes, as words: for so few bytes that is faster than a call of the engine. */
  block(source, size) {
    this.room(size);
    const { view, position } = this;
    if (size >= 4) {
      for (let i = 0; i < size - 4; i += 4)
        view.setInt32(position + i, source.getInt32(i));
      view.setInt32(position + size - 4, source.getInt32(size - 4));
    } else {
      for (let i = 0; i < size; i++)
        view.setUint8(position + i, source.getUint8(i));
    }
    this.position = position + size;
  }
  /** Makes sure that `size` more bytes fit. */
  room(size) {
    if (this.#end - this.position < size)
      this.#grow(size);
  }
  /** Checks a scratch against its limit to the byte. */
  check() {
    if (this.#scratchMax !== 0 && this.position > this.#scratchMax)
      this.#tooLarge(this.position, this.#scratchMax);
  }
  /** Lets go of a scratch that a large record has grown. */
  trim() {
    if (this.#scratch.length > SCRATCH_KEPT)
      this.#scratch = NOTHING;
    this.#end = 0;
    this.#scratchMax = 0;
  }
  #aim(bytes) {
    this.bytes = bytes;
    for (let i = 0; i < VIEWS; i++) {
      if (this.#targets[i] === bytes) {
        this.view = this.#views[i];
        return;
      }
    }
    const slot = this.#nextView;
    this.#nextView = (slot + 1) % VIEWS;
    this.#targets[slot] = bytes;
    this.#views[slot] = this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  #grow(size) {
    const max = this.#scratchMax;
    if (max === 0)
      throw Overflow;
    const needed = this.position + size;
    if (needed > max + SLACK)
      this.#tooLarge(needed, max);
    const grown = new Uint8Array(Math.max(needed, Math.min(max, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.position));
    this.#scratch = grown;
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
    this.#end = grown.length;
  }
  #tooLarge(needed, max) {
    throw new SkerryError("SKERRY_LIMIT", `a record of ${needed} bytes or more is over the limit of ${max} bytes: hand larger data over as a grant (ctx.share)`, { data: { sizeBytes: needed, maxBytes: max } });
  }
};
function withoutStack(make2) {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make2();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

// dist/src/channel/codec/encoder.js
var { DEPTH_MAX: DEPTH_MAX2, OBJECTS_MAX: OBJECTS_MAX2, SHORT_ARRAY_MAX: SHORT_ARRAY_MAX2, TAG_ARRAY: TAG_ARRAY2, TAG_END: TAG_END2, TAG_FALSE: TAG_FALSE2, TAG_NULL: TAG_NULL2, TAG_OBJECT: TAG_OBJECT2, TAG_REF: TAG_REF2, TAG_SHAPE: TAG_SHAPE2, TAG_SHAPE_REF: TAG_SHAPE_REF2, TAG_SHORT_ARRAY: TAG_SHORT_ARRAY2, TAG_SPARSE: TAG_SPARSE2, TAG_TRACKED: TAG_TRACKED2, TAG_TRUE: TAG_TRUE2, TAG_UNDEFINED: TAG_UNDEFINED2, TAG_UNTRACKED: TAG_UNTRACKED2 } = tags_exports;
var plainPrototype = Object.prototype;
var { getPrototypeOf } = Object;
var { isArray } = Array;
var empty = {};
var Encoder = class extends Writer {
  #depthMax;
  #objectsMax;
  #seen = new Seen();
  /** The steps into the containers around the value in hand; for the path in a refusal. */
  #steps;
  #root = "";
  #record = 0;
  /** Shapes whose keys the record has. */
  #shapes = 0;
  /** Whether the record holds a reference, and where its marks are. */
  #tracked = false;
  #marks = [];
  #markCount = 0;
  /** Whether somebody gave all objects enumerable properties by way of Object.prototype. */
  #polluted = false;
  constructor(limits = {}) {
    super();
    this.#depthMax = limits.depthMax ?? DEPTH_MAX2;
    this.#objectsMax = limits.objectsMax ?? OBJECTS_MAX2;
    this.#steps = new Array(this.#depthMax + 1).fill("");
  }
  begin(bytes, start, end) {
    this.#fresh();
    super.begin(bytes, start, end);
  }
  beginScratch(maxBytes) {
    this.#fresh();
    super.beginScratch(maxBytes);
  }
  /**
   * Writes one value. Objects met before in this record become references, so that identity and cycles arrive.
   *
   * @param path what the caller calls this value, for the message when something in it cannot travel
   * @throws SkerryError SKERRY_UNSENDABLE with the path of what cannot travel; SKERRY_LIMIT; Overflow; whatever a getter throws
   */
  value(v, path) {
    this.#root = path;
    this.#mark();
    this.any(v, 0);
  }
  /** Writes the number of values and each of them; paths in errors start with `args[0]`. Throws as {@link value} does. */
  args(list) {
    this.#root = "args";
    const n = list.length;
    this.#mark();
    this.varint(n);
    for (let i = 0; i < n; i++) {
      this.#steps[0] = i;
      this.any(list[i], 1);
    }
  }
  /**
   * Ends the record, forgets its objects and answers the position after its last byte.
   *
   * @throws SkerryError SKERRY_LIMIT when the record is larger than its scratch may be
   */
  finish() {
    this.#seen.clear();
    this.check();
    return this.position;
  }
  /** @internal Lets go of everything that the last record held. */
  reset() {
    this.#seen.clear();
    this.trim();
  }
  /** @internal A value with `depth` steps above it. */
  any(v, depth) {
    if (typeof v === "string")
      this.string(v);
    else if (typeof v === "number")
      this.number(v);
    else if (typeof v === "boolean")
      this.u8(v ? TAG_TRUE2 : TAG_FALSE2);
    else if (v === void 0)
      this.u8(TAG_UNDEFINED2);
    else if (v === null)
      this.u8(TAG_NULL2);
    else if (typeof v === "object")
      this.#object(v, depth);
    else if (typeof v === "bigint")
      this.bigint(v);
    else
      this.refuse(v, depth);
  }
  /** @internal Names the step from the container at `depth` into the value that is written next. */
  step(depth, step) {
    this.#steps[depth] = step;
  }
  /**
   * Writes a byte that becomes TAG_TRACKED when the record turns out to hold a reference: without any, a decoder need not keep
   * track.
   */
  #mark() {
    this.#marks[this.#markCount++] = this.position;
    this.u8(this.#tracked ? TAG_TRACKED2 : TAG_UNTRACKED2);
  }
  #fresh() {
    this.#markCount = 0;
    this.#tracked = false;
    this.#seen.clear();
    this.#record = nextRecord();
    this.#shapes = 0;
    this.#polluted = false;
    for (const _ in empty)
      this.#polluted = true;
  }
  /** A plain object: as one of a shape, unless it is empty or the tree of shapes does not take it. */
  #plain(v, depth) {
    let node = shapeRoot;
    for (const key in v) {
      const last = node.last;
      node = last !== void 0 && last.key === key ? last : branch(node, key);
      if (node === void 0)
        break;
    }
    if (node === void 0 || node === shapeRoot || this.#polluted)
      this.#fields(v, depth);
    else
      this.#shaped(v, node, depth);
  }
  #shaped(v, node, depth) {
    const { position } = this;
    const { count } = this.#seen;
    const shapes = this.#shapes;
    this.#shape(node);
    const steps = this.#steps;
    let n = 0;
    for (const key in v) {
      const field = v[key];
      if (typeof field === "string") {
        this.string(field);
      } else if (typeof field === "number") {
        this.number(field);
      } else {
        steps[depth] = key;
        this.any(field, depth + 1);
      }
      n++;
    }
    if (n === node.keys.length)
      return;
    this.#rewind(position, count, shapes);
    this.#fields(v, depth);
  }
  /** The keys of an object: in full at the first use in a record, then by number. */
  #shape(node) {
    if (node.record === this.#record) {
      this.u8(TAG_SHAPE_REF2);
      this.varint(node.index);
      return;
    }
    node.record = this.#record;
    node.index = this.#shapes++;
    this.room(5);
    this.bytes[this.position] = TAG_SHAPE2;
    this.view.setUint16(this.position + 1, node.hash, true);
    this.view.setUint16(this.position + 3, node.size, true);
    this.position += 5;
    this.block(node.block, node.size);
  }
  /** Key by key: the own enumerable fields of `v` and the end mark. */
  #fields(v, depth) {
    this.u8(TAG_OBJECT2);
    const steps = this.#steps;
    for (const key of Object.keys(v)) {
      const field = v[key];
      if (field === void 0 && !Object.hasOwn(v, key))
        continue;
      this.string(key);
      steps[depth] = key;
      this.any(field, depth + 1);
    }
    this.u8(TAG_END2);
  }
  /** @internal Writes what `write` writes, or, when some of it cannot travel, nothing; answers whether it did. */
  attempt(write) {
    const { position } = this;
    const { count } = this.#seen;
    const shapes = this.#shapes;
    try {
      write();
      return true;
    } catch (error) {
      if (error === Overflow)
        throw error;
      this.#rewind(position, count, shapes);
      return false;
    }
  }
  /** @internal */
  refuse(v, depth) {
    throw unsendable(v, pathOf(this.#root, this.#steps, depth));
  }
  #object(v, depth) {
    const before = this.#seen.find(v);
    if (before >= 0) {
      this.#ref(before);
      return;
    }
    if (depth >= this.#depthMax || this.#seen.count > this.#objectsMax)
      this.#tooMuch(depth);
    if (isArray(v)) {
      this.#array(v, depth);
      return;
    }
    const prototype = getPrototypeOf(v);
    if (prototype === plainPrototype || prototype === null)
      this.#plain(v, depth);
    else if (writeExotic(this, v, prototype, depth))
      return;
    else if (mayTravelAsPlain(v, prototype))
      this.#fields(v, depth);
    else
      this.refuse(v, depth);
  }
  /** Takes back what was written since the record was at these counts. */
  #rewind(position, objects, shapes) {
    this.position = position;
    this.#seen.rewind(objects);
    this.#shapes = shapes;
    this.#record = nextRecord();
  }
  #ref(number) {
    for (let i = 0; i < this.#markCount; i++)
      this.bytes[this.#marks[i]] = TAG_TRACKED2;
    this.#tracked = true;
    this.u8(TAG_REF2);
    this.varint(number);
  }
  #array(v, depth) {
    const n = v.length;
    if (n <= SHORT_ARRAY_MAX2) {
      this.u8(TAG_SHORT_ARRAY2 | n);
    } else {
      this.u8(TAG_ARRAY2);
      this.varint(n);
    }
    const steps = this.#steps;
    for (let i = 0; i < n; i++) {
      const item = v[i];
      if (typeof item === "number") {
        this.number(item);
      } else if (item === void 0 && !Object.hasOwn(v, i)) {
        this.#sparse(v, i, n, depth);
        return;
      } else {
        steps[depth] = i;
        this.any(item, depth + 1);
      }
    }
  }
  /**
   * The rest of an array from its first hole on: pairs of index and value. The work is that of what is there, not of the length.
   */
  #sparse(v, from, n, depth) {
    this.u8(TAG_SPARSE2);
    for (const key of Object.keys(v)) {
      const index = Number(key);
      if (!(index < n) || String(index >>> 0) !== key)
        break;
      if (index < from)
        continue;
      const item = v[index];
      this.u8(TAG_TRUE2);
      this.varint(index);
      this.#steps[depth] = index;
      this.any(item, depth + 1);
    }
    this.u8(TAG_END2);
  }
  #tooMuch(depth) {
    const path = pathOf(this.#root, this.#steps, depth);
    throw depth >= this.#depthMax ? tooDeep(path, this.#depthMax) : tooMany(path, this.#objectsMax);
  }
};
var idle = [];
var IDLE_MAX = 4;
function acquireEncoder() {
  return idle.pop() ?? new Encoder();
}
function releaseEncoder(encoder) {
  encoder.reset();
  if (idle.length < IDLE_MAX)
    idle.push(encoder);
}

// dist/src/channel/encode-record.js
function encodeRecord(write, body) {
  const encoder = acquireEncoder();
  try {
    encoder.beginScratch(RECORD_MAX_BYTES);
    write(encoder, body);
    const end = encoder.finish();
    return encoder.bytes.slice(0, end);
  } finally {
    releaseEncoder(encoder);
  }
}

// dist/src/channel/transport.js
var NO_CALL = 4294967295;

// dist/src/protocol/record.js
var HEADER_BYTES = 16;
var ALIGN = 16;
var Kind = {
  /** request: deadline f64, [extra value], arguments; answered by reply, error, or items and an end */
  call: 1,
  /** request without an answer */
  notify: 2,
  /** answers */
  reply: 3,
  error: 4,
  item: 5,
  end: 6,
  /** ring only: nothing up to the end of the ring */
  pad: 7,
  /** ring only: the ring goes on in another region: payload region id u32, 0 u32, position f64 */
  switch: 8
};
var Flag = {
  /** the payload stands in a region of its own: payload region id u32, length u32 */
  oneOff: 1,
  /** an `extra` value (trace context, call path) follows the deadline */
  extra: 2,
  /** this call was started by a predecessor that died */
  suspect: 4
};
function recordBytes(payloadBytes) {
  return HEADER_BYTES + payloadBytes + (ALIGN - 1) & ~(ALIGN - 1);
}
function headWord(kind, flags, method) {
  return kind | flags << 8 | method << 16;
}
function checkWord(length, head, callId, position) {
  let h = Math.imul(length ^ 1540483477, 2654435761);
  h = Math.imul(h ^ head ^ h >>> 15, 2246822507);
  h = Math.imul(h ^ callId ^ h >>> 13, 3266489909);
  return h ^ (position | 0) ^ h >>> 16 | 0;
}

// dist/src/channel/codec/strings.js
var { latin1Slice, ucs2Slice } = Buffer.prototype;
var make = String.fromCharCode;
var UNROLLED_MAX = 24;
var KEY_SLOTS = 4096;
var KEY_BYTES = 32;
var keys = new Array(KEY_SLOTS).fill(void 0);
var keyBytes = new Uint8Array(KEY_SLOTS * KEY_BYTES);
function latin1(b, p, n) {
  return n <= UNROLLED_MAX ? shortLatin1(b, p, n) : latin1Slice.call(b, p, p + n);
}
function utf16(b, p, n) {
  return ucs2Slice.call(b, p, p + n);
}
function safeKey(b, p, n) {
  if (n > KEY_BYTES || n === 0)
    return fresh(b, p, n);
  let hash = n;
  for (let i = 0; i < n; i++)
    hash = Math.imul(hash, 31) + b[p + i] | 0;
  const slot = (hash ^ hash >>> 12) & KEY_SLOTS - 1;
  const known = keys[slot];
  if (known !== void 0 && known.length === n) {
    const at = slot * KEY_BYTES;
    let i = 0;
    while (i < n && keyBytes[at + i] === b[p + i])
      i++;
    if (i === n)
      return known;
  }
  const key = fresh(b, p, n);
  if (key !== void 0) {
    keys[slot] = key;
    for (let i = 0; i < n; i++)
      keyBytes[slot * KEY_BYTES + i] = b[p + i];
  }
  return key;
}
function fresh(b, p, n) {
  const key = latin1(b, p, n);
  return key in Object.prototype ? void 0 : key;
}
function shortLatin1(b, p, n) {
  switch (n) {
    case 0:
      return "";
    case 1:
      return make(b[p]);
    case 2:
      return make(b[p], b[p + 1]);
    case 3:
      return make(b[p], b[p + 1], b[p + 2]);
    case 4:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3]);
    case 5:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4]);
    case 6:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5]);
    case 7:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6]);
    case 8:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7]);
    case 9:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8]);
    case 10:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9]);
    case 11:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10]);
    case 12:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11]);
    case 13:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12]);
    case 14:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13]);
    case 15:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14]);
    case 16:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15]);
    case 17:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16]);
    case 18:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17]);
    case 19:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18]);
    case 20:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18], b[p + 19]);
    case 21:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18], b[p + 19], b[p + 20]);
    case 22:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18], b[p + 19], b[p + 20], b[p + 21]);
    case 23:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18], b[p + 19], b[p + 20], b[p + 21], b[p + 22]);
    case 24:
      return make(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15], b[p + 16], b[p + 17], b[p + 18], b[p + 19], b[p + 20], b[p + 21], b[p + 22], b[p + 23]);
    default:
      return latin1Slice.call(b, p, p + n);
  }
}

// dist/src/channel/codec/shape-table.js
var SLOTS = 4096;
var USES_MIN = 16;
var readersLeft = 2e3;
var table = new Array(SLOTS).fill(void 0);
function findShape(b, view, p, n, hash) {
  const slot = hash & SLOTS - 1;
  const first = table[slot];
  if (first !== void 0 && first.size === n && matches(first.block, view, p, n))
    return used(first);
  const second = table[slot ^ 1];
  if (second !== void 0 && second.size === n && matches(second.block, view, p, n))
    return used(second);
  const shape = parse(b, p, n);
  if (shape === void 0)
    return void 0;
  table[first === void 0 || second !== void 0 && first.uses <= second.uses ? slot : slot ^ 1] = shape;
  return shape;
}
function matches(block, view, p, n) {
  if (n < 4) {
    for (let i = 0; i < n; i++) {
      if (block.getUint8(i) !== view.getUint8(p + i))
        return false;
    }
    return true;
  }
  for (let i = 0; i < n - 4; i += 4) {
    if (block.getInt32(i) !== view.getInt32(p + i))
      return false;
  }
  return block.getInt32(n - 4) === view.getInt32(p + n - 4);
}
function used(shape) {
  if (++shape.uses === USES_MIN && shape.safe && readersLeft > 0)
    shape.read = generate(shape.keys);
  return shape;
}
function parse(b, p, n) {
  const keys2 = [];
  const end = p + n;
  let safe = true;
  for (let at = p; at < end; ) {
    const size = b[at] & SHORT_STRING_MAX;
    if (b[at] >> 6 !== TAG_SHORT_STRING >> 6 || size > end - at - 1 || keys2.length >= SHAPE_KEYS_MAX)
      return void 0;
    const key = latin1(b, at + 1, size);
    if (key in Object.prototype)
      safe = false;
    keys2.push(key);
    at += 1 + size;
  }
  return { block: new DataView(Uint8Array.from(b.subarray(p, end)).buffer), size: n, keys: keys2, safe, uses: 0, read: void 0 };
}
function generate(keys2) {
  if (!keys2.every((key) => /^[A-Za-z_$][\w$]*$/.test(key)))
    return void 0;
  readersLeft--;
  const fields = keys2.map((key) => `${key}: undefined`).join(", ");
  const reads = keys2.map((key) => `object.${key} = from.any(depth + 1);`).join("\n");
  try {
    return new Function("from", "depth", `'use strict'; const object = { ${fields} }; from.enter(object, depth);
${reads}
return object;`);
  } catch {
    readersLeft = 0;
    return void 0;
  }
}

// dist/src/channel/codec/decoder.js
var { DEPTH_MAX: DEPTH_MAX3, OBJECTS_MAX: OBJECTS_MAX3, SHORT_STRING_MAX: SHORT_STRING_MAX3, TAG_ARRAY: TAG_ARRAY3, TAG_BIGINT64: TAG_BIGINT643, TAG_BIGINT_HEX: TAG_BIGINT_HEX3, TAG_BOXED: TAG_BOXED2, TAG_BUFFER: TAG_BUFFER2, TAG_BYTE: TAG_BYTE3, TAG_BYTES: TAG_BYTES2, TAG_DATE: TAG_DATE2, TAG_END: TAG_END3, TAG_ERROR: TAG_ERROR2, TAG_FALSE: TAG_FALSE3, TAG_FLOAT64: TAG_FLOAT643, TAG_HANDLE: TAG_HANDLE2, TAG_INT16: TAG_INT163, TAG_INT32: TAG_INT323, TAG_LATIN1: TAG_LATIN13, TAG_MAP: TAG_MAP2, TAG_NULL: TAG_NULL3, TAG_OBJECT: TAG_OBJECT3, TAG_REF: TAG_REF3, TAG_REGEXP: TAG_REGEXP2, TAG_SET: TAG_SET2, TAG_SHAPE: TAG_SHAPE3, TAG_SHAPE_REF: TAG_SHAPE_REF3, TAG_SHORT_ARRAY: TAG_SHORT_ARRAY3, TAG_SHORT_STRING: TAG_SHORT_STRING3, TAG_SPARSE: TAG_SPARSE3, TAG_TRACKED: TAG_TRACKED3, TAG_TRUE: TAG_TRUE3, TAG_UNDEFINED: TAG_UNDEFINED3, TAG_UNTRACKED: TAG_UNTRACKED3, TAG_UTF16: TAG_UTF163, TAG_VIEW: TAG_VIEW2, VIEW_KINDS: VIEW_KINDS2 } = tags_exports;
var NOTHING2 = new Uint8Array(0);
var SIZED_MAX = 1024;
var noView2 = new DataView(new ArrayBuffer(0));
var Decoder = class {
  #depthMax;
  #objectsMax;
  #bytes = NOTHING2;
  #view = noView2;
  #start = 0;
  #at = 0;
  #end = 0;
  /** The objects made so far, in the order in which the encoder numbered them. */
  #objects = [];
  #count = 0;
  /** Whether the record has references; without them its objects need not be kept. */
  #tracked = false;
  /** The shapes whose keys this record has. */
  #shapes = [];
  #shapeCount = 0;
  /** How many items arrays may still claim memory for. Items that are there have a byte each; holes claim what others leave. */
  #unpaid = 0;
  constructor(limits = {}) {
    this.#depthMax = limits.depthMax ?? DEPTH_MAX3;
    this.#objectsMax = limits.objectsMax ?? OBJECTS_MAX3;
  }
  /** Starts on the record in [start, end) of private memory, which must not change until {@link end}. */
  begin(bytes, start, end) {
    assert(start <= end && end <= bytes.length, "a record lies within its memory");
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#start = start;
    this.#at = start;
    this.#end = end;
    this.#unpaid = end - start;
    this.#shapeCount = 0;
    this.#forget();
  }
  /** The offset of the next byte in the memory given to {@link begin}. */
  get position() {
    return this.#at;
  }
  u8() {
    return this.#bytes[this.#take(1)];
  }
  u32() {
    return this.#view.getUint32(this.#take(4), true);
  }
  f64() {
    return this.#view.getFloat64(this.#take(8), true);
  }
  /** A copy of the next `size` bytes. */
  raw(size) {
    return new Uint8Array(this.#copy(size));
  }
  /**
   * Reads one value.
   *
   * @throws SkerryError SKERRY_CORRUPT, with the offset, what was found there and what would have been valid;
   * SKERRY_UNSUPPORTED for what only a newer version reads
   */
  value() {
    this.#mark();
    return this.any(0);
  }
  /** Reads what {@link Encoder.args} wrote. Throws as {@link value} does. */
  args() {
    this.#mark();
    const n = this.#length("arguments");
    const list = [];
    for (let i = 0; i < n; i++)
      list.push(this.any(1));
    return list;
  }
  /** Ends the record and forgets its objects. @throws SkerryError SKERRY_CORRUPT when bytes are left */
  end() {
    if (this.#at !== this.#end)
      this.#corrupt(this.#at, `${this.#end - this.#at} more bytes`, "the end of the record");
    this.#forget();
  }
  /** @internal A value within `depth` containers. */
  any(depth) {
    const at = this.#at;
    if (at >= this.#end)
      this.#corrupt(at, "the end of the record", "a value");
    const tag = this.#bytes[at];
    this.#at = at + 1;
    if (tag >= 128)
      return tag & 127;
    if (tag >= TAG_SHORT_STRING3)
      return this.#latin1(tag & SHORT_STRING_MAX3);
    if (tag >= TAG_SHORT_ARRAY3)
      return this.#array(tag & 31, depth);
    switch (tag) {
      case TAG_SHAPE3:
        return this.#shaped(this.#shape(), depth);
      case TAG_SHAPE_REF3:
        return this.#shaped(this.#shapeRef(), depth);
      case TAG_OBJECT3:
        return this.#object(depth);
      case TAG_FLOAT643:
        return this.f64();
      case TAG_BYTE3:
        return this.u8();
      case TAG_INT163:
        return this.#int16();
      case TAG_INT323:
        return this.#view.getInt32(this.#take(4), true);
      case TAG_TRUE3:
        return true;
      case TAG_FALSE3:
        return false;
      case TAG_NULL3:
        return null;
      case TAG_UNDEFINED3:
        return void 0;
      case TAG_LATIN13:
        return this.#latin1(this.#length("characters"));
      case TAG_UTF163:
        return this.#utf16();
      case TAG_ARRAY3:
        return this.#array(this.#varint(), depth);
      case TAG_REF3:
        return this.#ref();
      default:
        return this.#rare(tag, at, depth);
    }
  }
  #rare(tag, at, depth) {
    switch (tag) {
      case TAG_BIGINT643:
        return this.#bigint64();
      case TAG_BIGINT_HEX3:
        return this.#bigintHex(at);
      case TAG_MAP2:
        return this.#map(depth);
      case TAG_SET2:
        return this.#set(depth);
      case TAG_DATE2:
        return this.#keep(new Date(this.f64()));
      case TAG_REGEXP2:
        return this.#regexp(at);
      case TAG_ERROR2:
        return this.#error(at, depth);
      case TAG_BYTES2:
        return this.#keep(new Uint8Array(this.#copy(this.#length("bytes"))));
      case TAG_BUFFER2:
        return this.#keep(this.#copy(this.#length("bytes")));
      case TAG_VIEW2:
        return this.#typed(at);
      case TAG_BOXED2:
        return this.#boxed(at);
      case TAG_HANDLE2:
        throw new SkerryError("SKERRY_UNSUPPORTED", "the peer sent a value by reference, which this version of Skerry cannot take");
      default:
        return this.#corrupt(at, `0x${tag.toString(16).padStart(2, "0")}`, "the tag of a value");
    }
  }
  #mark() {
    const at = this.#at;
    const mark = this.u8();
    if (mark === TAG_TRACKED3)
      this.#tracked = true;
    else if (mark !== TAG_UNTRACKED3)
      this.#corrupt(at, `0x${mark.toString(16)}`, "the start of a value");
  }
  #object(depth) {
    const object = {};
    this.enter(object, depth);
    for (; ; ) {
      const at = this.#at;
      if (at >= this.#end)
        this.#corrupt(at, "the end of the record", "a key or the end of an object");
      const tag = this.#bytes[at];
      if (tag === TAG_END3) {
        this.#at = at + 1;
        return object;
      }
      if (tag >= TAG_SHORT_STRING3 && tag < 128) {
        const n = tag & SHORT_STRING_MAX3;
        this.#at = at + 1;
        const key2 = safeKey(this.#bytes, this.#take(n), n);
        if (key2 !== void 0) {
          object[key2] = this.any(depth + 1);
          continue;
        }
        this.#at = at;
      }
      const key = this.#string("a key or the end of an object");
      define(object, key, this.any(depth + 1));
    }
  }
  #shape() {
    const at = this.#at;
    const p = this.#take(4);
    const hash = this.#view.getUint16(p, true);
    const n = this.#view.getUint16(p + 2, true);
    const shape = findShape(this.#bytes, this.#view, this.#take(n), n, hash);
    if (shape === void 0)
      return this.#corrupt(at, "other bytes", "the keys of a shape");
    this.#shapes[this.#shapeCount++] = shape;
    return shape;
  }
  #shapeRef() {
    const at = this.#at;
    const index = this.#varint();
    if (index >= this.#shapeCount)
      this.#corrupt(at, `shape ${index}`, `one of the ${this.#shapeCount} shapes before it`);
    return this.#shapes[index];
  }
  #shaped(shape, depth) {
    if (shape.read !== void 0)
      return shape.read(this, depth);
    const object = {};
    this.enter(object, depth);
    const { keys: keys2, safe } = shape;
    for (let i = 0; i < keys2.length; i++) {
      if (safe)
        object[keys2[i]] = this.any(depth + 1);
      else
        define(object, keys2[i], this.any(depth + 1));
    }
    return object;
  }
  #array(n, depth) {
    this.#unpaid -= n;
    const paid = this.#unpaid >= 0;
    const array = paid && n <= SIZED_MAX ? new Array(n) : [];
    this.enter(array, depth);
    for (let i = 0; i < n; i++) {
      if (this.#at < this.#end && this.#bytes[this.#at] === TAG_SPARSE3) {
        this.#sparse(array, i, n, paid, depth);
        break;
      }
      array[i] = this.any(depth + 1);
    }
    return array;
  }
  /**
   * The rest of an array with holes. Holes take memory only as far as the record has bytes for them; beyond that a hash table.
   */
  #sparse(array, from, n, paid, depth) {
    this.#at++;
    if (!paid)
      array.length = 4294967295;
    array.length = n;
    for (let next = from; ; ) {
      const at = this.#at;
      const mark = this.u8();
      if (mark === TAG_END3)
        return;
      if (mark !== TAG_TRUE3)
        this.#corrupt(at, `0x${mark.toString(16)}`, "an item or the end of an array with holes");
      const index = this.#varint();
      if (index < next || index >= n)
        this.#corrupt(at + 1, `index ${index}`, `an index from ${next} to ${n - 1}`);
      array[index] = this.any(depth + 1);
      next = index + 1;
    }
  }
  #map(depth) {
    const map = /* @__PURE__ */ new Map();
    this.enter(map, depth);
    while (!this.#ended()) {
      const key = this.any(depth + 1);
      map.set(key, this.any(depth + 1));
    }
    return map;
  }
  #set(depth) {
    const set = /* @__PURE__ */ new Set();
    this.enter(set, depth);
    while (!this.#ended())
      set.add(this.any(depth + 1));
    return set;
  }
  #error(at, depth) {
    const kind = this.u8();
    const message = this.#optionalString();
    const stack = this.#optionalString();
    const name = this.#optionalString();
    const code = this.#optionalString();
    const error = makeError(kind, message, stack, name, code);
    if (error === void 0)
      return this.#corrupt(at + 1, `class ${kind}`, "the number of a class of errors");
    this.enter(error, depth);
    while (!this.#ended()) {
      const key = this.#string("a key or the end of an error");
      setErrorProperty(error, key, this.any(depth + 1));
    }
    return error;
  }
  #regexp(at) {
    const source = this.#string("the source of a RegExp");
    const flags = this.#string("the flags of a RegExp");
    try {
      return this.#keep(new RegExp(source, flags));
    } catch {
      return this.#corrupt(at, "a RegExp that does not compile", "a RegExp");
    }
  }
  #typed(at) {
    const kind = this.u8();
    const buffer = this.#copy(this.#length("bytes"));
    const name = VIEW_KINDS2[kind];
    const View = name === void 0 ? void 0 : globalThis[name];
    if (View === void 0)
      return this.#corrupt(at + 1, `class ${kind}`, "the number of a class of views");
    if (buffer.byteLength % (View.BYTES_PER_ELEMENT ?? 1) !== 0)
      this.#corrupt(at, `${buffer.byteLength} bytes`, `whole items of ${name}`);
    return this.#keep(new View(buffer));
  }
  #boxed(at) {
    const tag = this.#bytes[this.#at];
    if (this.#at < this.#end && tag === TAG_BOXED2)
      this.#corrupt(at, "a box in a box", "a primitive value");
    const index = this.#count;
    const primitive = this.any(this.#depthMax);
    if (primitive === null || primitive === void 0 || typeof primitive === "object" || this.#count !== index) {
      this.#corrupt(at, "an object", "a primitive value");
    }
    return this.#keep(Object(primitive));
  }
  #ref() {
    const at = this.#at;
    const index = this.#varint();
    if (index >= this.#count)
      this.#corrupt(at, `object ${index}`, `one of the ${this.#count} objects before it`);
    const object = this.#objects[index];
    if (object === void 0)
      this.#corrupt(at, `object ${index}`, "an object of this record");
    return object;
  }
  /** @internal Numbers an object that holds others, and checks how deep it is. */
  enter(object, depth) {
    if (depth >= this.#depthMax)
      this.#corrupt(this.#at, "another container", `at most ${this.#depthMax} within each other`);
    this.#keep(object);
  }
  #keep(object) {
    const index = this.#count++;
    if (index >= this.#objectsMax)
      this.#corrupt(this.#at, "another object", `at most ${this.#objectsMax}`);
    if (this.#tracked)
      this.#objects[index] = object;
    return object;
  }
  #forget() {
    this.#count = 0;
    if (!this.#tracked)
      return;
    this.#tracked = false;
    this.#objects = [];
  }
  #ended() {
    if (this.#at >= this.#end || this.#bytes[this.#at] !== TAG_END3)
      return false;
    this.#at++;
    return true;
  }
  #string(expected) {
    const at = this.#at;
    const tag = this.u8();
    if (tag >= TAG_SHORT_STRING3 && tag < 128)
      return this.#latin1(tag & SHORT_STRING_MAX3);
    if (tag === TAG_LATIN13)
      return this.#latin1(this.#length("characters"));
    if (tag === TAG_UTF163)
      return this.#utf16();
    return this.#corrupt(at, `0x${tag.toString(16)}`, expected);
  }
  #optionalString() {
    if (this.#at >= this.#end || this.#bytes[this.#at] !== TAG_UNDEFINED3)
      return this.#string("a string or undefined");
    this.#at++;
    return void 0;
  }
  #latin1(n) {
    return latin1(this.#bytes, this.#take(n), n);
  }
  #utf16() {
    const n = this.#length("bytes of UTF-16");
    if (n & 1)
      this.#corrupt(this.#at, `${n} bytes`, "an even number of bytes of UTF-16");
    return utf16(this.#bytes, this.#take(n), n);
  }
  #bigint64() {
    return this.#view.getBigInt64(this.#take(8), true);
  }
  #bigintHex(at) {
    const negative = this.u8() !== 0;
    const digits = this.#string("the digits of a bigint");
    if (!/^[0-9a-f]+$/.test(digits))
      this.#corrupt(at, "other characters", "hexadecimal digits");
    try {
      const magnitude = BigInt(`0x${digits}`);
      return negative ? -magnitude : magnitude;
    } catch {
      return this.#corrupt(at, `${digits.length} digits`, "as many as a bigint can have");
    }
  }
  #int16() {
    return this.#view.getInt16(this.#take(2), true);
  }
  #varint() {
    const first = this.u8();
    if (first < 128)
      return first;
    let x = first & 127;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.u8();
      x += (byte & 127) * 2 ** shift;
      if (byte < 128) {
        if (x > 4294967295)
          break;
        return x;
      }
    }
    return this.#corrupt(this.#at, "a longer number", "a number below 2^32");
  }
  /** A number of things that take at least one byte each. */
  #length(things) {
    const at = this.#at;
    const n = this.#varint();
    if (n > this.#end - this.#at)
      this.#corrupt(at, `${n} ${things}`, `at most the ${this.#end - this.#at} bytes that are left`);
    return n;
  }
  #copy(size) {
    const p = this.#take(size);
    const bytes = this.#bytes;
    return bytes.buffer.slice(bytes.byteOffset + p, bytes.byteOffset + p + size);
  }
  /** The offset of the next `size` bytes, and past them. */
  #take(size) {
    const at = this.#at;
    if (size > this.#end - at)
      this.#corrupt(at, `${this.#end - at} bytes`, `${size} bytes`);
    this.#at = at + size;
    return at;
  }
  #corrupt(at, found, valid) {
    const offset = at - this.#start;
    throw new SkerryError("SKERRY_CORRUPT", `byte ${offset} of a record of ${this.#end - this.#start}: found ${found} where ${valid} would be valid`, { data: { offset, found, valid } });
  }
};
function define(object, key, value) {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

export {
  nowMs,
  Overflow,
  acquireEncoder,
  releaseEncoder,
  encodeRecord,
  NO_CALL,
  HEADER_BYTES,
  Kind,
  Flag,
  recordBytes,
  headWord,
  checkWord,
  Decoder
};
