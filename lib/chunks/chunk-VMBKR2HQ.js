import {
  SkerryError
} from "./chunk-ER36CW7I.js";

// dist/src/rpc/proxy.js
var remotes = /* @__PURE__ */ new WeakMap();
var RESERVED = /* @__PURE__ */ new Set(["then", "toJSON", "constructor", "__proto__"]);
function remoteFacade(remote) {
  return makeFacade(remote, (method, args) => remote.invoke(method, args));
}
function facadeWith(server, options) {
  const remote = remoteOf(server, "call");
  return makeFacade(remote, (method, args) => remote.invoke(method, args, options));
}
function notifyFacade(server, options) {
  const remote = remoteOf(server, "notify");
  return makeFacade(remote, (method, args) => remote.notify(method, args, options));
}
function remoteOf(server, what) {
  const remote = remotes.get(server);
  if (remote !== void 0)
    return remote;
  throw new SkerryError("SKERRY_INVALID", `${what}() takes a server (sys.servers.name or ctx.uses.name); it was given ${typeof server}`);
}
function makeFacade(remote, invoke) {
  const behind = new Proxy(Object.prototype, {
    get(_target, name, receiver) {
      if (typeof name === "symbol" || RESERVED.has(name))
        return void 0;
      if (name in Object.prototype)
        return Reflect.get(Object.prototype, name);
      const method = (...args) => invoke(name, args);
      Object.defineProperty(receiver, name, { value: method });
      return method;
    },
    has: (_target, name) => typeof name === "string" && !RESERVED.has(name),
    set: () => false
  });
  const facade = Object.create(behind, { [Symbol.toStringTag]: { value: `SkerryServer ${remote.name}` } });
  remotes.set(facade, remote);
  return facade;
}

export {
  remoteFacade,
  facadeWith,
  notifyFacade
};
