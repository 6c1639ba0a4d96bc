// An error that came from the kernel as plain data.

import { isErrorCode, SkerryError } from '../base/errors.ts';
import type { ErrorInfo } from '../protocol/control.ts';

/** The error again, with what its process said of it (name, message, stack) as its cause. */
export function toError(info: ErrorInfo): SkerryError {
  const code = info.code !== undefined && isErrorCode(info.code) ? info.code : 'SKERRY_INIT';
  const cause = new Error(info.message);
  cause.name = info.name;
  if (info.stack !== undefined) cause.stack = info.stack;
  return new SkerryError(code, info.message, { cause });
}
