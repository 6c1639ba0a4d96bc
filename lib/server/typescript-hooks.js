import "../chunks/chunk-WSFCRVEQ.js";

// dist/src/server/typescript-hooks.js
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transformSync } from "amaro";
async function load(url, context, next) {
  if (!url.startsWith("file:") || !/\.m?ts($|[?#])/.test(url))
    return next(url, context);
  const source = await readFile(fileURLToPath(url), "utf8");
  const { code } = transformSync(source, { mode: "strip-only" });
  return { format: "module", source: code, shortCircuit: true };
}
export {
  load
};
