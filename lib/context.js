import {
  enableCallContext,
  getCurrentCall
} from "./chunks/chunk-EG23MQX7.js";
import {
  SkerryError
} from "./chunks/chunk-ER36CW7I.js";
import "./chunks/chunk-WSFCRVEQ.js";

// dist/src/context.js
enableCallContext();
function currentCall() {
  const call = getCurrentCall();
  if (call === void 0)
    throw new SkerryError("SKERRY_UNSUPPORTED", "currentCall() was used outside of a method of a server");
  return call;
}
export {
  currentCall
};
