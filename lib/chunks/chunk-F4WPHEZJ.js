import {
  SkerryError
} from "./chunk-ER36CW7I.js";

// dist/src/server/system.js
var systemMark = /* @__PURE__ */ Symbol.for("skerry.system");
function system(url, servers) {
  for (const [name, entry] of Object.entries(servers))
    checkEntry(name, entry, Object.keys(servers));
  const made = Object.freeze({ [systemMark]: true, url, servers });
  systems().set(url, made);
  announce?.(url);
  return made;
}
function systems() {
  const holder = globalThis;
  const key = /* @__PURE__ */ Symbol.for("skerry.systems");
  holder[key] ??= /* @__PURE__ */ new Map();
  return holder[key];
}
var announce;
function onDeclared(hear) {
  announce = hear;
}
var RESERVED = ["kernel", "process", "caller"];
var KNOWN = ["load", "replicas", "options", "uses", "env", "secrets", "limits", "restart", "initTimeoutMs", "drainMs"];
function checkEntry(name, entry, names) {
  const fail = (option, expected, found) => {
    throw new SkerryError("SKERRY_INVALID", `system: server "${name}": ${option} must be ${expected}; it is ${show(found)}`);
  };
  if (!/^[a-z][\w-]{0,63}$/i.test(name) || RESERVED.includes(name)) {
    throw new SkerryError("SKERRY_INVALID", `system: "${name}" is no name for a server: letters, digits, - and _, not ${RESERVED.join(", ")}`);
  }
  if (typeof entry !== "object" || entry === null)
    fail("its entry", "an object with `load`", entry);
  for (const key of Object.keys(entry)) {
    if (!KNOWN.includes(key))
      throw new SkerryError("SKERRY_INVALID", `system: server "${name}" has no option "${key}"; it has: ${KNOWN.join(", ")}`);
  }
  if (typeof entry.load !== "function")
    fail("load", "a function: () => import('./module.ts')", entry.load);
  const within = (option, value, min, max) => {
    if (value !== void 0 && !(Number.isInteger(value) && value >= min && value <= max))
      fail(option, `an integer from ${min} to ${max}`, value);
  };
  if (entry.replicas !== "cores")
    within("replicas", entry.replicas, 1, 256);
  within("limits.memoryMb", entry.limits?.memoryMb, 64, 1 << 20);
  within("restart.stableMs", entry.restart?.stableMs, 0, 36e5);
  within("restart.unstableMax", entry.restart?.unstableMax, 1, 1e3);
  within("initTimeoutMs", entry.initTimeoutMs, 1, 36e5);
  within("drainMs", entry.drainMs, 0, 36e5);
  for (const used of entry.uses ?? [])
    if (!names.includes(used))
      fail("uses", `names of servers of this system (${names.join(", ")})`, used);
}
function show(value) {
  return typeof value === "function" ? "a function" : JSON.stringify(value) ?? String(value);
}

export {
  system,
  systems,
  onDeclared
};
