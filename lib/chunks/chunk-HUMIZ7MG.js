import {
  DESCRIPTORS_MAX,
  HUNG_UP,
  MESSAGE_MAX_BYTES
} from "./chunk-JFLBLH7Q.js";
import {
  SkerryError
} from "./chunk-ER36CW7I.js";

// dist/src/channel/control/seqpacket-port.js
var SeqpacketPort = class {
  #addon;
  #socket;
  #events;
  #watch;
  #queue = [];
  #writable;
  #closed = false;
  #closing = false;
  constructor(addon, socket, events) {
    this.#addon = addon;
    this.#socket = socket;
    this.#events = events;
    this.#watch = addon.watch(socket, "socket", () => this.drain());
  }
  send(message, descriptors = [], release = [], onSent) {
    if (this.#closed)
      return this.#release(release);
    const bytes = Buffer.from(JSON.stringify(message));
    if (bytes.length > MESSAGE_MAX_BYTES || descriptors.length > DESCRIPTORS_MAX) {
      this.#release(release);
      throw new RangeError(`a control message of ${bytes.length} bytes and ${descriptors.length} descriptors is beyond the limits`);
    }
    this.#queue.push({ bytes, descriptors, release, onSent });
    if (this.#queue.length === 1)
      this.#flush();
  }
  drain() {
    while (!this.#closed) {
      let received;
      try {
        received = this.#addon.receive(this.#socket);
      } catch (error) {
        return this.#end(`reading failed: ${error.message}`);
      }
      if (received === void 0)
        return;
      if (received === null)
        return this.#end(HUNG_UP);
      const { bytes, descriptors, truncated } = received;
      let message;
      if (!truncated) {
        try {
          message = JSON.parse(Buffer.from(bytes).toString());
        } catch {
        }
      }
      if (typeof message !== "object" || message === null) {
        this.#release(descriptors);
        return this.#end(truncated ? "a message came with less than was sent (descriptor limit)" : "the peer sent what is no message");
      }
      this.#events.onMessage(message, descriptors);
    }
  }
  setRef(keepAlive) {
    if (!this.#closed)
      this.#addon.setWatchRef(this.#watch, keepAlive);
  }
  close() {
    this.#closing = true;
    if (this.#queue.length === 0)
      this.#shut();
  }
  #flush() {
    for (; ; ) {
      const first = this.#queue[0];
      if (first === void 0 || this.#closed)
        break;
      try {
        if (!this.#addon.send(this.#socket, first.bytes, first.descriptors)) {
          this.#writable ??= this.#addon.watchWritable(this.#socket, () => {
            this.#writable = void 0;
            this.#flush();
          });
          return;
        }
      } catch {
      }
      this.#queue.shift();
      this.#release(first.release);
      first.onSent?.();
    }
    if (this.#closing && !this.#closed)
      this.#shut();
  }
  #end(reason) {
    if (this.#closed)
      return;
    this.#shut();
    this.#events.onClose(reason);
  }
  #shut() {
    if (this.#closed)
      return;
    this.#closed = true;
    for (const { release } of this.#queue)
      this.#release(release);
    this.#queue.length = 0;
    if (this.#writable !== void 0)
      this.#addon.unwatch(this.#writable);
    this.#addon.unwatch(this.#watch);
    this.#addon.close(this.#socket);
  }
  #release(descriptors) {
    for (const descriptor of descriptors)
      this.#addon.close(descriptor);
  }
};

// dist/src/memory/load-native.js
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
var loaded;
function loadNative() {
  loaded ??= load();
  return loaded;
}
function unavailable(reason) {
  return { addon: void 0, reason };
}
function load() {
  if (process.env.SKERRY_TRANSPORT === "stream")
    return unavailable("SKERRY_TRANSPORT=stream");
  if (process.platform !== "linux")
    return unavailable(`no native addon for ${process.platform}: it needs Linux`);
  const name = nativeFileName();
  const here = dirname(fileURLToPath(import.meta.url));
  const folders = [join(packageRoot(here) ?? here, "prebuilt"), join(here, "prebuilt"), here];
  const file = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (file === void 0)
    return unavailable(`no ${name} for this platform in prebuilt/ of the package skerry`);
  let addon;
  try {
    addon = createRequire(import.meta.url)(file);
  } catch (error) {
    return unavailable(`${file} could not be loaded: ${messageOf(error)}`);
  }
  try {
    const { buffer, descriptor } = addon.createRegion(4096, "skerry probe");
    addon.close(descriptor);
    addon.releaseRegion(buffer);
  } catch (error) {
    const unsealed = error.code === "EINVAL";
    return unavailable(`${unsealed ? "this kernel lacks F_SEAL_FUTURE_WRITE (Linux 5.1)" : "no region can be made"}: ${messageOf(error)}`);
  }
  return { addon };
}
function nativeFileName() {
  const musl = readText("/proc/self/maps").includes("/ld-musl-");
  return `skerry-${process.platform}-${process.arch}${musl ? "-musl" : ""}.node`;
}
function packageRoot(start) {
  for (let folder = start; ; folder = dirname(folder)) {
    if (/"name"\s*:\s*"skerry"/.test(readText(join(folder, "package.json"))))
      return folder;
    if (folder === dirname(folder))
      return void 0;
  }
}
function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

// dist/src/protocol/version.js
var SPEAKS = { min: 1, max: 1, features: 0 };
function agree(a, b) {
  const version = Math.min(a.max, b.max);
  return version < Math.max(a.min, b.min) ? void 0 : { version, features: a.features & b.features };
}

// dist/src/memory/region.js
var REGION_HEADER_BYTES = 64;
var MAGIC = 1498565459;
var VERSION = 1;
var RegionKind = { client: 1, server: 2, ring: 3, oneOff: 4, suspects: 5, status: 6 };
function pageAlign(bytes) {
  return bytes + 4095 & ~4095;
}
var lastId = 0;
function createRegion(addon, kind, sizeBytes, owner, name) {
  const { buffer, descriptor } = addon.createRegion(pageAlign(sizeBytes), name);
  lastId += 1;
  const region = view(addon, buffer, lastId, kind);
  const { i32 } = region;
  i32[1] = VERSION;
  i32[2] = kind;
  i32[3] = lastId;
  i32[4] = owner.node;
  i32[5] = owner.slot;
  i32[6] = owner.generation;
  i32[7] = region.sizeBytes;
  Atomics.store(i32, 0, MAGIC);
  return { ...region, descriptor };
}
function mapRegion(addon, descriptor, kind, name, keep = false) {
  try {
    const { sizeBytes, sealed } = addon.inspectRegion(descriptor);
    if (!sealed)
      throw corrupt(name, "it is not a sealed memory file, so it could shrink or change hands");
    if (sizeBytes < 4096)
      throw corrupt(name, `it has ${sizeBytes} bytes, less than a page`);
    const buffer = addon.mapRegion(descriptor, name);
    const head = new Int32Array(buffer, 0, REGION_HEADER_BYTES / 4);
    const found = { magic: Atomics.load(head, 0), version: head[1], kind: head[2], size: head[7] };
    if (found.magic !== MAGIC || found.version !== VERSION || found.kind !== kind || found.size !== sizeBytes) {
      addon.releaseRegion(buffer);
      throw corrupt(name, `its header says ${JSON.stringify(found)}; expected version ${VERSION}, kind ${kind}, size ${sizeBytes}`);
    }
    return view(addon, buffer, head[3], kind);
  } finally {
    if (!keep)
      addon.close(descriptor);
  }
}
function corrupt(name, why) {
  return new SkerryError("SKERRY_CORRUPT", `region "${name}" from a peer refused: ${why}`);
}
function view(addon, buffer, id, kind) {
  return {
    id,
    kind,
    sizeBytes: buffer.byteLength,
    buffer,
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
    release: () => addon.releaseRegion(buffer)
  };
}

export {
  SPEAKS,
  agree,
  SeqpacketPort,
  REGION_HEADER_BYTES,
  RegionKind,
  pageAlign,
  createRegion,
  mapRegion,
  loadNative
};
