// `node --import skerry/typescript main.ts`: TypeScript modules in the process that boots a system, on a Node that does not strip types
// itself (before 22.18). Servers need nothing of the kind: theirs are loaded so on every Node.

import { supportTypeScript } from './server/typescript.ts';

supportTypeScript();
