import {
  supportTypeScript
} from "./chunks/chunk-5TYE33F3.js";
import "./chunks/chunk-WSFCRVEQ.js";

// dist/src/typescript.js
supportTypeScript();
