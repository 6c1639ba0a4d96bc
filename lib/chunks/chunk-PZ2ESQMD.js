import {
  writeArgs
} from "./chunk-FMZAB3W4.js";
import {
  encodeRecord,
  nowMs
} from "./chunk-YQHLNBTX.js";
import {
  getCurrentCall
} from "./chunk-EG23MQX7.js";
import {
  TIMEOUT_MS
} from "./chunk-JSCQ27LA.js";
import {
  SkerryError
} from "./chunk-ER36CW7I.js";

// dist/src/rpc/call.js
var Call = class {
  label;
  method;
  idempotent;
  deadline;
  timeoutMs;
  extra;
  args;
  encodedArgs;
  signal;
  // From here on: the channel's, while the call is pending.
  callId = 0;
  resolve = nobody;
  reject = nobody;
  stream = void 0;
  /** Kept for idempotent calls: the whole payload. */
  payload = void 0;
  /** Takes the listener on `signal` back. */
  unlisten = void 0;
  /** Deaths of the server at which this was the only call running. */
  deathsAlone = 0;
  suspect = false;
  /** The caller has its outcome already; the slot is taken until the server answers too. */
  givenUp = false;
  constructor(label, method, idempotent, deadline, timeoutMs, extra, args, encodedArgs, signal) {
    this.label = label;
    this.method = method;
    this.idempotent = idempotent;
    this.deadline = deadline;
    this.timeoutMs = timeoutMs;
    this.extra = extra;
    this.args = args;
    this.encodedArgs = encodedArgs;
    this.signal = signal;
  }
};
function nobody() {
}

// dist/src/rpc/remote-server.js
var NO_OPTIONS = {};
var RemoteServer = class {
  name;
  #connector;
  #replicas = [];
  #methods;
  #concurrency = 0;
  #connecting;
  #gotMethods;
  #next = 0;
  constructor(name, connector) {
    this.name = name;
    this.#connector = connector;
  }
  /** Calls a method: a promise for a `call`, an async iterable for a `stream`; both in one while that is not known yet. */
  invoke(method, args, options = NO_OPTIONS) {
    if (this.#methods === void 0)
      return this.#invokeLater(method, args, options);
    const known = this.#methods.get(method);
    if (known === void 0)
      return Promise.reject(this.#noMethod(method));
    return this.#start(known, args, void 0, options);
  }
  async notify(method, args, options = NO_OPTIONS) {
    const encodedArgs = this.#methods === void 0 ? encodeRecord(writeArgs, args) : void 0;
    if (this.#methods === void 0)
      await this.#connect();
    const known = this.#methods?.get(method);
    if (known === void 0)
      throw this.#noMethod(method);
    const request = this.#request(known, args, encodedArgs, options);
    return (await this.#channel(options, request.extra)).notify(request);
  }
  /** Connects now, so that the first call need not wait. */
  prepare() {
    return this.#connect();
  }
  #start(known, args, encodedArgs, options) {
    let request;
    try {
      request = this.#request(known, args, encodedArgs, options);
      const channel = this.#channel(options, request.extra);
      if (!(channel instanceof Promise))
        return known.info.kind === "stream" ? channel.stream(request) : channel.call(request);
      const late = channel.then((opened) => known.info.kind === "stream" ? opened.stream(request) : opened.call(request));
      return known.info.kind === "stream" ? iterateLater(late) : late;
    } catch (error) {
      const failed = Promise.reject(error);
      return known.info.kind === "stream" ? iterateLater(failed) : failed;
    }
  }
  /** The arguments are encoded now: what the caller does to them afterwards must not matter. */
  #invokeLater(method, args, options) {
    let result;
    try {
      const encodedArgs = encodeRecord(writeArgs, args);
      result = this.#connect().then(() => {
        const known = this.#methods?.get(method);
        if (known === void 0)
          throw this.#noMethod(method);
        return this.#start(known, args, encodedArgs, options);
      });
    } catch (error) {
      result = Promise.reject(error);
    }
    return iterateLater(result);
  }
  #request(known, args, encodedArgs, options) {
    const { info } = known;
    const timeoutMs = options.timeoutMs ?? (info.timeoutMs > 0 ? info.timeoutMs : TIMEOUT_MS);
    let deadline = timeoutMs > 0 && info.kind === "call" ? nowMs() + timeoutMs : 0;
    let extra;
    const current = getCurrentCall();
    if (current !== void 0) {
      if (current.deadline !== Number.POSITIVE_INFINITY && (deadline === 0 || current.deadline < deadline))
        deadline = current.deadline;
      const trace = options.trace ?? current.trace;
      extra = { path: current.path, ...trace === void 0 ? {} : { trace } };
    } else if (options.trace !== void 0) {
      extra = { trace: options.trace };
    }
    return new Call(known.label, known.index, info.idempotent, deadline, timeoutMs, extra, args, encodedArgs, options.signal);
  }
  /** The channel of the replica that should take the next call. */
  #channel(options, extra) {
    const replicas = this.#replicas;
    if (this.#concurrency === 1 && replicas.length === 1 && extra?.path?.includes(this.name) === true) {
      const path = [...extra.path, this.name];
      throw new SkerryError("SKERRY_DEADLOCK", `${this.name} takes one call at a time and would wait for itself: ${path.join(" \u2192 ")}`, {
        data: { path },
        maybeExecuted: false
      });
    }
    const chosen = options.key === void 0 ? this.#leastLoaded() : replicas[hash(options.key) % replicas.length];
    if (chosen === void 0)
      throw new SkerryError("SKERRY_NOT_FOUND", `server ${this.name} has no replicas`);
    if (chosen.phase === "down" && chosen.error !== void 0)
      throw chosen.error;
    return chosen.channel ?? this.#open(chosen);
  }
  #leastLoaded() {
    const replicas = this.#replicas;
    if (replicas.length === 1)
      return replicas[0];
    let best;
    let bestRank = Number.POSITIVE_INFINITY;
    this.#next = (this.#next + 1) % replicas.length;
    for (let i = 0; i < replicas.length; i++) {
      const replica = replicas[(this.#next + i) % replicas.length];
      const rank = PHASE_RANK[replica.phase] + (replica.channel?.load ?? 0);
      if (rank < bestRank) {
        best = replica;
        bestRank = rank;
      }
    }
    return best;
  }
  #connect() {
    this.#connecting ??= this.#connectOnce().catch((error) => {
      this.#connecting = void 0;
      throw error;
    });
    return this.#connecting;
  }
  async #connectOnce() {
    const { slots, methods } = await this.#connector.connect(this.name);
    this.#replicas = slots.map(({ slot, replica }) => ({ slot, replica, channel: void 0, phase: "waiting", error: void 0 }));
    const known = new Promise((resolve) => {
      this.#gotMethods = resolve;
    });
    if (methods !== void 0)
      this.#learn(methods, 0);
    await Promise.all(this.#replicas.map((replica) => this.#open(replica)));
    await known;
  }
  async #open(replica) {
    replica.phase = "waiting";
    replica.channel = await this.#connector.open(`${this.name}.${replica.replica}`, replica.slot, {
      onOpened: (methods, concurrency) => {
        this.#learn(methods, concurrency);
        replica.phase = "open";
        replica.error = void 0;
      },
      onDied: () => {
        replica.phase = "dead";
      },
      onDown: (error) => {
        replica.phase = "down";
        replica.error = error;
        this.#gotMethods?.();
      },
      onClosed: () => {
        replica.phase = "closed";
        replica.channel = void 0;
      }
    });
    return replica.channel;
  }
  #learn(methods, concurrency) {
    this.#concurrency = concurrency;
    this.#methods = new Map(methods.map((info, index) => [info.name, { index, info, label: `${this.name}.${info.name}` }]));
    this.#gotMethods?.();
  }
  #noMethod(method) {
    if (this.#methods === void 0) {
      const down = this.#replicas.find((replica) => replica.error !== void 0)?.error;
      return down ?? new SkerryError("SKERRY_SERVER_DOWN", `${this.name} has not been ready yet`);
    }
    const names = [...this.#methods.keys()].sort().join(", ");
    return new SkerryError("SKERRY_NOT_FOUND", `server ${this.name} has no method "${method}"; it has: ${names}`, {
      data: { server: this.name, method },
      maybeExecuted: false
    });
  }
};
var PHASE_RANK = { open: 0, waiting: 1e6, dead: 2e6, closed: 3e6, down: 4e6 };
function iterateLater(result) {
  return Object.assign(result, {
    async *[Symbol.asyncIterator]() {
      yield* await result;
    }
  });
}
function hash(text) {
  let value = 2166136261;
  for (let i = 0; i < text.length; i++)
    value = Math.imul(value ^ text.charCodeAt(i), 16777619);
  return value >>> 0;
}

export {
  RemoteServer
};
