// Checks arguments against a method's `input`, a Standard Schema (https://standardschema.dev), before its handler runs.
//
// One schema is for the one argument of the method, a list for its positional arguments. What the schema gives out replaces what came
// in. Several issues are reported at once, each with its path; the path's first part is the argument's index.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SkerryError } from '../base/errors.ts';

export type InputSchema = StandardSchemaV1 | readonly StandardSchemaV1[];

export interface InputIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * @returns the arguments as the schemas gave them out; a promise only if a schema is asynchronous.
 * @throws SkerryError SKERRY_INVALID with `data.issues`: {@link InputIssue}[].
 */
export function checkInput(input: InputSchema, args: readonly unknown[], label: string): unknown[] | Promise<unknown[]> {
  const schemas = isList(input) ? input : [input];
  const results = schemas.map((schema, index) => schema['~standard'].validate(args[index]));
  if (results.some(isThenable)) {
    return Promise.all(results).then((settled) => collect(settled, args, label));
  }
  return collect(results as StandardSchemaV1.Result<unknown>[], args, label);
}

function collect(results: readonly StandardSchemaV1.Result<unknown>[], args: readonly unknown[], label: string): unknown[] {
  const issues: InputIssue[] = [];
  const valid = results.map((result, index) => {
    if (typeof result !== 'object' || result === null || !('issues' in result || 'value' in result))
      throw new SkerryError('SKERRY_INVALID', `the schema of argument ${index} of ${label} gave neither a value nor issues`);
    if (result.issues === undefined) return result.value;
    for (const issue of result.issues) issues.push({ path: [index, ...(issue.path ?? []).map(keyOf)], message: issue.message });
    return undefined;
  });
  for (let index = results.length; index < args.length; index++) {
    issues.push({
      path: [index],
      message: `not expected: the method takes ${results.length} argument${results.length === 1 ? '' : 's'}`,
    });
  }
  if (issues.length > 0) {
    const text = issues.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('; ');
    throw new SkerryError('SKERRY_INVALID', `${label} was called with invalid arguments: ${text}`, {
      data: { issues },
      maybeExecuted: false,
    });
  }
  return valid;
}

function isThenable(result: unknown): boolean {
  return typeof (result as { then?: unknown } | null)?.then === 'function';
}

function keyOf(segment: PropertyKey | StandardSchemaV1.PathSegment): string | number {
  const key = typeof segment === 'object' ? segment.key : segment;
  return typeof key === 'number' ? key : String(key);
}

function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${key}`), 'args');
}

function isList(input: InputSchema): input is readonly StandardSchemaV1[] {
  return Array.isArray(input);
}
