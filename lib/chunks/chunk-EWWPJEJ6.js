import {
  Link,
  errorInfo,
  readExtra,
  ringMeans,
  writeResult
} from "./chunk-FMZAB3W4.js";
import {
  Kind,
  nowMs
} from "./chunk-YQHLNBTX.js";
import {
  onDeclared,
  systems
} from "./chunk-F4WPHEZJ.js";
import {
  callContextEnabled,
  runInCall
} from "./chunk-EG23MQX7.js";
import {
  isTypeScript,
  supportTypeScript
} from "./chunk-5TYE33F3.js";
import {
  isServerDefinition
} from "./chunk-QJ3SJPQR.js";
import {
  CALLS_MAX
} from "./chunk-JSCQ27LA.js";
import {
  loadNative
} from "./chunk-HUMIZ7MG.js";
import {
  SkerryError
} from "./chunk-ER36CW7I.js";

// dist/src/server/run-instance.js
import { readFileSync } from "node:fs";
var CONTROL_FD = 3;
var DATA_SLACK_BYTES = 64 * 1024 * 1024;
async function runInstance(make) {
  const kernelPid = Number(process.argv[2]);
  process.title = `skerry ${process.argv[3]}`;
  process.argv.splice(1);
  process.setSourceMapsEnabled(true);
  const { addon } = loadNative();
  const means = addon === void 0 ? await withoutAddon(kernelPid) : withAddon(addon, kernelPid);
  let instance;
  const link = new Link(means.makePort, {
    onInit: () => instance?.init(),
    onStop: (drainMs) => instance === void 0 ? process.exit(0) : instance.stop(drainMs),
    onDeclared: () => instance?.onDeclared?.(),
    onInstance: (slot, event) => instance?.onInstance?.(slot, event),
    onLost: () => process.exit(0)
    // without a kernel there is no system
  });
  link.setKeepAlive(true);
  process.on("uncaughtException", (error) => {
    link.send({ t: "dying", error: errorInfo(error) });
    process.stderr.write(`${process.title}: ${error instanceof Error ? error.stack : String(error)}
`);
    process.exit(1);
  });
  const config = await link.born;
  const carrier = means.makeCarrier(link, config.endpoint, `${config.name}.${config.replica}`);
  carrier.observe?.(config.name);
  link.use(carrier);
  instance = make(link, config);
  await instance.run();
}
function withAddon(addon, kernelPid) {
  if (!addon.guardParent(kernelPid))
    process.exit(1);
  if (process.env.SKERRY_DEBUG !== "1")
    addon.setDumpable(false);
  const memoryMb = Number(process.env.SKERRY_MEMORY_MB ?? 0);
  if (memoryMb > 0)
    addon.limitData(mappedBytes() + memoryMb * 1024 * 1024 + DATA_SLACK_BYTES);
  return ringMeans(addon, addon.adopt(CONTROL_FD));
}
async function withoutAddon(kernelPid) {
  const [{ streamMeans }, { watchParent }] = await Promise.all([import("./stream-means-ZERFKJPI.js"), import("./parent-watch-P5TSAZFE.js")]);
  if (!watchParent(kernelPid))
    process.exit(1);
  return streamMeans(CONTROL_FD);
}
function mappedBytes() {
  const kilobytes = /^VmData:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

// dist/src/rpc/input.js
function checkInput(input, args, label) {
  const schemas = isList(input) ? input : [input];
  const results = schemas.map((schema, index) => schema["~standard"].validate(args[index]));
  if (results.some((result) => result instanceof Promise)) {
    return Promise.all(results).then((settled) => collect(settled, args, label));
  }
  return collect(results, args, label);
}
function collect(results, args, label) {
  const issues = [];
  const valid = results.map((result, index) => {
    if (result.issues === void 0)
      return result.value;
    for (const issue of result.issues)
      issues.push({ path: [index, ...(issue.path ?? []).map(keyOf)], message: issue.message });
    return void 0;
  });
  for (let index = results.length; index < args.length; index++) {
    issues.push({ path: [index], message: `not expected: the method takes ${results.length} argument${results.length === 1 ? "" : "s"}` });
  }
  if (issues.length > 0) {
    const text = issues.map(({ path, message }) => `${formatPath(path)}: ${message}`).join("; ");
    throw new SkerryError("SKERRY_INVALID", `${label} was called with invalid arguments: ${text}`, { data: { issues }, maybeExecuted: false });
  }
  return valid;
}
function keyOf(segment) {
  const key = typeof segment === "object" ? segment.key : segment;
  return typeof key === "number" ? key : String(key);
}
function formatPath(path) {
  return path.reduce((text, key) => typeof key === "number" ? `${text}[${key}]` : `${text}.${key}`, "args");
}
function isList(input) {
  return Array.isArray(input);
}

// dist/src/rpc/dispatcher.js
var QUEUED_EVERY_MS = 0.5;
var Dispatcher = class {
  options;
  #connections = /* @__PURE__ */ new Set();
  #running = 0;
  /** Reasons to hold everything back. */
  #settling = 0;
  #draining = false;
  #suspects = 0;
  /** A suspect has been asked for, or runs: nothing else starts. */
  #suspectRuns = false;
  #queuedAtMs = 0;
  #idle;
  constructor(options) {
    this.options = options;
  }
  get running() {
    return this.#running;
  }
  connect(caller) {
    const connection = new Connection(this, caller);
    this.#connections.add(connection);
    return connection;
  }
  disconnect(connection) {
    this.#connections.delete(connection);
    const { status } = this.options;
    status.queued = this.#queued();
    status.publish();
  }
  /** A successor holds all requests back until the predecessor's clients have settled. */
  hold() {
    this.#settling += 1;
  }
  release() {
    this.#settling -= 1;
    this.next();
  }
  /** Starts nothing more; resolves when no handler runs. */
  drain() {
    this.#draining = true;
    return new Promise((resolve) => {
      this.#idle = resolve;
      if (this.#running === 0)
        resolve();
    });
  }
  ready() {
    return this.#running < this.options.concurrency && this.#suspects === 0 && !this.#suspectRuns && this.#settling === 0 && !this.#draining;
  }
  /** Suspects came with a channel (positive), or were dropped (negative). */
  countSuspects(change) {
    this.#suspects += change;
  }
  suspectAsked() {
    this.#suspects -= 1;
    this.#suspectRuns = true;
  }
  /** It left before it could be started. */
  suspectGone() {
    this.#suspectRuns = false;
  }
  starting() {
    this.#running += 1;
    const { status } = this.options;
    status.running = this.#running;
    status.started = status.started + 1 | 0;
    status.publish();
  }
  countQueue(now) {
    const { status } = this.options;
    if (now - this.#queuedAtMs >= QUEUED_EVERY_MS) {
      this.#queuedAtMs = now;
      status.queued = this.#queued();
    }
  }
  ended(failed) {
    const wasFull = this.#running >= this.options.concurrency;
    this.#running -= 1;
    const { status } = this.options;
    status.running = this.#running;
    if (failed)
      status.failed = status.failed + 1 | 0;
    if (this.#running === 0 || wasFull) {
      status.queued = this.#queued();
      if (this.#running === 0) {
        this.#suspectRuns = false;
        this.#idle?.();
      }
      this.next();
    }
    status.publish();
  }
  /** Looks what may start now. */
  next() {
    if (this.#settling > 0 || this.#draining || this.#suspectRuns)
      return;
    if (this.#suspects > 0) {
      if (this.#running === 0) {
        for (const connection of this.#connections)
          if (connection.startSuspect())
            return;
      }
      return;
    }
    for (const connection of this.#connections)
      connection.end.resume();
  }
  #queued() {
    let queued = 0;
    for (const connection of this.#connections)
      queued += connection.end.unstarted;
    return queued;
  }
};
var Connection = class {
  end;
  #dispatcher;
  #caller;
  /** Suspects that have not been asked for; what the end says of itself may be a lie of the client. */
  #suspects = 0;
  /** A suspect of this client has been asked for and not come yet (over a stream it may still be on its way). */
  #suspectDue = false;
  /** By slot of the call id. */
  #running = new Array(CALLS_MAX).fill(void 0);
  #closed = false;
  constructor(dispatcher, caller) {
    this.#dispatcher = dispatcher;
    this.#caller = caller;
  }
  use(end) {
    this.end = end;
    this.#suspects = end.suspectsWaiting;
    this.#dispatcher.countSuspects(this.#suspects);
    return this;
  }
  ready() {
    return this.#dispatcher.ready();
  }
  startSuspect() {
    if (this.#suspects === 0)
      return false;
    this.#suspects -= 1;
    this.#dispatcher.suspectAsked();
    this.#suspectDue = true;
    this.end.startSuspect();
    return true;
  }
  onStart() {
    this.#suspectDue = false;
    this.#dispatcher.starting();
  }
  onRequest(kind, flags, method, callId, body) {
    let begun = false;
    try {
      const deadline = body.f64();
      const extra = readExtra(body, flags);
      const args = body.args();
      body.end();
      const handler = this.#dispatcher.options.handlers[method];
      const now = nowMs();
      this.#dispatcher.countQueue(now);
      const refusal = this.#refuse(kind, handler, method, callId, deadline, now);
      if (refusal === void 0) {
        begun = true;
        this.#run(handler, kind === Kind.notify, callId, deadline, extra, args);
      } else if (kind === Kind.call) {
        this.#sendError(callId, refusal);
      }
    } finally {
      if (!begun)
        this.#dispatcher.ended(true);
    }
  }
  onControl() {
    for (const running of this.#running) {
      if (running === void 0)
        continue;
      if (this.end.isCancelled(running.callId)) {
        this.#abort(running, new SkerryError("SKERRY_ABORTED", `the caller gave up ${this.#label(running.handler)}`));
      } else {
        running.onCredit?.();
      }
    }
  }
  onUnsent(callId, error) {
    this.#sendError(callId, error);
  }
  onCorrupt(error) {
    this.close(error);
    this.#caller.onBroken(error);
  }
  /** The client is gone, or the channel broken: its handlers' signals abort, its unstarted calls are dropped. */
  close(reason) {
    if (this.#closed)
      return;
    this.#closed = true;
    this.#dispatcher.disconnect(this);
    this.#dispatcher.countSuspects(-this.#suspects);
    if (this.#suspectDue)
      this.#dispatcher.suspectGone();
    this.end.close();
    for (const running of this.#running)
      if (running !== void 0)
        this.#abort(running, reason);
    this.#dispatcher.next();
  }
  #refuse(kind, handler, method, callId, deadline, now) {
    const { server, handlers } = this.#dispatcher.options;
    if (kind !== Kind.call && kind !== Kind.notify) {
      throw new SkerryError("SKERRY_CORRUPT", `${server} was sent a request of kind ${kind}; valid are ${Kind.call} and ${Kind.notify}`);
    }
    if (handler === void 0) {
      const names = handlers.map((known) => known.name).join(", ");
      return new SkerryError("SKERRY_NOT_FOUND", `${server} has no method number ${method}; it has ${handlers.length}: ${names}`);
    }
    const { allowed } = this.#caller;
    if (allowed !== void 0 && !allowed.has(method)) {
      return new SkerryError("SKERRY_DENIED", `${this.#caller.principal} may not call ${server}.${handler.name}`);
    }
    if (kind === Kind.call && this.end.isCancelled(callId)) {
      return new SkerryError("SKERRY_ABORTED", `${server}.${handler.name} was given up by its caller before it started`);
    }
    if (kind === Kind.call && this.#running[callId % CALLS_MAX] !== void 0) {
      throw new SkerryError("SKERRY_CORRUPT", `${server} was sent call ${callId} twice`);
    }
    if (deadline > 0 && deadline <= now) {
      return new SkerryError("SKERRY_TIMEOUT", `${server}.${handler.name} was not started before its deadline`, { maybeExecuted: false });
    }
    return void 0;
  }
  #run(handler, isNotify, callId, deadline, extra, args) {
    const running = { callId, handler, answered: isNotify, controller: void 0, onCredit: void 0 };
    if (!isNotify)
      this.#running[callId % CALLS_MAX] = running;
    let result;
    try {
      if (handler.input !== void 0) {
        result = this.#checked(handler, handler.input, running, deadline, extra, args);
      } else {
        result = this.#invoke(handler, running, deadline, extra, args);
      }
    } catch (error) {
      this.#fail(running, error);
      return;
    }
    if (handler.stream) {
      this.#stream(running, result);
    } else if (isThenable(result)) {
      result.then((value) => this.#finish(running, value), (error) => this.#fail(running, error));
    } else {
      this.#finish(running, result);
    }
  }
  #checked(handler, input, running, deadline, extra, args) {
    const checked = checkInput(input, args, this.#label(handler));
    if (!(checked instanceof Promise))
      return this.#invoke(handler, running, deadline, extra, checked);
    if (!handler.stream)
      return checked.then((valid) => this.#invoke(handler, running, deadline, extra, valid));
    const connection = this;
    return (async function* () {
      yield* connection.#invoke(handler, running, deadline, extra, await checked);
    })();
  }
  #invoke(handler, running, deadline, extra, args) {
    if (!callContextEnabled())
      return handler.run(...args);
    const { server } = this.#dispatcher.options;
    const call = new ServedCall(server, handler.name, this.#caller.principal, deadline, extra, running);
    const result = runInCall(call, () => handler.run(...args));
    return handler.stream ? iterateInCall(call, result) : result;
  }
  #finish(running, value) {
    if (!running.answered) {
      try {
        this.end.send(Kind.reply, running.callId, writeResult, value);
      } catch (error) {
        this.#fail(running, error);
        return;
      }
    }
    this.#done(running, false);
  }
  #fail(running, error) {
    if (!running.answered)
      this.#sendError(running.callId, error);
    this.#done(running, true);
  }
  #done(running, failed) {
    running.answered = true;
    this.#free(running);
    this.#dispatcher.ended(failed);
  }
  /** Answered: the client may use the slot again. */
  #free(running) {
    const slot = running.callId % CALLS_MAX;
    if (this.#running[slot] === running)
      this.#running[slot] = void 0;
  }
  #sendError(callId, error) {
    try {
      this.end.send(Kind.error, callId, writeResult, error instanceof Error ? error : new Error(`a handler threw ${describe(error)}`));
    } catch (unsendable) {
      const message = error instanceof Error ? error.message : String(error);
      const plain = new SkerryError("SKERRY_UNSENDABLE", `the error of a handler could not travel (${unsendable.message}): ${message}`);
      this.end.send(Kind.error, callId, writeResult, plain);
    }
  }
  /** Answers at once; the handler keeps its place until it settles, since only its author knows how to stop it. */
  #abort(running, reason) {
    if (!running.answered) {
      running.answered = true;
      this.#free(running);
      if (!this.#closed)
        this.#sendError(running.callId, reason);
    }
    running.controller?.abort(reason);
    running.onCredit?.();
  }
  async #stream(running, result) {
    const { callId } = running;
    let sent = 0;
    try {
      const iterator = result[Symbol.asyncIterator]();
      for (; ; ) {
        while (!running.answered && (sent >= this.end.creditOf(callId) || this.end.blocked))
          await this.#credit(running);
        if (running.answered) {
          await iterator.return?.();
          break;
        }
        const step = await iterator.next();
        if (running.answered)
          continue;
        if (step.done === true) {
          this.end.send(Kind.end, callId, writeResult, step.value);
          running.answered = true;
          break;
        }
        try {
          this.end.send(Kind.item, callId, writeResult, step.value);
        } catch (unsendable) {
          await iterator.return?.();
          throw unsendable;
        }
        sent += 1;
      }
      this.#done(running, false);
    } catch (error) {
      this.#fail(running, error);
    }
  }
  #credit(running) {
    return new Promise((resolve) => {
      running.onCredit = () => {
        running.onCredit = void 0;
        resolve();
      };
    });
  }
  #label(handler) {
    return `${this.#dispatcher.options.server}.${handler.name}`;
  }
};
var ServedCall = class {
  method;
  principal;
  deadline;
  #extra;
  #running;
  #server;
  constructor(server, method, principal, deadline, extra, running) {
    this.#server = server;
    this.method = method;
    this.principal = principal;
    this.deadline = deadline === 0 ? Number.POSITIVE_INFINITY : deadline;
    this.#extra = extra;
    this.#running = running;
  }
  get signal() {
    this.#running.controller ??= new AbortController();
    return this.#running.controller.signal;
  }
  get remainingMs() {
    return Math.max(0, this.deadline - nowMs());
  }
  get trace() {
    return this.#extra?.trace;
  }
  get path() {
    return [...this.#extra?.path ?? [], this.#server];
  }
};
function iterateInCall(call, iterable) {
  const iterator = runInCall(call, () => iterable[Symbol.asyncIterator]());
  const within = {
    next: () => runInCall(call, () => iterator.next()),
    return: () => runInCall(call, () => iterator.return?.() ?? Promise.resolve({ done: true, value: void 0 }))
  };
  return { [Symbol.asyncIterator]: () => within };
}
function isThenable(value) {
  return value instanceof Promise || typeof value === "object" && value !== null && typeof value.then === "function";
}
function describe(value) {
  return typeof value === "string" ? `the string ${JSON.stringify(value)}` : `${typeof value} ${String(value)}`;
}

// dist/src/server/load.js
var __rewriteRelativeImportExtension = function(path, preserveJsx) {
  if (typeof path === "string" && /^\.\.?\//.test(path)) {
    return path.replace(/\.(tsx)$|((?:\.d)?)((?:\.[^./]+?)?)\.([cm]?)ts$/i, function(m, tsx, d, ext, cm) {
      return tsx ? preserveJsx ? ".jsx" : ".js" : d && (!ext || !cm) ? m : d + ext + "." + cm.toLowerCase() + "js";
    });
  }
  return path;
};
async function loadSystem(url) {
  if (isTypeScript(url))
    supportTypeScript();
  const declared = new Promise((resolve) => {
    onDeclared((declaredUrl) => {
      if (declaredUrl === url)
        setImmediate(resolve);
    });
  });
  const evaluated = import(__rewriteRelativeImportExtension(url));
  await Promise.race([declared, evaluated]);
  if (!systems().has(url))
    await evaluated;
  const found = systems().get(url);
  if (found === void 0) {
    throw new SkerryError("SKERRY_INIT", `${url} declares no system: it should contain \`export default system(import.meta.url, { \u2026 })\``);
  }
  evaluated.catch(() => {
  });
  return found;
}
async function loadServer(name, entry) {
  const module = await loadTypeScriptToo(entry.load);
  const definition = module?.default;
  if (isServerDefinition(definition))
    return definition;
  const exported = Object.keys(module ?? {}).join(", ") || "nothing";
  throw new SkerryError("SKERRY_INIT", `the module of server "${name}" must export by default what server() returns; it exports: ${exported}`);
}
async function loadTypeScriptToo(load) {
  try {
    return await load();
  } catch (error) {
    if (error.code !== "ERR_UNKNOWN_FILE_EXTENSION" || !supportTypeScript())
      throw error;
    return load();
  }
}

export {
  runInstance,
  Dispatcher,
  loadSystem,
  loadServer
};
