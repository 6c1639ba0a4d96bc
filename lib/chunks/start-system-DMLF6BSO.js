import {
  RemoteServer
} from "./chunk-PZ2ESQMD.js";
import {
  remoteFacade
} from "./chunk-VMBKR2HQ.js";
import {
  Link,
  deferred,
  ringMeans,
  toError
} from "./chunk-FMZAB3W4.js";
import "./chunk-YQHLNBTX.js";
import "./chunk-EG23MQX7.js";
import "./chunk-JSCQ27LA.js";
import {
  loadNative
} from "./chunk-HUMIZ7MG.js";
import "./chunk-JFLBLH7Q.js";
import {
  SkerryError
} from "./chunk-ER36CW7I.js";
import "./chunk-WSFCRVEQ.js";

// dist/src/system/start-system.js
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

// dist/src/system/operating-system.js
var OperatingSystem = class {
  /** The servers by name: a method call is a call to the server. */
  servers;
  /** The process server: `list()`, `kill(name, { restart })`, `boot(name)`. */
  processes;
  #remotes;
  #link;
  #kernel;
  #over;
  #stopping;
  constructor(system, link, kernel, over) {
    this.#link = link;
    this.#kernel = kernel;
    this.#over = over;
    const names = Object.keys(system.servers);
    this.#remotes = names.map((name) => new RemoteServer(name, link.clients));
    const facades = Object.fromEntries(this.#remotes.map((remote) => [remote.name, remoteFacade(remote)]));
    this.servers = new Proxy(facades, {
      get(target, name) {
        if (typeof name === "symbol" || name in target || name === "then" || name === "toJSON")
          return Reflect.get(target, name);
        throw new SkerryError("SKERRY_NOT_FOUND", `there is no server "${name}" in this system; it has: ${names.join(", ")}`);
      }
    });
    this.processes = remoteFacade(new RemoteServer("process", link.clients));
  }
  /** @internal Connects to the servers, so that the first call waits for nothing. */
  async prepare() {
    await Promise.all(this.#remotes.map((remote) => remote.prepare()));
  }
  /**
   * Stops the system: servers end in reverse order of need, running calls first (`drainMs` of their entries), then the kernel. Calls
   * that are still pending are rejected. Resolves when no process is left; a second call waits for the same.
   */
  stop() {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }
  /**
   * Keeps this process alive until the system has ended, for programs that only serve: otherwise nothing but a pending call does.
   * Resolves after `stop()`, also when the kernel was told to stop by a signal.
   * @throws SkerryError SKERRY_SERVER_DOWN when the kernel has ended otherwise; then no server is left.
   */
  async ended() {
    this.#kernel.setRef(true);
    const fault = await this.#over;
    await this.#kernel.ended;
    if (fault !== void 0)
      throw fault;
  }
  async [Symbol.asyncDispose]() {
    await this.stop();
  }
  async #stop() {
    this.#kernel.setRef(true);
    this.#link.send({ t: "stop" });
    await this.#over;
    this.#link.close();
    await this.#kernel.ended;
  }
};

// dist/src/system/start-system.js
var KERNEL_MAIN = fileURLToPath(new URL("../kernel/main.js", import.meta.url));
async function startSystem(system, options) {
  const { transport = process.env.SKERRY_TRANSPORT === "stream" ? "stream" : "ring", budgetMb = 0, env = process.env } = options;
  const addon = transport === "ring" ? loadNative().addon : void 0;
  const up = deferred();
  const over = deferred();
  const kernel = await startKernel(addon, {
    ...env,
    ...addon === void 0 ? { SKERRY_TRANSPORT: "stream" } : {},
    ...budgetMb > 0 ? { SKERRY_BUDGET_MB: String(budgetMb) } : {}
  });
  const link = new Link(kernel.means.makePort, {
    onUp: () => up.resolve(),
    onBootFailed: (error) => up.reject(toError(error)),
    onStopped: () => over.resolve(void 0),
    onLost: (reason) => {
      up.reject(new SkerryError("SKERRY_INIT", `the kernel ended while the system was starting: ${reason}`));
      over.resolve(new SkerryError("SKERRY_SERVER_DOWN", `the kernel of this system is gone: ${reason}`));
    }
  });
  link.setKeepAlive(true);
  try {
    await link.born.catch(() => up.promise);
    const endpoint = (await link.born).endpoint;
    link.use(kernel.means.makeCarrier(link, endpoint, "caller"));
    link.send({ t: "boot", systemUrl: system.url, memoryMb: 0 });
    await up.promise;
  } catch (error) {
    kernel.setRef(true);
    link.close();
    await kernel.ended;
    throw error;
  }
  link.setKeepAlive(false);
  const os = new OperatingSystem(system, link, kernel, over.promise);
  await os.prepare();
  return os;
}
async function startKernel(addon, env) {
  const pair = addon?.socketPair();
  const child = spawn(process.execPath, [KERNEL_MAIN, String(process.pid)], {
    env,
    stdio: ["ignore", "inherit", "inherit", pair === void 0 || addon === void 0 ? "pipe" : addon.fileNumber(pair[1])]
  });
  if (pair !== void 0 && addon !== void 0)
    addon.close(pair[1]);
  child.unref();
  const ended = new Promise((resolve) => {
    child.on("exit", () => resolve());
    child.on("error", () => resolve());
  });
  return {
    pid: child.pid ?? 0,
    ended,
    setRef: (keepAlive) => keepAlive ? child.ref() : child.unref(),
    means: pair === void 0 || addon === void 0 ? (await import("./stream-means-ZERFKJPI.js")).streamMeans(child.stdio[3]) : ringMeans(addon, pair[0])
  };
}
export {
  startSystem
};
