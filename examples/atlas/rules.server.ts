// Runs a rule module that a user has brought: code that may throw, loop, leak or crash. It holds nothing that could be lost; its limits
// are the system's (enrich-rules.system.ts), and whoever calls it reckons with its death.
//
// A rule is the module's default export, `(row) => value`, called with the fields of a row by name, also asynchronous. Its value is made
// JSON here, where a value that is none costs its row alone. Between rows the event loop gets its turns, so that only a single row that
// takes too long counts as a hang.

import { SkerryError, server } from 'skerry';

export type RuleRow = Readonly<Record<string, unknown>>;

/** What became of a row: its value as JSON (empty: none), or why there is none. */
export type RuleOutcome =
  | { readonly json: string; readonly error?: undefined }
  /** `late`: its promise was not settled in time. */
  | { readonly json?: undefined; readonly error: string; readonly late?: boolean };

type Rule = (row: RuleRow) => unknown;

export interface RulesApi {
  /** Loads a rule module. @throws SkerryError SKERRY_INVALID with what is wrong with it */
  load(url: string): Promise<void>;
  /** Runs the rule for each row, in order. Not idempotent: whether it may be run again is the caller's decision. */
  apply(url: string, rows: readonly RuleRow[]): Promise<RuleOutcome[]>;
  /** Ends this instance if it has run a row: then the caller's next call is the first of a new one. */
  renew(): Promise<void>;
}

export interface RulesOptions {
  /** Longest wait for the promise of one row, ms. Default 5,000. */
  readonly rowTimeoutMs?: number;
}

/** Longest value of a row, characters of JSON, and longest message of what it threw. */
const JSON_MAX = 16_384;
const MESSAGE_MAX = 500;
const TURN_MS = 20;

export default server<RulesApi, RulesOptions | undefined>({ concurrency: 1 }, (ctx) => {
  const rowTimeoutMs = ctx.options?.rowTimeoutMs ?? 5_000;
  let loaded: { readonly url: string; readonly rule: Promise<Rule> } | undefined;
  let used = false;

  const ruleOf = (url: string): Promise<Rule> => {
    if (loaded?.url !== url) loaded = { url, rule: loadRule(url) };
    return loaded.rule;
  };

  return {
    async load(url) {
      await ruleOf(url);
    },

    async apply(url, rows) {
      const rule = await ruleOf(url);
      used = true;
      const outcomes: RuleOutcome[] = [];
      let since = performance.now();
      for (const row of rows) {
        outcomes.push(await runRule(rule, row, rowTimeoutMs));
        if (performance.now() - since < TURN_MS) continue;
        await new Promise((resolve) => setImmediate(resolve));
        since = performance.now();
      }
      return outcomes;
    },

    async renew() {
      if (used) process.exit(0);
    },
  };
});

async function loadRule(url: string): Promise<Rule> {
  let module: { readonly default?: unknown };
  try {
    module = await importTypeScriptToo(url);
  } catch (error) {
    throw new SkerryError('SKERRY_INVALID', `the rule module ${url} cannot be loaded: ${messageOf(error)}`);
  }
  if (typeof module.default === 'function') return module.default as Rule;
  const exported = Object.keys(module).join(', ') || 'nothing';
  throw new SkerryError('SKERRY_INVALID', `the rule module ${url} must export a function by default; it exports: ${exported}`);
}

/** Node 20 needs hooks for TypeScript, before the first such module is asked for; elsewhere they are none. */
async function importTypeScriptToo(url: string): Promise<{ readonly default?: unknown }> {
  if (/\.m?ts$/.test(new URL(url).pathname)) await import('skerry/typescript');
  return import(url);
}

async function runRule(rule: Rule, row: RuleRow, timeoutMs: number): Promise<RuleOutcome> {
  try {
    let value = rule(row);
    if (isThenable(value)) value = await within(timeoutMs, value);
    const json = JSON.stringify(value) ?? '';
    if (json.length > JSON_MAX) return { error: `the rule's value has ${json.length} characters; it may have ${JSON_MAX}` };
    return { json };
  } catch (error) {
    return { error: messageOf(error), ...(error instanceof Late && { late: true }) };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

async function within(ms: number, value: PromiseLike<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late(ms)), ms);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}

class Late extends Error {
  constructor(ms: number) {
    super(`the rule's promise was not settled within ${ms} ms`);
  }
}

/** In one line, whatever was thrown. */
function messageOf(error: unknown): string {
  try {
    const [first = ''] = String(error).split('\n', 1);
    return first.length <= MESSAGE_MAX ? first : `${first.slice(0, MESSAGE_MAX)} …`;
  } catch {
    return 'something was thrown that cannot be shown';
  }
}
