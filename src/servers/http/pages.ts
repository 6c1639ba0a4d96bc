// The files that the driver serves: a fixed list, each with one exact path, read once at the start and kept in memory.
//
// No request ever becomes a file name: a path is looked up in a map or not found, so there is nothing to climb out of and nothing to
// list. What is sent is what was read at the start; an ETag of its contents makes a repeated visit cost a 304.

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SkerryError } from '../../base/errors.ts';
import type { PageSettings } from './options.ts';

/** A file as it is sent. */
export interface Page {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Pages by their path, as it stands in the request line. */
export type Pages = ReadonlyMap<string, Page>;

/** All files together: they are held in the driver's memory. */
export const PAGES_BYTES_MAX = 16 * 1024 * 1024;

/** Content types by extension. Text is UTF-8. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

/** @returns undefined when a page with this file has to say its type */
export function typeOfFile(file: string): string | undefined {
  return TYPES[extname(file).toLowerCase()];
}

/** @throws SkerryError SKERRY_INIT that names the file which cannot be read, or with which there is too much */
export async function readPages(pages: readonly PageSettings[], contentSecurityPolicy: string): Promise<Pages> {
  const read = new Map<string, Page>();
  let total = 0;
  for (const { path, file, type } of pages) {
    const bytes = await readPage(file, path, PAGES_BYTES_MAX - total);
    total += bytes.length;
    read.set(path, {
      bytes,
      headers: {
        'content-type': type,
        'cache-control': 'no-cache',
        etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': contentSecurityPolicy,
      },
    });
  }
  return read;
}

/** Whether the client has this very page already (RFC 9110, 13.1.2: compared weakly). */
export function isKnown(page: Page, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === page.headers.etag);
}

async function readPage(file: string | URL, path: string, bytesMax: number): Promise<Buffer> {
  const name = file instanceof URL ? fileURLToPath(file) : file;
  try {
    const about = await stat(name);
    if (!about.isFile()) throw new Error('it is not a regular file');
    if (about.size > bytesMax) throw tooMuch(name, about.size, bytesMax);
    const bytes = await readFile(name);
    if (bytes.length > bytesMax) throw tooMuch(name, bytes.length, bytesMax);
    return bytes;
  } catch (cause) {
    if (cause instanceof SkerryError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SkerryError('SKERRY_INIT', `http driver: the file ${name} of page "${path}" cannot be read: ${why}`, { cause });
  }
}

function tooMuch(name: string, sizeBytes: number, bytesMax: number): SkerryError {
  const message = `http driver: all pages together may have ${PAGES_BYTES_MAX} bytes; ${name} has ${sizeBytes}, and ${bytesMax} were left`;
  return new SkerryError('SKERRY_INIT', message);
}
