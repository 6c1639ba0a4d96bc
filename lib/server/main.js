import {
  RemoteServer
} from "../chunks/chunk-K4P2XQLK.js";
import {
  remoteFacade
} from "../chunks/chunk-HLUB7TMV.js";
import {
  Dispatcher,
  loadServer,
  loadSystem,
  runInstance
} from "../chunks/chunk-USIAT3SI.js";
import {
  deferred,
  errorInfo
} from "../chunks/chunk-OKWYLHD4.js";
import "../chunks/chunk-GDBSISFH.js";
import "../chunks/chunk-F4WPHEZJ.js";
import {
  enableCallContext
} from "../chunks/chunk-EG23MQX7.js";
import "../chunks/chunk-5TYE33F3.js";
import {
  concurrencyOf,
  methodTable,
  queueMaxOf
} from "../chunks/chunk-QJ3SJPQR.js";
import "../chunks/chunk-JSCQ27LA.js";
import "../chunks/chunk-XDAWYBB6.js";
import "../chunks/chunk-FKNDIMCY.js";
import "../chunks/chunk-D3FEJ7Z2.js";
import {
  SkerryError
} from "../chunks/chunk-ER36CW7I.js";
import "../chunks/chunk-WSFCRVEQ.js";

// dist/src/server/log.js
import { inspect } from "node:util";
var LEVELS = ["debug", "info", "warn", "error"];
function makeLogger(server, write, now = Date.now) {
  const json = process.env.SKERRY_LOG === "json";
  const least = LEVELS.indexOf(process.env.SKERRY_LOG_LEVEL ?? "info");
  const log = (level) => (message, data) => {
    if (LEVELS.indexOf(level) < least)
      return;
    const time = new Date(now()).toISOString();
    if (json)
      return write(`${JSON.stringify({ time, level, server, message, ...data === void 0 ? {} : { data: plain(data) } })}
`);
    const more = data === void 0 ? "" : ` ${data instanceof Error ? data.stack ?? data.message : inspect(data, { breakLength: Number.POSITIVE_INFINITY })}`;
    write(`${time.slice(11, 23)} [${server}] ${level === "info" ? "" : `${level}: `}${message}${more}
`);
  };
  return { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
}
function plain(data) {
  return data instanceof Error ? { name: data.name, message: data.message, stack: data.stack } : data;
}

// dist/src/server/server-instance.js
var ServerInstance = class {
  #link;
  #config;
  #mayInit = deferred();
  #stopping = new AbortController();
  #onStop = [];
  #dispatcher;
  constructor(link, config) {
    this.#link = link;
    this.#config = config;
  }
  async run() {
    let stage = "import";
    try {
      const { name } = this.#config;
      const system = await loadSystem(this.#config.systemUrl);
      const entry = system.servers[name];
      if (entry === void 0)
        throw new SkerryError("SKERRY_INIT", `the system at ${system.url} no longer has a server "${name}"`);
      const definition = await loadServer(name, entry);
      const used = usesOf(definition, entry);
      this.#link.send({ t: "manifest", uses: used });
      if (Object.keys(used).length > 0)
        enableCallContext();
      await this.#mayInit.promise;
      stage = "init";
      await this.#serve(definition, entry, Object.keys(used));
    } catch (error) {
      process.exitCode = 1;
      this.#link.send({ t: "failed", stage, error: errorInfo(error) }, [], [], () => process.exit(1));
    }
  }
  init() {
    this.#mayInit.resolve();
  }
  async stop(drainMs) {
    this.#stopping.abort(new SkerryError("SKERRY_ABORTED", "the server is asked to stop"));
    await Promise.race([this.#dispatcher?.drain(drainMs).then(() => this.#link.carrier.flushed?.()), delay(drainMs)]);
    const stops = [...this.#onStop].reverse();
    const stopped = (async () => {
      for (const stop of stops)
        await stop();
    })();
    await Promise.race([stopped, delay(drainMs)]).catch((error) => {
      process.stderr.write(`${process.title}: onStop failed: ${error instanceof Error ? error.stack : String(error)}
`);
    });
    process.exit(0);
  }
  async #serve(definition, entry, used) {
    const { name } = this.#config;
    const api = await definition.init(this.#context(entry, used));
    if (typeof api !== "object" || api === null) {
      throw new SkerryError("SKERRY_INIT", `the init function of server "${name}" must return an object with methods; it returned ${String(api)}`);
    }
    const { infos, handlers } = methodTable(api);
    const concurrency = concurrencyOf(definition.manifest);
    const { carrier, connections } = this.#link;
    this.#dispatcher = new Dispatcher({ server: name, handlers, concurrency, status: carrier.status });
    connections.use(this.#dispatcher);
    const address = await carrier.address();
    this.#link.send({
      t: "ready",
      methods: infos,
      concurrency,
      queueMax: queueMaxOf(definition.manifest),
      ...address === void 0 ? {} : { address }
    });
  }
  /** Clients of what it uses; another name is refused here, in words, and by the kernel. */
  #uses(used) {
    const clients = Object.fromEntries(used.map((other) => [other, remoteFacade(new RemoteServer(other, this.#link.clients))]));
    const { name } = this.#config;
    return new Proxy(clients, {
      get(target, other) {
        if (typeof other === "symbol" || Object.hasOwn(target, other) || other === "then" || other === "toJSON")
          return Reflect.get(target, other);
        const declared = used.join(", ") || "none";
        throw new SkerryError("SKERRY_DENIED", `server "${name}" does not declare that it uses "${other}"; it declares: ${declared}`);
      }
    });
  }
  #context(entry, used) {
    const { name, replica, replicas, secrets } = this.#config;
    const env = Object.fromEntries((entry.env ?? []).map((variable) => [variable, process.env[variable]]));
    const label = replicas > 1 ? `${name}.${replica}` : name;
    return {
      options: entry.options,
      name,
      replica,
      replicas,
      uses: this.#uses(used),
      env,
      secrets,
      log: makeLogger(label, (line) => process.stderr.write(line)),
      signal: this.#stopping.signal,
      onStop: (stop) => {
        this.#onStop.push(stop);
      }
    };
  }
};
function usesOf(definition, entry) {
  const uses = {};
  for (const [name, use] of Object.entries(definition.manifest.uses ?? {}))
    uses[name] = use.methods;
  for (const name of entry.uses ?? [])
    uses[name] ??= true;
  return uses;
}
function delay(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

// dist/src/server/main.js
await runInstance((link, config) => new ServerInstance(link, config));
