// Finds and loads the native addon, once for each isolate, or says why there is none: the stream transport is used then.
//
// Loading includes a probe: a region of one page is made and given back, which fails on kernels before 5.1 (no F_SEAL_FUTURE_WRITE) and
// wherever memfd_create is forbidden.

import { createRequire } from 'node:module';
import type { NativeAddon } from './native.ts';
import { findPrebuilt } from './prebuilt.ts';

export type NativeLoad =
  | { readonly addon: NativeAddon; readonly reason?: never }
  | { readonly addon: undefined; readonly reason: string };

let loaded: NativeLoad | undefined;

/** @returns the addon, or `undefined` with the reason in words. Never throws; the answer does not change while the isolate lives. */
export function loadNative(): NativeLoad {
  loaded ??= load();
  return loaded;
}

function unavailable(reason: string): NativeLoad {
  return { addon: undefined, reason };
}

function load(): NativeLoad {
  if (process.env.SKERRY_TRANSPORT === 'stream') return unavailable('SKERRY_TRANSPORT=stream');
  if (process.platform !== 'linux') return unavailable(`no native addon for ${process.platform}: it needs Linux`);
  const { file, reason } = findPrebuilt('addon');
  if (file === undefined) return unavailable(reason);
  let addon: NativeAddon;
  try {
    addon = createRequire(import.meta.url)(file) as NativeAddon;
  } catch (error) {
    return unavailable(`${file} could not be loaded: ${messageOf(error)}`);
  }
  try {
    const { buffer, descriptor } = addon.createRegion(4096, 'skerry probe');
    addon.close(descriptor);
    addon.releaseRegion(buffer);
  } catch (error) {
    const unsealed = (error as { code?: unknown }).code === 'EINVAL';
    return unavailable(
      `${unsealed ? 'this kernel lacks F_SEAL_FUTURE_WRITE (Linux 5.1)' : 'no region can be made'}: ${messageOf(error)}`,
    );
  }
  return { addon };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
