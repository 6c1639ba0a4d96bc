import {
  Dispatcher,
  loadSystem,
  runInstance
} from "../../chunks/chunk-USIAT3SI.js";
import {
  errorInfo
} from "../../chunks/chunk-OKWYLHD4.js";
import "../../chunks/chunk-GDBSISFH.js";
import "../../chunks/chunk-F4WPHEZJ.js";
import "../../chunks/chunk-EG23MQX7.js";
import "../../chunks/chunk-5TYE33F3.js";
import {
  methodTable
} from "../../chunks/chunk-QJ3SJPQR.js";
import "../../chunks/chunk-JSCQ27LA.js";
import "../../chunks/chunk-FKNDIMCY.js";
import "../../chunks/chunk-D3FEJ7Z2.js";
import {
  SkerryError
} from "../../chunks/chunk-ER36CW7I.js";
import "../../chunks/chunk-WSFCRVEQ.js";

// dist/src/servers/process/process-server.js
import { availableParallelism } from "node:os";

// dist/src/servers/process/backoff.js
var DEFAULT_BACKOFF = { stableMs: 500, unstableMax: 5 };
var STEPS_MS = [0, 50, 200, 1e3, 2e3, 4e3, 8e3, 16e3, 3e4];
function nextRestart(policy, unstableBefore, readyForMs) {
  if (readyForMs !== void 0 && readyForMs >= policy.stableMs)
    return { unstable: 0, afterMs: 0 };
  const unstable = unstableBefore + 1;
  if (unstable >= policy.unstableMax)
    return { unstable, afterMs: void 0 };
  return { unstable, afterMs: STEPS_MS[Math.min(unstable - 1, STEPS_MS.length - 1)] };
}

// dist/src/servers/process/start-order.js
function mayInit(uses, ready, begun) {
  const waiting = [...uses.keys()].filter((name) => !begun.has(name));
  const free = waiting.filter((name) => uses.get(name)?.every((used) => ready.has(used) || used === name || !uses.has(used)) === true);
  if (free.length > 0)
    return free;
  const movesElsewhere = [...begun].some((name) => !ready.has(name)) || waiting.some((name) => uses.get(name) === void 0);
  if (movesElsewhere)
    return [];
  return waiting.filter((name) => inCycle(name, uses, ready));
}
function stopOrder(uses) {
  const left = new Set(uses.keys());
  const layers = [];
  while (left.size > 0) {
    const unused = [...left].filter((name) => ![...left].some((other) => other !== name && uses.get(other)?.includes(name) === true));
    const layer = unused.length > 0 ? unused : [...left];
    for (const name of layer)
      left.delete(name);
    layers.push(layer);
  }
  return layers;
}
function inCycle(name, uses, ready) {
  const seen = /* @__PURE__ */ new Set();
  const visit = (at) => {
    for (const used of uses.get(at) ?? []) {
      if (used === name)
        return true;
      if (ready.has(used) || seen.has(used))
        continue;
      seen.add(used);
      if (visit(used))
        return true;
    }
    return false;
  };
  return visit(name);
}

// dist/src/servers/process/process-server.js
var INIT_TIMEOUT_MS = 3e4;
var DRAIN_MS = 5e3;
var FIRST_SLOT = 2;
var ProcessServer = class {
  #link;
  #config;
  #bySlot = /* @__PURE__ */ new Map();
  #booting = true;
  #stopping = false;
  constructor(link, config) {
    this.#link = link;
    this.#config = config;
  }
  async run() {
    try {
      const system = await loadSystem(this.#config.systemUrl);
      const declarations = this.#plan(system.servers);
      this.#serve();
      this.#link.send({ t: "declare", servers: declarations });
      if (this.#bySlot.size === 0)
        this.#up();
    } catch (error) {
      this.#link.send({ t: "bootFailed", error: asInit(errorInfo(error), "the system module could not be loaded") });
    }
  }
  init() {
  }
  onDeclared() {
    for (const supervised of this.#bySlot.values())
      this.#spawn(supervised);
  }
  onInstance(slot, event) {
    const supervised = this.#bySlot.get(slot);
    if (supervised === void 0)
      return;
    switch (event.what) {
      case "born":
        supervised.pid = event.pid;
        supervised.generation = event.generation;
        return;
      case "manifest":
        supervised.uses = event.uses;
        supervised.lastUses = event.uses;
        clearTimeout(supervised.timer);
        return this.#initWhatMay();
      case "ready":
        return this.#onReady(supervised);
      case "failed":
        supervised.lastReason = `${event.stage} failed: ${event.error.message}`;
        if (this.#booting)
          this.#bootFailed(asInit(event.error, `server "${title(supervised)}" failed at ${event.stage}`));
        return;
      case "died":
        return this.#onDeath(supervised, event);
    }
  }
  /** Stops all, users before those they use. */
  async stop() {
    if (this.#stopping)
      return;
    this.#stopping = true;
    const uses = new Map([...this.#byName()].map(([name, all]) => [name, all.find(({ lastUses }) => lastUses !== void 0)?.lastUses]));
    for (const layer of stopOrder(uses)) {
      const instances = [...this.#bySlot.values()].filter((supervised) => layer.includes(supervised.name));
      await Promise.all(instances.map((supervised) => this.#stopOne(supervised)));
    }
    this.#link.send({ t: "stopped" });
  }
  #plan(servers) {
    let slot = FIRST_SLOT;
    return Object.entries(servers).map(([name, entry]) => {
      const replicas = entry.replicas === "cores" ? availableParallelism() : entry.replicas ?? 1;
      const slots = [];
      for (let replica = 0; replica < replicas; replica++) {
        slots.push(slot);
        this.#bySlot.set(slot, supervise(name, replica, slot, entry));
        slot += 1;
      }
      const uses = Object.fromEntries((entry.uses ?? []).map((used) => [used, true]));
      return { name, slots, uses, env: entry.env ?? [], secrets: entry.secrets ?? [], memoryMb: entry.limits?.memoryMb ?? 0 };
    });
  }
  #serve() {
    const api = {
      list: () => this.#list(),
      kill: (name, options) => this.#kill(name, options?.restart ?? true),
      boot: (name) => this.#bootAgain(name)
    };
    const { infos, handlers } = methodTable(api);
    this.#link.connections.use(new Dispatcher({ server: "process", handlers, concurrency: 64, status: this.#link.carrier.status }));
    this.#link.carrier.address().then((address) => {
      this.#link.send({
        t: "ready",
        methods: infos,
        concurrency: 64,
        queueMax: 1024,
        ...address === void 0 ? {} : { address }
      });
    });
  }
  #list() {
    const kernel = { name: "kernel", replica: 0, pid: process.ppid, state: "running", restarts: 0 };
    const own = { name: "process", replica: 0, pid: process.pid, state: "running", restarts: 0 };
    const servers = [...this.#bySlot.values()].map(({ name, replica, pid, state, restarts, lastReason }) => ({
      name,
      replica,
      pid,
      state,
      restarts,
      ...lastReason === void 0 ? {} : { lastReason }
    }));
    return [kernel, own, ...servers];
  }
  /** @param name `geo` for all replicas, `geo.1` for one. */
  async #kill(name, restart) {
    await Promise.all(this.#named(name).map((supervised) => {
      if (!supervised.spawned) {
        clearTimeout(supervised.timer);
        if (restart)
          this.#spawn(supervised);
        else if (supervised.state !== "zombie")
          this.#zombie(supervised, "stopped by an operator");
        return void 0;
      }
      supervised.wish = restart ? "restart" : "stay down";
      return new Promise((resolve) => {
        supervised.onDeath.push(resolve);
        this.#link.send({ t: "kill", slot: supervised.slot, reason: "killed by an operator", ordered: true });
      });
    }));
  }
  async #bootAgain(name) {
    const idle = this.#named(name).filter(({ spawned }) => !spawned);
    await Promise.all(idle.map((supervised) => {
      supervised.unstable = 0;
      this.#spawn(supervised);
      return new Promise((resolve) => {
        supervised.onReady.push(resolve);
        supervised.onDeath.push(resolve);
      });
    }));
  }
  #named(name) {
    const found = [...this.#bySlot.values()].filter((supervised) => supervised.name === name || title(supervised) === name);
    if (found.length > 0)
      return found;
    const names = [...this.#byName().keys()].join(", ");
    throw new SkerryError("SKERRY_NOT_FOUND", `there is no server "${name}" in this system; it has: ${names}`);
  }
  #byName() {
    const byName = /* @__PURE__ */ new Map();
    for (const supervised of this.#bySlot.values())
      byName.set(supervised.name, [...byName.get(supervised.name) ?? [], supervised]);
    return byName;
  }
  #spawn(supervised) {
    clearTimeout(supervised.timer);
    supervised.state = supervised.generation === 0 ? "new" : "restart";
    supervised.begun = false;
    supervised.readyAt = void 0;
    supervised.wish = void 0;
    supervised.spawned = true;
    this.#link.send({ t: "spawn", slot: supervised.slot });
    this.#timeInit(supervised);
  }
  /** For its import from the spawn, for its init from when it may begin: not for what it waits for. */
  #timeInit(supervised) {
    clearTimeout(supervised.timer);
    const timeoutMs = supervised.entry.initTimeoutMs ?? INIT_TIMEOUT_MS;
    supervised.timer = setTimeout(() => this.#initTimedOut(supervised, timeoutMs), timeoutMs);
  }
  #initTimedOut(supervised, timeoutMs) {
    const stage = supervised.uses === void 0 ? "import" : "init";
    const message = `server "${title(supervised)}" was not ready within ${timeoutMs} ms: its ${stage} has not ended`;
    supervised.lastReason = message;
    if (this.#booting)
      return this.#bootFailed({ name: "SkerryError", code: "SKERRY_INIT", message });
    this.#link.send({ t: "kill", slot: supervised.slot, reason: message, ordered: false });
  }
  /** Those whose needs are met are told to initialise. After boot nobody waits: clients do. */
  #initWhatMay() {
    const byName = this.#byName();
    const uses = new Map([...byName].map(([name, all]) => [name, all.find((one) => one.uses !== void 0)?.uses]));
    const ready = new Set([...byName].filter(([, all]) => all.every((one) => one.state === "running")).map(([name]) => name));
    const begun = new Set([...byName].filter(([, all]) => all.every((one) => one.begun || one.uses === void 0) && all.some((one) => one.begun)).map(([name]) => name));
    const free = this.#booting ? /* @__PURE__ */ new Set([...mayInit(uses, ready, begun), ...begun]) : new Set(byName.keys());
    for (const supervised of this.#bySlot.values()) {
      if (supervised.begun || supervised.uses === void 0 || supervised.state === "zombie" || !free.has(supervised.name))
        continue;
      supervised.begun = true;
      this.#timeInit(supervised);
      this.#link.send({ t: "init", slot: supervised.slot });
    }
  }
  #onReady(supervised) {
    if (this.#stopping)
      return;
    clearTimeout(supervised.timer);
    supervised.state = "running";
    supervised.readyAt = performance.now();
    for (const heard of supervised.onReady.splice(0))
      heard();
    if (!this.#booting)
      return;
    const missing = this.#missingUse(supervised);
    if (missing !== void 0)
      return this.#bootFailed(missing);
    if ([...this.#bySlot.values()].every((one) => one.state === "running"))
      this.#up();
    else
      this.#initWhatMay();
  }
  #missingUse(supervised) {
    const names = this.#byName();
    const unknown = supervised.uses?.find((used) => !names.has(used));
    if (unknown === void 0)
      return void 0;
    const message = `server "${supervised.name}" uses "${unknown}", which this system does not have; it has: ${[...names.keys()].join(", ")}`;
    return { name: "SkerryError", code: "SKERRY_INIT", message };
  }
  #onDeath(supervised, event) {
    clearTimeout(supervised.timer);
    for (const heard of supervised.onDeath.splice(0))
      heard();
    const { readyAt, wish } = supervised;
    supervised.pid = 0;
    supervised.spawned = false;
    supervised.uses = void 0;
    if (event.error === void 0 || supervised.readyAt !== void 0)
      supervised.lastReason = event.reason;
    if (this.#stopping) {
      supervised.state = "zombie";
      return;
    }
    if (this.#booting) {
      const error = event.error ?? { name: "SkerryError", message: `it ended by ${event.reason} before it was ready` };
      return this.#bootFailed(asInit(error, `server "${title(supervised)}" died during boot (${event.reason})`));
    }
    if (wish === "stay down")
      return this.#zombie(supervised, "stopped by an operator");
    supervised.restarts += 1;
    if (wish === "restart")
      return this.#spawn(supervised);
    const readyFor = readyAt === void 0 ? void 0 : performance.now() - readyAt;
    const { unstable, afterMs } = nextRestart(supervised.policy, supervised.unstable, readyFor);
    supervised.unstable = unstable;
    if (afterMs === void 0)
      return this.#zombie(supervised, `${unstable} deaths in a row, the last by ${supervised.lastReason}`);
    supervised.state = "restart";
    if (afterMs === 0)
      return this.#spawn(supervised);
    supervised.timer = setTimeout(() => this.#spawn(supervised), afterMs);
  }
  #zombie(supervised, why) {
    supervised.state = "zombie";
    const message = `server "${title(supervised)}" is down until an operator starts it again: ${why}`;
    this.#link.send({ t: "zombie", slot: supervised.slot, error: { name: "SkerryError", code: "SKERRY_SERVER_DOWN", message } });
  }
  #stopOne(supervised) {
    clearTimeout(supervised.timer);
    if (supervised.pid === 0)
      return Promise.resolve();
    const drainMs = supervised.entry.drainMs ?? DRAIN_MS;
    const { slot } = supervised;
    return new Promise((resolve) => {
      supervised.onDeath.push(resolve);
      this.#link.send({ t: "stopInstance", slot, drainMs });
      supervised.timer = setTimeout(() => {
        this.#link.send({ t: "kill", slot, reason: `did not stop within ${2 * drainMs} ms`, ordered: true });
      }, 2 * drainMs + 200);
    });
  }
  #up() {
    this.#booting = false;
    this.#link.send({ t: "up" });
  }
  #bootFailed(error) {
    if (!this.#booting)
      return;
    this.#booting = false;
    this.#stopping = true;
    this.#link.send({ t: "bootFailed", error });
  }
};
function supervise(name, replica, slot, entry) {
  return {
    name,
    replica,
    slot,
    entry,
    policy: { ...DEFAULT_BACKOFF, ...entry.restart },
    state: "new",
    pid: 0,
    generation: 0,
    uses: void 0,
    lastUses: void 0,
    spawned: false,
    begun: false,
    readyAt: void 0,
    unstable: 0,
    restarts: 0,
    timer: void 0,
    lastReason: void 0,
    wish: void 0,
    onReady: [],
    onDeath: []
  };
}
function title({ name, replica, entry }) {
  return (entry.replicas ?? 1) === 1 ? name : `${name}.${replica}`;
}
function asInit(error, what) {
  return { ...error, code: "SKERRY_INIT", message: `${what}: ${error.message}` };
}

// dist/src/servers/process/main.js
await runInstance((link, config) => new ProcessServer(link, config));
