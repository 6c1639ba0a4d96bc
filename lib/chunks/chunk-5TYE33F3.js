// dist/src/server/typescript.js
import module from "node:module";
var ready = false;
function supportTypeScript() {
  if (ready || process.features.typescript)
    return false;
  ready = true;
  module.register(new URL("../server/typescript-hooks.js", import.meta.url));
  return true;
}
function isTypeScript(url) {
  return /\.m?ts($|[?#])/.test(url);
}

export {
  supportTypeScript,
  isTypeScript
};
