// What the author of a server writes: server(), method(), uses(), options(). Plain data with types; nothing here runs anything.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SkerryError } from '../base/errors.ts';
import { invalid, isObject, OptionCheck, show } from '../base/options.ts';
import { CONCURRENCY, QUEUE_MAX } from '../protocol/limits.ts';
import type { MethodInfo } from '../protocol/methods.ts';
import type { Handler } from '../rpc/handler.ts';
import type { InputSchema } from '../rpc/input.ts';
import type { ServerContext } from './context.ts';

const definitionMark = Symbol.for('skerry.server');
const methodMark = Symbol.for('skerry.method');
declare const usesType: unique symbol;
declare const optionsType: unique symbol;
declare const apiType: unique symbol;

/** Says which server is used, by its type: `uses<typeof geo>()` or `uses<GeoInterface>()`. */
export interface Uses<Api> {
  readonly methods: readonly string[] | true;
  readonly [usesType]?: Api;
}

export interface OptionsType<Options> {
  readonly [optionsType]?: Options;
}

export type UsesMap = Readonly<Record<string, Uses<unknown>>>;

/** What a server declares about itself. */
export interface Manifest<U extends UsesMap = UsesMap, Options = unknown> {
  /** The servers that this one calls, by the name they have in the system. What is not declared can be neither compiled nor called. */
  readonly uses?: U;
  /** The type of `ctx.options`: `options<MyOptions>()`. */
  readonly options?: OptionsType<Options>;
  /** Handlers that run at once, 1 to 1,000,000; what is beyond waits, unstarted. 1: one call at a time. Default 64. */
  readonly concurrency?: number;
  /** Unstarted calls from which on clients are refused with SKERRY_BUSY, 1 to 1,000,000. Default 1,024. */
  readonly queueMax?: number;
}

export interface ServerDefinition<Api extends object, Options, U extends UsesMap> {
  readonly [definitionMark]: true;
  readonly manifest: Manifest<U, Options>;
  readonly init: (ctx: ServerContext<Options, U>) => Api | Promise<Api>;
  readonly [apiType]?: Api;
}

// biome-ignore lint/suspicious/noExplicitAny: a bound: init reads its context, its manifest is written, and neither unknown nor never is one for both
export type AnyServer = ServerDefinition<any, any, any>;

/** The methods of a server definition, or of an interface. */
export type ApiOf<T> = T extends { readonly [apiType]?: infer Api } ? NonNullable<Api> : T;
export type OptionsOf<T> = [T] extends [never]
  ? unknown
  : T extends ServerDefinition<infer _Api, infer Options, infer _Uses>
    ? Options
    : unknown;
export type UsesOf<T> = T extends ServerDefinition<infer _Api, infer _Options, infer U> ? U : never;
export type UsedApi<T> = T extends Uses<infer Api> ? Api : never;

/**
 * Defines a server. Its module exports it by default; each instance runs `init` once, in a process of its own.
 * @param manifest what it uses and its limits; may be left out.
 * @param init makes the methods; may be asynchronous. The server is ready when it has returned; what it throws is reported as
 *   SKERRY_INIT with its stack. Every function among the own properties of what it returns is a method: `async`, plain, or `async *`.
 */
export function server<Api extends object, Options = undefined>(
  init: (ctx: ServerContext<Options, Record<never, never>>) => Api | Promise<Api>,
): ServerDefinition<Api, Options, Record<never, never>>;
export function server<Api extends object, Options = undefined, U extends UsesMap = Record<never, never>>(
  manifest: Manifest<U, Options>,
  init: (ctx: ServerContext<Options, U>) => Api | Promise<Api>,
): ServerDefinition<Api, Options, U>;
export function server(first: unknown, second?: unknown): unknown {
  const [manifest, init] = second === undefined ? [{}, first] : [first, second];
  if (typeof init !== 'function') throw invalid(`server() takes an init function; it was given ${show(init)}`);
  checkManifest(manifest);
  return Object.freeze({ [definitionMark]: true, manifest, init });
}

/** Declares the use of another server in a manifest; with `methods`, of these only. */
export function uses<T>(methods?: readonly (keyof ApiOf<T> & string)[]): Uses<ApiOf<T>> {
  return { methods: methods ?? true };
}

/** Declares the type of a server's options in a manifest. */
export function options<T>(): OptionsType<T> {
  return {};
}

export interface MethodOptions {
  /**
   * May be run again if its server died while it ran; the caller notices only time. Not for `async *` methods.
   * Default false: such a call is rejected with SKERRY_SERVER_DIED, `maybeExecuted: true`.
   */
  readonly idempotent?: boolean;
  /** Default deadline in milliseconds, 1 to 2^31 - 1; for streams the longest wait for an item. Default 30,000. */
  readonly timeoutMs?: number;
}

type Schemas = readonly StandardSchemaV1[];
type Outputs<S extends Schemas> = { -readonly [I in keyof S]: StandardSchemaV1.InferOutput<S[I]> };
type Inputs<S extends Schemas> = S extends readonly [infer First extends StandardSchemaV1, ...infer Rest extends Schemas]
  ? undefined extends StandardSchemaV1.InferInput<First>
    ? [StandardSchemaV1.InferInput<First>?, ...Partial<Inputs<Rest>>]
    : [StandardSchemaV1.InferInput<First>, ...Inputs<Rest>]
  : [];
type ResultOf<F> = F extends (...args: never[]) => infer R ? R : never;
/** `idempotent` on a stream does not compile. */
type NoReplay<R> = [R] extends [never] ? unknown : R extends AsyncIterable<unknown> ? { readonly idempotent?: false } : unknown;

/** `run`: the handler as it was given; what carries the mark is a function of its own, so that `run` stays what it was. */
interface MarkedMethod extends MethodOptions {
  readonly input?: InputSchema;
  readonly run: (...args: never[]) => unknown;
}
export interface MethodProperties {
  readonly [methodMark]: MarkedMethod;
}
export type Method<A extends unknown[], R> = ((...args: A) => R) & MethodProperties;

/**
 * A method with properties.
 * @param properties `input`: a Standard Schema for the one argument, or a list of them for positional arguments; checked on arrival,
 *   what is wrong is SKERRY_INVALID with `data.issues`.
 * @param run the handler.
 */
export function method<const S extends Schemas, R>(
  properties: MethodOptions & { readonly input: S } & NoReplay<R>,
  run: (...args: Outputs<S>) => R,
): Method<Inputs<S>, R>;
export function method<S extends StandardSchemaV1, R>(
  properties: MethodOptions & { readonly input: S } & NoReplay<R>,
  run: (argument: StandardSchemaV1.InferOutput<S>) => R,
): Method<[StandardSchemaV1.InferInput<S>], R>;
// biome-ignore lint/complexity/noBannedTypes: a bound without a signature leaves the type of `k = 1` in a handler to its default value
export function method<F extends Function>(
  properties: MethodOptions & { readonly input?: never } & NoReplay<ResultOf<F>>,
  run: F,
): F & MethodProperties;
export function method(
  properties: MethodOptions & { readonly input?: InputSchema },
  run: (...args: never[]) => unknown,
): unknown {
  if (typeof run !== 'function') throw invalid(`method() takes a function; it was given ${show(run)}`);
  if (!isObject(properties)) throw invalid(`method() takes properties and a function; it was given ${show(properties)}`);
  const check = new OptionCheck('method()', properties, ['idempotent', 'timeoutMs', 'input']);
  check.integer('timeoutMs', 1, 2 ** 31 - 1);
  check.boolean('idempotent');
  if (properties.idempotent === true && isStream(handlerOf(run)))
    throw invalid('method(): a stream (async *) cannot be idempotent: items that were taken cannot be taken back');
  const marked = function (this: unknown, ...args: never[]) {
    return run.apply(this, args);
  };
  return Object.defineProperty(marked, methodMark, { value: Object.freeze({ ...properties, run: handlerOf(run) }) });
}

/** The handler within a method made by `method()`, or the function itself. */
function handlerOf(run: (...args: never[]) => unknown): (...args: never[]) => unknown {
  return (run as unknown as Partial<MethodProperties>)[methodMark]?.run ?? run;
}

export function isServerDefinition(value: unknown): value is AnyServer {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[definitionMark] === true;
}

/** The table travels in one message of the control socket. */
const METHODS_MAX = 1000;
const NAME_MAX = 128;

/** The method table of what `init` returned, in the order of names, and the handlers in the same order. */
export function methodTable(api: object): { infos: MethodInfo[]; handlers: Handler[] } {
  const infos: MethodInfo[] = [];
  const handlers: Handler[] = [];
  for (const name of Object.keys(api).sort()) {
    const given = (api as Record<string, unknown>)[name];
    if (typeof given !== 'function') continue;
    if (name === 'then' || name === 'toJSON' || name in Object.prototype)
      throw invalid(`a method cannot be named "${name}": every object has a member of that name`);
    if (name.length > NAME_MAX)
      throw new SkerryError('SKERRY_LIMIT', `the name of a method has ${name.length} characters; it may have ${NAME_MAX}`);
    const properties: Partial<MarkedMethod> = (given as unknown as Partial<MethodProperties>)[methodMark] ?? {};
    const run = handlerOf(given as (...args: never[]) => unknown);
    const stream = isStream(run);
    infos.push({
      name,
      kind: stream ? 'stream' : 'call',
      idempotent: properties.idempotent === true,
      timeoutMs: properties.timeoutMs ?? 0,
    });
    handlers.push({ name, stream, input: properties.input, run: (run as (...args: unknown[]) => unknown).bind(api) });
  }
  if (infos.length > METHODS_MAX)
    throw new SkerryError('SKERRY_LIMIT', `the server has ${infos.length} methods; it may have ${METHODS_MAX}`);
  return { infos, handlers };
}

export function concurrencyOf(manifest: Manifest): number {
  return manifest.concurrency ?? CONCURRENCY;
}

export function queueMaxOf(manifest: Manifest): number {
  return manifest.queueMax ?? QUEUE_MAX;
}

function checkManifest(manifest: unknown): void {
  if (!isObject(manifest)) throw invalid(`server() takes a manifest and an init function; it was given ${show(manifest)}`);
  const check = new OptionCheck('server()', manifest, ['uses', 'options', 'concurrency', 'queueMax']);
  check.integer('concurrency', 1, 1_000_000);
  check.integer('queueMax', 1, 1_000_000);
}

function isStream(run: unknown): boolean {
  return Object.prototype.toString.call(run) === '[object AsyncGeneratorFunction]';
}
