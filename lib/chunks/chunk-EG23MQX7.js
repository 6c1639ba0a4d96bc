// dist/src/rpc/call-context.js
import { AsyncLocalStorage } from "node:async_hooks";
var storage;
function enableCallContext() {
  storage ??= new AsyncLocalStorage();
}
function callContextEnabled() {
  return storage !== void 0;
}
function getCurrentCall() {
  return storage?.getStore();
}
function runInCall(call, run) {
  return storage === void 0 ? run() : storage.run(call, run);
}

export {
  enableCallContext,
  callContextEnabled,
  getCurrentCall,
  runInCall
};
