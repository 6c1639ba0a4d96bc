import {
  StreamPort
} from "../chunks/chunk-LFM37DZI.js";
import {
  interfaceHash
} from "../chunks/chunk-XDAWYBB6.js";
import {
  RegionKind,
  SeqpacketPort,
  agree,
  loadNative,
  mapRegion
} from "../chunks/chunk-FKNDIMCY.js";
import {
  HUNG_UP,
  StatusWord
} from "../chunks/chunk-D3FEJ7Z2.js";
import "../chunks/chunk-ER36CW7I.js";
import "../chunks/chunk-WSFCRVEQ.js";

// dist/src/kernel/main.js
import { readFileSync as readFileSync2 } from "node:fs";
import { Socket } from "node:net";

// dist/src/kernel/budget.js
import { readFileSync } from "node:fs";
var MemoryBudget = class {
  limit;
  #used = 0;
  constructor(limitBytes) {
    this.limit = limitBytes;
  }
  get used() {
    return this.#used;
  }
  take(bytes) {
    if (this.#used + bytes > this.limit)
      return false;
    this.#used += bytes;
    return true;
  }
  give(bytes) {
    this.#used = Math.max(0, this.#used - bytes);
  }
};
function defaultBudget(read = readText) {
  const free2 = [machineFree(read), cgroup2Free(read), cgroup1Free(read)].filter((bytes) => bytes !== void 0);
  return Math.floor(Math.min(...free2, 2 ** 40) / 2);
}
function machineFree(read) {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(read("/proc/meminfo") ?? "")?.[1];
  return kilobytes === void 0 ? void 0 : Number(kilobytes) * 1024;
}
function cgroup2Free(read) {
  const path = /^0::(\/.*)$/m.exec(read("/proc/self/cgroup") ?? "")?.[1];
  if (path === void 0)
    return void 0;
  return tightest(path, (folder) => free(read, `/sys/fs/cgroup${folder}`, "memory.max", "memory.current"));
}
function cgroup1Free(read) {
  const path = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(read("/proc/self/cgroup") ?? "")?.[1];
  if (path === void 0)
    return void 0;
  const at = (folder) => free(read, `/sys/fs/cgroup/memory${folder}`, "memory.limit_in_bytes", "memory.usage_in_bytes");
  return tightest(path, at);
}
function tightest(path, at) {
  let least;
  for (let folder = path === "/" ? "" : path; ; folder = folder.slice(0, folder.lastIndexOf("/"))) {
    const here = at(folder);
    if (here !== void 0 && (least === void 0 || here < least))
      least = here;
    if (folder === "")
      return least;
  }
}
function free(read, folder, max, current) {
  const limit = Number(read(`${folder}/${max}`) ?? Number.NaN);
  const used = Number(read(`${folder}/${current}`) ?? Number.NaN);
  return Number.isFinite(limit) && Number.isFinite(used) ? Math.max(0, limit - used) : void 0;
}
function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return void 0;
  }
}

// dist/src/protocol/endpoint.js
function formatEndpoint(endpoint) {
  return `${endpoint.node}.${endpoint.slot}.${endpoint.generation}`;
}

// dist/src/kernel/closer.js
var LOOK_AGAIN_MS = 20;
var Closer = class {
  #addon;
  #isQueued;
  constructor(addon2, isQueued) {
    this.#addon = addon2;
    this.#isQueued = isQueued;
  }
  close(descriptor) {
    if (this.#isQueued(descriptor))
      setTimeout(() => this.close(descriptor), LOOK_AGAIN_MS);
    else
      this.#addon?.close(descriptor);
  }
};

// dist/src/kernel/child.js
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
var MAIN = {
  process: fileURLToPath(new URL("../servers/process/main.js", import.meta.url)),
  server: fileURLToPath(new URL("../server/main.js", import.meta.url))
};
var OLD_SPACE_SHARE = 0.75;
var LEFT_OPEN_MS = 100;
function spawnChild(options, events, onExit) {
  const { addon: addon2 } = options;
  const pair = addon2?.socketPair();
  try {
    return spawnWith(pair, options, events, onExit);
  } catch (error2) {
    if (pair !== void 0)
      for (const end of pair)
        addon2?.close(end);
    throw error2;
  }
}
function spawnWith(pair, options, events, onExit) {
  const { addon: addon2, role, env, memoryMb } = options;
  const execArgv = memoryMb > 0 ? [`--max-old-space-size=${Math.floor(memoryMb * OLD_SPACE_SHARE)}`] : [];
  const child = spawn(process.execPath, [...execArgv, MAIN[role], String(process.pid), options.title], {
    env: { ...env, ...memoryMb > 0 ? { SKERRY_MEMORY_MB: String(memoryMb) } : {} },
    stdio: ["ignore", "inherit", "inherit", pair === void 0 || addon2 === void 0 ? "pipe" : addon2.fileNumber(pair[1])],
    detached: true
  });
  if (child.pid === void 0)
    throw spawnError(child);
  if (pair !== void 0 && addon2 !== void 0)
    addon2.close(pair[1]);
  let exit;
  let portClosed = false;
  const finish = () => {
    if (exit !== void 0 && portClosed)
      onExit(exit);
  };
  const portEvents = {
    onMessage: (message, descriptors) => events.onMessage(message, descriptors),
    onClose: (reason) => {
      portClosed = true;
      events.onClose(reason);
      finish();
    }
  };
  const port = pair !== void 0 && addon2 !== void 0 ? new SeqpacketPort(addon2, pair[0], portEvents) : new StreamPort(child.stdio[3], portEvents);
  child.on("exit", (code, signal) => {
    exit ??= { code, signal };
    port.drain();
    finish();
    if (!portClosed) {
      setTimeout(() => {
        if (portClosed)
          return;
        port.drain();
        port.close();
        portEvents.onClose("the peer hung up");
      }, LEFT_OPEN_MS);
    }
  });
  return {
    pid: child.pid ?? 0,
    port,
    kill: () => {
      child.kill("SIGKILL");
    }
  };
}
function spawnError(child) {
  child.on("error", () => {
  });
  return new Error(`a process could not be started (spawn of ${process.execPath} failed: out of memory, processes or descriptors)`);
}

// dist/src/kernel/death.js
function deathReason(facts) {
  const { exit, killedFor, lastWords, memoryMb, lastRssAnon, status } = facts;
  if (killedFor !== void 0)
    return killedFor;
  const fatal = exit.signal ?? (exit.code === 134 ? "SIGABRT" : void 0);
  if (memoryMb > 0 && (fatal === "SIGABRT" || fatal === "SIGTRAP" || fatal === "SIGILL" || fatal === "SIGSEGV")) {
    const peak = Math.max(lastRssAnon, (status?.i32[StatusWord.peakRssKb] ?? 0) * 1024);
    if (peak >= memoryMb * 1024 * 1024 * 0.6)
      return "memory limit";
  }
  if (fatal !== void 0)
    return fatal;
  if (exit.code === 1 && lastWords !== void 0)
    return oneLine(`${lastWords.name}: ${lastWords.message}`);
  return `exit code ${exit.code}`;
}
function oneLine(text2) {
  const [first = ""] = text2.split("\n", 1);
  return first.length <= 300 ? first : `${first.slice(0, 300)} \u2026`;
}

// dist/src/kernel/channels.js
function regionsFrom(channel) {
  const all = [...channel.regions.values()];
  const rings = all.filter((region) => region.purpose === "ring").sort((a, b) => a.start - b.start);
  let ring;
  for (const candidate of rings)
    if (candidate.start <= channel.from)
      ring = candidate;
  const later = all.filter((region) => region !== ring && (region.purpose === "oneOff" || region.start > channel.from));
  return { ring, later };
}

// dist/src/kernel/messages.js
var nat = (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
var text = (value) => typeof value === "string" && value.length <= 16384;
var bool = (value) => typeof value === "boolean";
var optional = (check) => (value) => value === void 0 || check(value);
var listOf = (check, max) => (value) => Array.isArray(value) && value.length <= max && value.every(check);
var record = (fields) => (value) => typeof value === "object" && value !== null && Object.entries(fields).every(([name, check]) => check(value[name]));
var uses = (value) => typeof value === "object" && value !== null && Object.values(value).every((methods) => methods === true || listOf(text, 1024)(methods));
var error = record({ name: text, message: text, code: optional(text), stack: optional((value) => typeof value === "string") });
var purpose = (value) => value === "ring" || value === "oneOff";
var method = record({ name: text, kind: (value) => value === "call" || value === "stream", idempotent: bool, timeoutMs: nat });
var declaration = record({
  name: text,
  slots: listOf(nat, 1024),
  uses,
  env: listOf(text, 1024),
  secrets: listOf(text, 1024),
  memoryMb: nat
});
var fieldsOf = {
  hello: { speaks: optional(record({ min: nat, max: nat, features: nat })) },
  manifest: { uses },
  ready: { methods: listOf(method, 4096), concurrency: nat, queueMax: nat, address: optional(text) },
  failed: { stage: (value) => value === "import" || value === "init", error },
  dying: { error },
  need: { seq: nat, bytes: nat },
  giveBack: { bytes: nat },
  connect: { seq: nat, server: text },
  open: { ref: nat, slot: nat, hash: optional(nat) },
  accept: { channel: nat, token: optional(text) },
  offer: { ref: optional(nat), channel: optional(nat), region: nat, purpose, start: nat, bytes: nat },
  retire: { ref: optional(nat), channel: optional(nat), region: nat, bytes: nat },
  settled: { ref: nat, from: nat, startedCalls: nat, suspects: nat },
  close: { ref: nat },
  broken: { ref: optional(nat), channel: optional(nat), error },
  stop: {},
  boot: { systemUrl: text, memoryMb: nat },
  declare: { servers: listOf(declaration, 1024) },
  spawn: { slot: nat },
  init: { slot: nat },
  kill: { slot: nat, reason: text, ordered: bool },
  stopInstance: { slot: nat, drainMs: nat },
  zombie: { slot: nat, error },
  up: {},
  bootFailed: { error },
  stopped: {}
};
function checkMessage(message) {
  const { t } = message;
  const fields = typeof t === "string" && Object.hasOwn(fieldsOf, t) ? fieldsOf[t] : void 0;
  if (fields === void 0)
    throw new Error(`unknown message ${JSON.stringify(t)}`);
  for (const [name, check] of Object.entries(fields)) {
    const value = message[name];
    if (!check(value))
      throw new Error(`message "${String(t)}": field "${name}" is ${JSON.stringify(value)?.slice(0, 100)}`);
  }
  return message;
}
function plainError(code, message) {
  return { name: "SkerryError", code, message };
}

// dist/src/kernel/introductions.js
var CHANNELS_MAX = 4096;
var REGIONS_MAX = 2048;
var Introductions = class {
  #addon;
  #closer;
  #expel;
  #lastId = 0;
  constructor(addon2, closer, expel) {
    this.#addon = addon2;
    this.#closer = closer;
    this.#expel = expel;
  }
  open(client, slot, ref, allowed, hash, descriptors, owned) {
    if (client.channels.has(ref))
      throw new Error(`channel ${ref} exists already`);
    if (client.channels.size >= CHANNELS_MAX)
      throw new Error(`more than ${CHANNELS_MAX} channels`);
    if (allowed === void 0)
      throw new Error(`no right to ${slot.server.name}`);
    const [base] = descriptors;
    if (this.#addon !== void 0) {
      if (base === void 0)
        throw new Error("open needs the client region");
      this.#checkRegion(base);
      owned.delete(base);
    }
    this.#lastId += 1;
    const channel = {
      id: this.#lastId,
      ref,
      client,
      slot,
      allowed,
      base,
      regions: /* @__PURE__ */ new Map(),
      state: "waiting",
      from: 0,
      startedCalls: 0,
      suspects: void 0,
      hash
    };
    client.channels.set(ref, channel);
    slot.channels.add(channel);
    if (slot.ready !== void 0)
      this.#introduce(channel);
    else if (slot.down !== void 0)
      this.#send(client, { t: "down", ref, error: slot.down });
  }
  /** An instance is ready: everybody who waits is introduced. */
  instanceReady(slot) {
    const { process: process2 } = slot;
    if (process2 === void 0)
      return;
    slot.holding = [...slot.channels].some((channel) => channel.state === "unsettled" || channel.suspects !== void 0);
    if (slot.holding)
      this.#send(process2, { t: "hold" });
    for (const channel of slot.channels)
      if (channel.state === "waiting")
        this.#introduce(channel);
    this.#releaseIfSettled(slot);
  }
  accept(server, id, token, descriptors) {
    const channel = server.serves.get(id);
    if (channel === void 0)
      return;
    const { ready, process: process2 } = channel.slot;
    if (channel.state !== "introduced" || ready === void 0 || process2 !== server)
      throw new Error(`channel ${id} is not to be accepted`);
    const [region] = descriptors;
    const given = [];
    if (this.#addon !== void 0) {
      if (region === void 0 || server.bell === void 0 || server.status === void 0)
        throw new Error("accept needs the server region");
      this.#checkRegion(region);
      given.push(region, server.bell, server.status.descriptor);
    }
    const agreed = agree(channel.client.speaks, server.speaks);
    if (agreed === void 0)
      throw new Error("no version in common");
    channel.state = "open";
    this.#dropSuspects(channel);
    channel.hash = ready.hash;
    const { methods, concurrency, queueMax, address } = ready;
    const { ref, client } = channel;
    this.#send(client, { t: "opened", ref, agreed, endpoint: server.endpoint, methods, concurrency, queueMax, address, token }, given);
  }
  /** A region that one end has announced in its ring: kept, if it is the client's, and introduced to the other. */
  offer(from, message, descriptors, owned) {
    const channel = this.#find(from, message);
    const [descriptor] = descriptors;
    if (channel === void 0 || descriptor === void 0)
      return;
    this.#checkRegion(descriptor, message.bytes);
    const { purpose: purpose2, start, region, bytes } = message;
    if (channel.client !== from) {
      return this.#send(channel.client, { t: "region", ref: channel.ref, purpose: purpose2, start }, [descriptor]);
    }
    owned.delete(descriptor);
    if (channel.regions.size >= REGIONS_MAX)
      throw new Error(`more than ${REGIONS_MAX} regions announced and not retired`);
    const kept = { id: region, purpose: purpose2, start, bytes, descriptor };
    channel.regions.set(region, kept);
    if (channel.state === "introduced" || channel.state === "open")
      this.#introduceRegion(channel, kept);
  }
  retire(from, message) {
    const channel = this.#find(from, message);
    if (channel === void 0)
      return;
    const { region } = message;
    if (channel.client !== from)
      return this.#send(channel.client, { t: "retired", ref: channel.ref, region });
    const kept = channel.regions.get(region);
    if (kept === void 0)
      return;
    const { process: process2 } = channel.slot;
    if (process2?.serves.has(channel.id))
      this.#send(process2, { t: "retired", channel: channel.id, region });
    channel.regions.delete(message.region);
    this.#closer.close(kept.descriptor);
  }
  settled(client, message, descriptors, owned) {
    const channel = client.channels.get(message.ref);
    if (channel === void 0)
      return;
    if (channel.state !== "unsettled")
      throw new Error(`channel ${message.ref} has nothing to settle`);
    channel.state = "waiting";
    channel.from = message.from;
    channel.startedCalls = message.startedCalls;
    const [descriptor] = descriptors;
    if (descriptor !== void 0) {
      this.#checkRegion(descriptor);
      owned.delete(descriptor);
    }
    channel.suspects = message.suspects > 0 ? { count: message.suspects, descriptor } : void 0;
    const { slot } = channel;
    if (slot.ready !== void 0)
      this.#introduce(channel);
    else if (slot.down !== void 0)
      this.#send(client, { t: "down", ref: channel.ref, error: slot.down });
    this.#releaseIfSettled(slot);
  }
  close(client, ref) {
    const channel = client.channels.get(ref);
    if (channel !== void 0)
      this.#remove(channel, plainError("SKERRY_ABORTED", "the client closed the channel"), false);
  }
  /** One end found the other out: both are told, the channel is over. */
  broken(from, message) {
    const channel = this.#find(from, message);
    if (channel === void 0)
      return;
    this.#remove(channel, message.error, from !== channel.client);
  }
  serverDied(slot, proc, death) {
    for (const channel of proc.serves.values()) {
      const wasOpen = channel.state === "open";
      if (!wasOpen) {
        channel.state = "waiting";
        continue;
      }
      channel.state = "unsettled";
      this.#send(channel.client, { t: "died", ref: channel.ref, ...death });
    }
    proc.serves.clear();
    slot.holding = false;
  }
  clientDied(proc) {
    const error2 = plainError("SKERRY_ABORTED", `the client ${proc.name} (${formatEndpoint(proc.endpoint)}) is gone`);
    for (const channel of [...proc.channels.values()])
      this.#remove(channel, error2, false, true);
  }
  /** No instance comes until an operator acts. */
  down(slot, error2) {
    slot.down = error2;
    for (const { client, ref } of slot.channels)
      this.#send(client, { t: "down", ref, error: error2 });
  }
  /** An instance is on its way again: calls wait for it. */
  revived(slot) {
    if (slot.down === void 0)
      return;
    slot.down = void 0;
    for (const { client, ref } of slot.channels)
      this.#send(client, { t: "revived", ref });
  }
  #introduce(channel) {
    const { slot, client, suspects } = channel;
    const server = slot.process;
    if (server === void 0 || slot.ready === void 0)
      return;
    if (channel.hash !== void 0 && channel.hash !== slot.ready.hash) {
      const message = `${slot.server.name}.${slot.replica} came back with another interface; calls that waited for the old one cannot go to it`;
      return this.#remove(channel, plainError("SKERRY_VERSION", message), true);
    }
    const agreed = agree(client.speaks, server.speaks);
    if (agreed === void 0) {
      const [a, b] = [client.speaks, server.speaks].map(({ min, max }) => `${min} to ${max}`);
      const message = `${client.name} speaks versions ${a} of the protocol, ${slot.server.name}.${slot.replica} ${b}: none in common`;
      return this.#remove(channel, plainError("SKERRY_VERSION", message), true);
    }
    const { ring, later } = regionsFrom(channel);
    const given = [];
    if (this.#addon !== void 0) {
      if (channel.base === void 0 || client.bell === void 0)
        return this.#expel(client, "it has sent no hello");
      given.push(channel.base, client.bell);
      if (suspects?.descriptor !== void 0)
        given.push(suspects.descriptor);
      if (ring !== void 0)
        given.push(ring.descriptor);
    }
    channel.state = "introduced";
    server.serves.set(channel.id, channel);
    const name = client.role === "client" ? "the caller" : client.name;
    this.#send(server, {
      t: "introduce",
      channel: channel.id,
      agreed,
      client: name,
      principal: client.principal,
      allowed: channel.allowed,
      from: channel.from,
      startedCalls: channel.startedCalls,
      suspects: suspects?.count ?? 0,
      ring: ring?.start
    }, given);
    for (const region of later)
      this.#introduceRegion(channel, region);
  }
  #introduceRegion(channel, region) {
    const server = channel.slot.process;
    if (server === void 0)
      return;
    this.#send(server, { t: "region", channel: channel.id, purpose: region.purpose, start: region.start }, [region.descriptor]);
  }
  #dropSuspects(channel) {
    if (channel.suspects?.descriptor !== void 0)
      this.#closer.close(channel.suspects.descriptor);
    channel.suspects = void 0;
  }
  #releaseIfSettled(slot) {
    if (!slot.holding || slot.process === void 0 || slot.ready === void 0)
      return;
    for (const channel of slot.channels)
      if (channel.state === "unsettled")
        return;
    slot.holding = false;
    this.#send(slot.process, { t: "release" });
  }
  #remove(channel, error2, tellClient, clientDied = false) {
    const { client, slot, id, ref, base } = channel;
    this.#dropSuspects(channel);
    client.channels.delete(ref);
    slot.channels.delete(channel);
    const addon2 = this.#addon;
    if (addon2 !== void 0) {
      if (base !== void 0)
        this.#closer.close(base);
      for (const { descriptor } of channel.regions.values())
        this.#closer.close(descriptor);
    }
    const server = slot.process;
    if (server?.serves.delete(id) === true)
      this.#send(server, { t: "closed", channel: id, error: error2, clientDied });
    if (tellClient)
      this.#send(client, { t: "closed", ref, error: error2 });
    this.#releaseIfSettled(slot);
  }
  #find(from, message) {
    if (message.ref !== void 0)
      return from.channels.get(message.ref);
    return message.channel === void 0 ? void 0 : from.serves.get(message.channel);
  }
  #checkRegion(descriptor, bytes) {
    const found = this.#addon?.inspectRegion(descriptor);
    if (found === void 0)
      return;
    if (!found.sealed)
      throw new Error("it offered a region that is not sealed");
    if (bytes !== void 0 && found.sizeBytes !== bytes)
      throw new Error(`it offered a region of ${found.sizeBytes} bytes as one of ${bytes}`);
  }
  #send(to, message, descriptors = []) {
    if (!to.dead)
      to.port.send(message, descriptors);
  }
};

// dist/src/kernel/slots.js
function makeSlot(number, replica, server) {
  return {
    number,
    replica,
    server,
    channels: /* @__PURE__ */ new Set(),
    generation: 0,
    process: void 0,
    ready: void 0,
    methods: void 0,
    declaredUses: void 0,
    down: void 0,
    holding: false
  };
}
function readyOf(methods, concurrency, queueMax, address) {
  return { methods, hash: interfaceHash(methods), concurrency, queueMax, address };
}

// dist/src/kernel/kernel.js
var PROCESS_SERVER_SLOT = 0;
var CALLER_SLOT = 1;
var FIRST_SERVER_SLOT = 2;
var MEMORY_WATCH_MS = 1e3;
var STOP_MAX_MS = 12e4;
var OLDEST = { min: 1, max: 1, features: 0 };
var Kernel = class {
  #options;
  #slots = /* @__PURE__ */ new Map();
  #introductions;
  #closer;
  #caller;
  #systemUrl;
  #booted;
  #stopping = false;
  #memoryWatch;
  constructor(options) {
    this.#options = options;
    this.#closer = new Closer(options.addon, (descriptor) => this.#ports().some((port) => port.holds(descriptor)));
    this.#introductions = new Introductions(options.addon, this.#closer, (proc, why) => this.#expel(proc, why));
    this.#systemUrl = new Promise((resolve) => {
      this.#booted = resolve;
    });
    const declaration2 = { name: "process", slots: [PROCESS_SERVER_SLOT], uses: {}, env: [], secrets: [], memoryMb: 0 };
    this.#slots.set(PROCESS_SERVER_SLOT, makeSlot(PROCESS_SERVER_SLOT, 0, declaration2));
    this.#spawn(this.#slot(PROCESS_SERVER_SLOT));
  }
  /** The process that booted the system: an operator. */
  attachCaller(makePort, pid) {
    const endpoint = { node: 0, slot: CALLER_SLOT, generation: 1 };
    const port = makePort({
      onMessage: (message, descriptors) => this.#receive(caller, message, descriptors),
      onClose: () => this.#options.exit(0)
      // nobody is left to serve; the children follow (parent-death signal)
    });
    const caller = newProcess("client", "caller", endpoint, "operator", pid, port, () => {
    });
    this.#caller = caller;
    this.#born(caller, "client", 0, "", {}, 1);
  }
  /** SIGTERM: the same as the caller's stop. */
  stop() {
    this.#stopping = true;
    const processServer = this.#slot(PROCESS_SERVER_SLOT).process;
    if (processServer === void 0)
      return this.#options.exit(1);
    this.#send(processServer, { t: "stop", drainMs: 0 });
    setTimeout(() => this.#end(1), STOP_MAX_MS);
  }
  #slot(number) {
    const slot = this.#slots.get(number);
    if (slot === void 0)
      throw new Error(`no slot ${number}`);
    return slot;
  }
  #send(to, message, descriptors = []) {
    if (!to.dead)
      to.port.send(message, descriptors);
  }
  #tellProcessServer(slot, event) {
    const { process: process2 } = this.#slot(PROCESS_SERVER_SLOT);
    if (process2 !== void 0)
      this.#send(process2, { t: "instance", slot, event });
  }
  #ports() {
    const instances = [...this.#slots.values()].map(({ process: process2 }) => process2);
    return [this.#caller, ...instances].flatMap((proc) => proc === void 0 ? [] : [proc.port]);
  }
  // --- births and deaths
  async #spawn(slot) {
    slot.generation += 1;
    const { server, replica, number } = slot;
    const { addon: addon2, baseEnv } = this.#options;
    const endpoint = { node: 0, slot: number, generation: slot.generation };
    const role = number === PROCESS_SERVER_SLOT ? "process" : "server";
    const title = role === "process" ? "process" : `${server.name}.${replica}`;
    const spawned = this.#trySpawn(slot, () => spawnChild({ addon: addon2, role, env: { ...baseEnv, ...this.#pick(server.env) }, memoryMb: server.memoryMb, title }, {
      onMessage: (message, descriptors) => this.#receive(record2, message, descriptors),
      onClose: (why) => {
        if (why !== HUNG_UP)
          this.#expel(record2, why);
        else if (!record2.dead)
          record2.kill();
      }
    }, (exit) => this.#onDeath(slot, record2, exit)));
    if (spawned === void 0)
      return;
    const child = spawned;
    const record2 = newProcess(role, server.name, endpoint, `server:${server.name}`, child.pid, child.port, child.kill);
    slot.process = record2;
    this.#watchMemory();
    this.#tellProcessServer(number, { what: "born", pid: child.pid, generation: slot.generation });
    const systemUrl = await this.#systemUrl;
    const replicas = this.#slotsOf(server.name).length;
    this.#born(record2, role, replica, systemUrl, this.#pick(server.secrets), replicas);
  }
  /** A process that cannot be started is one that died at once, for that reason. */
  #trySpawn(slot, start) {
    try {
      return start();
    } catch (error2) {
      const { message } = error2;
      if (slot.number === PROCESS_SERVER_SLOT)
        this.#fail(plainError("SKERRY_INIT", message));
      else
        this.#tellProcessServer(slot.number, { what: "died", reason: message, ordered: false });
      return void 0;
    }
  }
  #born(to, role, replica, systemUrl, secrets, replicas) {
    this.#send(to, { t: "born", config: { role, name: to.name, replica, endpoint: to.endpoint, systemUrl, secrets, replicas } });
  }
  #pick(names) {
    const picked = {};
    for (const name of names) {
      const value = this.#options.env[name];
      if (value !== void 0)
        picked[name] = value;
    }
    return picked;
  }
  #onDeath(slot, proc, exit) {
    proc.dead = true;
    const { killedFor, lastRssAnon, status, lastWords } = proc;
    const reason = deathReason({
      exit,
      killedFor,
      lastWords,
      memoryMb: slot.server.memoryMb,
      lastRssAnon,
      status: status?.region
    });
    if (slot.process === proc) {
      slot.process = void 0;
      slot.ready = void 0;
    }
    this.#introductions.serverDied(slot, proc, { reason, ordered: proc.ordered, error: lastWords });
    this.#introductions.clientDied(proc);
    this.#forget(proc);
    if (slot.number === PROCESS_SERVER_SLOT) {
      this.#fail(plainError("SKERRY_INIT", `the process server died: ${reason}${lastWords === void 0 ? "" : `: ${lastWords.message}`}`));
    } else {
      this.#tellProcessServer(slot.number, { what: "died", reason, ordered: proc.ordered, error: lastWords });
    }
  }
  #forget(proc) {
    const { addon: addon2, budget } = this.#options;
    budget.give(proc.grantedBytes);
    proc.grantedBytes = 0;
    if (addon2 === void 0)
      return;
    if (proc.bell !== void 0)
      this.#closer.close(proc.bell);
    if (proc.status !== void 0) {
      this.#closer.close(proc.status.descriptor);
      proc.status.region?.release();
    }
    proc.bell = void 0;
    proc.status = void 0;
  }
  /** A process that breaks the protocol is ended. */
  #expel(proc, why) {
    if (proc.dead || proc.role === "client")
      return;
    proc.killedFor ??= `broke the control protocol: ${why}`;
    proc.kill();
  }
  #watchMemory() {
    const limited = [...this.#slots.values()].some((slot) => slot.server.memoryMb > 0);
    if (!limited || this.#memoryWatch !== void 0)
      return;
    this.#memoryWatch = setInterval(() => {
      for (const { process: process2, server } of this.#slots.values()) {
        if (process2 === void 0 || server.memoryMb === 0)
          continue;
        process2.lastRssAnon = this.#options.rssAnon(process2.pid);
        if (process2.lastRssAnon <= server.memoryMb * 1024 * 1024)
          continue;
        process2.killedFor = "memory limit";
        process2.kill();
      }
    }, MEMORY_WATCH_MS);
  }
  #fail(error2) {
    if (this.#caller !== void 0)
      this.#send(this.#caller, { t: "bootFailed", error: error2 });
    this.#end(1);
  }
  #end(code) {
    for (const { process: process2 } of this.#slots.values())
      process2?.kill();
    this.#caller?.port.close();
    setTimeout(() => this.#options.exit(code), 20);
  }
  // --- messages
  #receive(from, raw, descriptors) {
    const owned = new Set(descriptors);
    try {
      this.#handle(from, checkMessage(raw), descriptors, owned);
    } catch (error2) {
      this.#expel(from, error2.message);
    } finally {
      for (const descriptor of owned)
        this.#closer.close(descriptor);
    }
  }
  /** @param owned descriptors that are closed afterwards, unless taken out. */
  #handle(from, message, descriptors, owned) {
    switch (message.t) {
      case "hello":
        from.speaks = message.speaks ?? OLDEST;
        return this.#hello(from, descriptors, owned);
      case "need":
        return this.#need(from, message.seq, message.bytes);
      case "giveBack":
        return this.#giveBack(from, message.bytes);
      case "connect":
        return this.#connect(from, message.seq, message.server);
      case "open":
        return this.#introductions.open(from, this.#slot(message.slot), message.ref, this.#rightsOf(from, this.#slot(message.slot).server.name), message.hash, descriptors, owned);
      case "accept":
        return this.#introductions.accept(from, message.channel, message.token, descriptors);
      case "offer":
        return this.#introductions.offer(from, message, descriptors, owned);
      case "retire":
        this.#introductions.retire(from, message);
        return this.#giveBack(from, message.bytes);
      case "settled":
        return this.#introductions.settled(from, message, descriptors, owned);
      case "close":
        return this.#introductions.close(from, message.ref);
      case "broken":
        return this.#introductions.broken(from, message);
      case "manifest":
        return this.#manifest(from, message.uses);
      case "ready":
        return this.#ready(from, message);
      case "failed":
        from.lastWords = message.error;
        return this.#tellProcessServer(from.endpoint.slot, { what: "failed", stage: message.stage, error: message.error });
      case "dying":
        from.lastWords = message.error;
        return;
      case "boot":
        if (from !== this.#caller)
          throw new Error("only the caller boots");
        return this.#booted(message.systemUrl);
      case "stop":
        if (from !== this.#caller)
          throw new Error("only the caller stops the system");
        return this.stop();
      default:
        if (from.role !== "process")
          throw new Error(`"${message.t}" is for the process server alone`);
        return this.#supervise(message);
    }
  }
  #hello(from, descriptors, owned) {
    const { addon: addon2 } = this.#options;
    if (addon2 === void 0)
      return;
    const [status, bell] = descriptors;
    if (status === void 0 || bell === void 0 || from.bell !== void 0)
      throw new Error("hello needs a status region and a doorbell, once");
    if (!addon2.inspectRegion(status).sealed)
      throw new Error("the status region is not sealed");
    owned.delete(status);
    owned.delete(bell);
    from.bell = bell;
    from.status = { descriptor: status, region: mapRegion(addon2, status, RegionKind.status, `${from.name} status`, true) };
  }
  #need(from, seq, bytes) {
    const { budget } = this.#options;
    if (budget.take(bytes)) {
      from.grantedBytes += bytes;
      return this.#send(from, { t: "granted", seq });
    }
    const data = { askedBytes: bytes, usedBytes: budget.used, limitBytes: budget.limit };
    const message = `${from.name} asked for a region of ${bytes} bytes; the system's regions take ${budget.used} of ${budget.limit} bytes`;
    this.#send(from, { t: "refused", seq, error: plainError("SKERRY_MEMORY", message), data });
  }
  #giveBack(from, bytes) {
    const given = Math.min(bytes, from.grantedBytes);
    from.grantedBytes -= given;
    this.#options.budget.give(given);
  }
  /** Deny by default: what a client may call of a server; undefined: nothing. */
  #rightsOf(from, server) {
    if (from.role === "client")
      return true;
    return from.uses.get(server);
  }
  #connect(from, seq, name) {
    const slots = this.#slotsOf(name);
    const names = [...new Set([...this.#slots.values()].map((slot) => slot.server.name))].filter((known) => known !== "process");
    if (slots.length === 0) {
      const error2 = plainError("SKERRY_NOT_FOUND", `there is no server "${name}" in this system; it has: ${names.join(", ")}`);
      return this.#send(from, { t: "noServer", seq, error: error2 });
    }
    if (this.#rightsOf(from, name) === void 0) {
      const used = [...from.uses.keys()].join(", ") || "none";
      const error2 = plainError("SKERRY_DENIED", `server "${from.name}" does not declare that it uses "${name}"; it declares: ${used}`);
      return this.#send(from, { t: "noServer", seq, error: error2 });
    }
    const methods = slots.find((slot) => slot.methods !== void 0)?.methods;
    this.#send(from, { t: "slots", seq, slots: slots.map(({ number, replica }) => ({ slot: number, replica })), methods });
  }
  #slotsOf(name) {
    return [...this.#slots.values()].filter((slot) => slot.server.name === name);
  }
  /** Rights are pinned when a slot's module is loaded first, before it has read any input; a later instance may not widen them. */
  #manifest(from, uses2) {
    const slot = this.#slot(from.endpoint.slot);
    if (slot.process !== from)
      return;
    slot.declaredUses ??= new Map(Object.entries(uses2));
    const rights = new Map(Object.entries(slot.server.uses));
    for (const [name, methods] of slot.declaredUses)
      if (!rights.has(name))
        rights.set(name, methods);
    from.uses = rights;
    this.#tellProcessServer(slot.number, { what: "manifest", uses: [...rights.keys()] });
  }
  #ready(from, message) {
    const slot = this.#slot(from.endpoint.slot);
    if (slot.process !== from)
      return;
    slot.ready = readyOf(message.methods, message.concurrency, message.queueMax, message.address);
    slot.methods = message.methods;
    slot.down = void 0;
    this.#introductions.instanceReady(slot);
    if (from.role !== "process")
      this.#tellProcessServer(slot.number, { what: "ready" });
  }
  #supervise(message) {
    switch (message.t) {
      case "declare":
        return this.#declare(message.servers);
      case "spawn": {
        const slot = this.#slot(message.slot);
        if (slot.process !== void 0 || this.#stopping)
          return;
        this.#introductions.revived(slot);
        this.#spawn(slot);
        return;
      }
      case "init": {
        const { process: process2 } = this.#slot(message.slot);
        if (process2 !== void 0)
          this.#send(process2, { t: "init" });
        return;
      }
      case "kill": {
        const { process: process2 } = this.#slot(message.slot);
        if (process2 === void 0)
          return;
        process2.killedFor ??= message.reason;
        process2.ordered = message.ordered;
        return process2.kill();
      }
      case "stopInstance": {
        const { process: process2 } = this.#slot(message.slot);
        if (process2 === void 0)
          return;
        process2.ordered = true;
        return this.#send(process2, { t: "stop", drainMs: message.drainMs });
      }
      case "zombie":
        return this.#introductions.down(this.#slot(message.slot), message.error);
      case "up":
        if (this.#caller !== void 0)
          this.#send(this.#caller, { t: "up", processes: this.#processes() });
        return;
      case "bootFailed":
        return this.#fail(message.error);
      case "stopped":
        if (this.#caller !== void 0)
          this.#send(this.#caller, { t: "stopped" });
        return this.#end(0);
      default:
        return;
    }
  }
  #declare(servers) {
    for (const server of servers) {
      server.slots.forEach((number, replica) => {
        if (number < FIRST_SERVER_SLOT || this.#slots.has(number))
          throw new Error(`slot ${number} is taken`);
        this.#slots.set(number, makeSlot(number, replica, server));
      });
    }
    const { process: process2 } = this.#slot(PROCESS_SERVER_SLOT);
    if (process2 !== void 0)
      this.#send(process2, { t: "declared" });
  }
  #processes() {
    const list = [{ name: "kernel", replica: 0, pid: process.pid, endpoint: "" }];
    for (const { server, replica, process: instance } of this.#slots.values()) {
      if (instance !== void 0)
        list.push({ name: server.name, replica, pid: instance.pid, endpoint: formatEndpoint(instance.endpoint) });
    }
    return list;
  }
};
function newProcess(role, name, endpoint, principal, pid, port, kill) {
  return {
    role,
    name,
    endpoint,
    principal,
    pid,
    port,
    kill,
    channels: /* @__PURE__ */ new Map(),
    serves: /* @__PURE__ */ new Map(),
    uses: /* @__PURE__ */ new Map(),
    status: void 0,
    bell: void 0,
    speaks: OLDEST,
    grantedBytes: 0,
    killedFor: void 0,
    ordered: false,
    lastWords: void 0,
    lastRssAnon: 0,
    dead: false
  };
}

// dist/src/kernel/main.js
var CONTROL_FD = 3;
var callerPid = Number(process.argv[2]);
var budgetMb = Number(process.env.SKERRY_BUDGET_MB ?? 0);
process.title = "skerry kernel";
var { addon } = loadNative();
if (addon !== void 0) {
  if (!addon.guardParent(callerPid))
    process.exit(1);
  if (process.env.SKERRY_DEBUG !== "1")
    addon.setDumpable(false);
}
var kernel = new Kernel({
  addon,
  budget: new MemoryBudget(budgetMb > 0 ? budgetMb * 1024 * 1024 : defaultBudget()),
  env: process.env,
  baseEnv: baseEnvironment(),
  rssAnon,
  exit: (code) => process.exit(code)
});
kernel.attachCaller((events) => addon === void 0 ? new StreamPort(new Socket({ fd: CONTROL_FD, readable: true, writable: true }), events) : new SeqpacketPort(addon, addon.adopt(CONTROL_FD), events), callerPid);
process.on("SIGINT", () => {
});
process.on("SIGHUP", () => {
});
process.on("SIGTERM", () => kernel.stop());
function baseEnvironment() {
  const env = {};
  for (const name of ["SKERRY_TRANSPORT", "SKERRY_DEBUG", "NODE_V8_COVERAGE", "TZ", "LANG"]) {
    const value = process.env[name];
    if (value !== void 0)
      env[name] = value;
  }
  return env;
}
function rssAnon(pid) {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync2(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
