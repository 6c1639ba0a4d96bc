import {
  facadeWith,
  notifyFacade
} from "./chunks/chunk-HLUB7TMV.js";
import {
  system,
  systems
} from "./chunks/chunk-F4WPHEZJ.js";
import {
  method,
  options,
  server,
  uses
} from "./chunks/chunk-QJ3SJPQR.js";
import "./chunks/chunk-JSCQ27LA.js";
import {
  SkerryError,
  isSkerryError
} from "./chunks/chunk-ER36CW7I.js";
import "./chunks/chunk-WSFCRVEQ.js";

// dist/src/system/boot.js
async function boot(system2, options2 = {}) {
  if (systems().get(system2.url) === void 0) {
    throw new SkerryError("SKERRY_INVALID", "boot() takes what system() returns: the default export of a system module");
  }
  checkOptions(options2);
  if (isInstance())
    return new Promise(() => {
    });
  const { startSystem } = await import("./chunks/start-system-Y5Y7EVM2.js");
  return startSystem(system2, options2);
}
var KNOWN = ["transport", "budgetMb", "env"];
function checkOptions(options2) {
  const wrong = (what) => {
    throw new SkerryError("SKERRY_INVALID", `boot() ${what}`);
  };
  const unknown = Object.keys(options2).find((name) => !KNOWN.includes(name));
  if (unknown !== void 0)
    wrong(`has no option "${unknown}"; it has: ${KNOWN.join(", ")}`);
  const { transport, budgetMb } = options2;
  if (transport !== void 0 && transport !== "ring" && transport !== "stream") {
    wrong(`option transport must be 'ring' or 'stream'; it is ${String(transport)}`);
  }
  if (budgetMb !== void 0 && !(typeof budgetMb === "number" && budgetMb >= 1)) {
    wrong(`option budgetMb must be a number of megabytes, 1 or more; it is ${String(budgetMb)}`);
  }
}
function isInstance() {
  return process.title.startsWith("skerry ") && process.title !== "skerry kernel" && process.argv.length === 1;
}

// dist/src/system/call.js
function call(server2, options2) {
  checkOptions2("call()", options2, CALL_OPTIONS);
  return facadeWith(server2, options2);
}
function notify(server2, options2 = {}) {
  checkOptions2("notify()", options2, NOTIFY_OPTIONS);
  return notifyFacade(server2, options2);
}
var CALL_OPTIONS = ["timeoutMs", "signal", "key", "trace"];
var NOTIFY_OPTIONS = ["key", "trace"];
function checkOptions2(what, options2, known) {
  for (const name in options2) {
    if (!known.includes(name))
      throw new SkerryError("SKERRY_INVALID", `${what} has no option "${name}"; it has: ${known.join(", ")}`);
  }
  const { timeoutMs } = options2;
  if (timeoutMs !== void 0 && !(timeoutMs >= 0 && timeoutMs <= 2 ** 31 - 1)) {
    throw new SkerryError("SKERRY_INVALID", `${what} option timeoutMs must be milliseconds from 0 (none) to 2147483647; it is ${String(timeoutMs)}`);
  }
}
export {
  SkerryError,
  boot,
  call,
  isSkerryError,
  method,
  notify,
  options,
  server,
  system,
  uses
};
