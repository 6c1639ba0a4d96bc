/**
 * Where the project is, and how a peer is loaded.
 *
 * Compiled benchmarks run from `dist/bench/`; the peers and their worker files (plain JavaScript) stay in `bench/`, beside
 * `bench/node_modules`. So both are addressed from the project's root.
 */
import { existsSync } from 'node:fs';

/** The project's root as a directory URL: the nearest folder above that has `bench/package.json`. */
export const projectRoot: URL = findRoot();

/** The URL of a worker file of a peer: `bench/peers/<file>`. */
export const workerUrl = (file: string): URL => new URL(`bench/peers/${file}`, projectRoot);

/** Imports a package out of `bench/node_modules`, typed by the part of it that the caller uses. */
export async function importPeer<T>(specifier: string): Promise<T> {
  const importer: { load(specifier: string): Promise<T> } = await import(workerUrl('import.mjs').href);
  return importer.load(specifier);
}

function findRoot(): URL {
  for (let folder = new URL('./', import.meta.url); ; folder = new URL('../', folder)) {
    if (existsSync(new URL('bench/package.json', folder))) return folder;
    if (folder.pathname === '/') throw new Error(`no folder above ${import.meta.url} contains bench/package.json`);
  }
}
