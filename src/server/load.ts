// Loads the system module and, of it, one server's module: evaluated in this process, each fault with its own words.

import { SkerryError } from '../base/errors.ts';
import { type AnyServer, isServerDefinition } from './definition.ts';
import { onDeclared, ownSystem, type ServerEntry, type System, systems } from './system.ts';
import { isTypeScript, supportTypeScript } from './typescript.ts';

let loaded: { readonly url: string; readonly system: Promise<System> } | undefined;
let evaluated: Promise<unknown> = Promise.resolve();

/**
 * Evaluates the module of a system, once. A bundle may call boot() at its end, which never returns in an instance: so the declaration is
 * enough, the end of the evaluation is not waited for.
 */
export function loadSystem(url: string): Promise<System> {
  if (loaded?.url !== url) loaded = { url, system: evaluateSystem(url) };
  return loaded.system;
}

/** Settles when the module has been evaluated to its end, which may be never. */
export function systemEvaluated(): Promise<unknown> {
  return evaluated;
}

async function evaluateSystem(url: string): Promise<System> {
  ownSystem().url = url;
  if (isTypeScript(url)) supportTypeScript();
  const declared = new Promise<void>((resolve) => {
    onDeclared((declaredUrl) => {
      if (declaredUrl === url) setImmediate(resolve);
    });
  });
  evaluated = import(url);
  await Promise.race([declared, evaluated]);
  if (!systems().has(url)) await evaluated;
  const found = systems().get(url);
  if (found === undefined) {
    throw new SkerryError(
      'SKERRY_INIT',
      `${url} declares no system: it should contain \`export default system(import.meta.url, { … })\``,
    );
  }
  evaluated.catch(() => {}); // after the declaration its own end is its own affair
  return found;
}

export async function loadServer(name: string, entry: ServerEntry): Promise<AnyServer> {
  const module = await loadTypeScriptToo(entry.load);
  const definition = (module as { default?: unknown } | undefined)?.default;
  if (isServerDefinition(definition)) return definition;
  const exported = Object.keys(module ?? {}).join(', ') || 'nothing';
  throw new SkerryError(
    'SKERRY_INIT',
    `the module of server "${name}" must export by default what server() returns; it exports: ${exported}`,
  );
}

/** The hooks for TypeScript cost a thread and 25 MB on Node 20: they are installed when a module turns out to need them. */
async function loadTypeScriptToo(load: () => Promise<unknown>): Promise<unknown> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_UNKNOWN_FILE_EXTENSION' || !supportTypeScript()) throw error;
    return load();
  }
}
