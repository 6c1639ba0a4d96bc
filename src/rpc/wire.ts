// What stands in the payload of each kind of record, written and read in one place.
//
//   call, notify   deadline f64 (monotonic ms of the machine; 0: none), [extra value if Flag.extra], arguments
//   reply, end     value
//   item           value
//   error          the error as a value

import { Decoder } from '../channel/codec/decoder.ts';
import type { Encoder } from '../channel/codec/encoder.ts';

/** What travels beside the arguments, only when there is something to say. */
export interface CallExtra {
  /** W3C traceparent. */
  readonly trace?: string;
  /** Names of the servers that this call has come through, the first caller first. */
  readonly path?: readonly string[];
}

export interface CallBody {
  readonly deadline: number;
  readonly extra: CallExtra | undefined;
  /** Arguments, or their encoded form. */
  readonly args: readonly unknown[];
  readonly encodedArgs: Uint8Array | undefined;
}

export function writeCall(encoder: Encoder, body: CallBody): void {
  encoder.f64(body.deadline);
  if (body.extra !== undefined) encoder.value(body.extra, 'extra');
  if (body.encodedArgs === undefined) encoder.args(body.args);
  else if (body.extra === undefined) encoder.raw(body.encodedArgs);
  else encoder.args(decodeArgs(body.encodedArgs)); // they count shapes and objects from their own start: here they are not the first
}

export function writeArgs(encoder: Encoder, args: readonly unknown[]): void {
  encoder.args(args);
}

function decodeArgs(encoded: Uint8Array): unknown[] {
  const decoder = new Decoder();
  decoder.begin(encoded, 0, encoded.length);
  const args = decoder.args();
  decoder.end();
  return args;
}

export function writeRaw(encoder: Encoder, payload: Uint8Array): void {
  encoder.raw(payload);
}

export function writeResult(encoder: Encoder, value: unknown): void {
  encoder.value(value, 'result');
}

/** Fields beyond those of this version are left to the codec: an unknown extra is ignored, a malformed one is not an extra. */
export function readExtra(decoder: Decoder): CallExtra | undefined {
  const value = decoder.value();
  if (typeof value !== 'object' || value === null) return undefined;
  const { trace, path } = value as { trace?: unknown; path?: unknown };
  return {
    ...(typeof trace === 'string' && trace.length <= 512 ? { trace } : {}),
    ...(Array.isArray(path) && path.length <= 64 && path.every((name) => typeof name === 'string') ? { path } : {}),
  };
}
