// Coordinates chunks with rules: enrich, run the rules, put both together. It runs nobody's code itself; a rule that ends its server ends
// neither the chunk nor the job: the rows that are guilty are found (enrich/split.ts), named, and left out of the rules.

import { call, isSkerryError, method, SkerryError, server, uses } from 'skerry';
import { currentCall } from 'skerry/context';
import type { RowChunk } from 'skerry/servers/http';
import { type ChunkResult, close, headOf, type OpenRow, type Problem } from './enrich/enricher.ts';
import { runSplitting } from './enrich/split.ts';
import type enrich from './enrich.server.ts';
import type rules from './rules.server.ts';
import type { RuleOutcome, RuleRow } from './rules.server.ts';

/** A chunk, and the rule module for its rows: a URL, chosen by whoever started the job. */
export interface RuleChunk extends RowChunk {
  readonly rules: string;
}

/** A value, an error of the row, or the reason for which its server died. */
type Verdict = RuleOutcome | { readonly json?: undefined; readonly error: string; readonly guilty: true };

/** Bounded by the limits of the servers that run rules, not by a clock: a slow rule is not a wrong one. */
const NO_DEADLINE = { timeoutMs: 0 };
const LONGEST_MS = 2 ** 31 - 1;

const used = { enrich: uses<typeof enrich>(['rows']), rules: uses<typeof rules>(), judge: uses<typeof rules>() };

export default server({ uses: used, concurrency: 16 }, ({ uses: { enrich, rules, judge } }) => {
  /** One row at a time is judged. */
  let court: Promise<unknown> = Promise.resolve();

  const judgeRow = (url: string, row: RuleRow, signal: AbortSignal | undefined): Promise<Verdict> => {
    const hearing = court.then(() => hear(url, row, signal));
    court = hearing.catch(() => {});
    return hearing;
  };

  async function hear(url: string, row: RuleRow, signal: AbortSignal | undefined): Promise<Verdict> {
    const bench = call(judge, { ...NO_DEADLINE, ...(signal !== undefined && { signal }) });
    await bench.renew().catch(orDeath);
    try {
      const [outcome] = await bench.apply(url, [row]);
      return outcome;
    } catch (error) {
      return { error: reasonOf(orDeath(error)), guilty: true };
    }
  }

  return {
    /** Loads a rule module to see whether it can be loaded. @throws SkerryError SKERRY_INVALID that says why not */
    check: method({ timeoutMs: 30_000 }, async (url: string): Promise<void> => {
      try {
        await call(judge, NO_DEADLINE).load(url);
      } catch (error) {
        const reason = reasonOf(orDeath(error));
        throw new SkerryError('SKERRY_INVALID', `the rule module ${url} ends the server that loads it: ${reason}`);
      }
    }),

    chunk: method({ timeoutMs: LONGEST_MS }, async ({ rules: url, ...chunk }: RuleChunk): Promise<ChunkResult> => {
      const signal = currentCall()?.signal;
      const options = { ...NO_DEADLINE, ...(signal !== undefined && { signal }) };
      const rows = await call(enrich, options).rows(chunk);
      const whole = rows.flatMap(({ fields }) => (fields === undefined ? [] : [fields]));
      const found = await runSplitting<RuleRow, Verdict>(whole, {
        run: (batch) => call(rules, options).apply(url, batch),
        judge: (row) => judgeRow(url, row, signal),
        isDeath,
      });
      const verdicts: Verdict[] = [];
      for (const [i, verdict] of found.entries()) {
        // In the background a row may have had no processor: only the judge's clock counts.
        const isLate = 'late' in verdict && verdict.late;
        verdicts.push(isLate ? await judgeRow(url, whole[i], signal) : verdict);
      }
      return put(chunk, rows, verdicts);
    }),
  };
});

/** Rows and verdicts together; a row that is malformed has none. */
function put(chunk: RowChunk, rows: readonly OpenRow[], verdicts: readonly Verdict[]): ChunkResult {
  const problems: Problem[] = [];
  let text = headOf(chunk, true);
  let next = 0;
  for (const { line, text: open, problem, fields } of rows) {
    if (fields === undefined) {
      problems.push({ kind: 'malformed', line, reason: problem ?? '' });
      text += close(chunk.format, open, '', problem);
      continue;
    }
    const { json = '', ...verdict } = verdicts[next++];
    const reason = verdict.error;
    if (reason !== undefined) problems.push({ kind: 'guilty' in verdict ? 'guilty' : 'threw', line, reason });
    text += close(chunk.format, open, json, reason === undefined ? undefined : `rule: ${reason}`);
  }
  return { bytes: Buffer.from(text), rows: rows.length, problems };
}

function isDeath(error: unknown): boolean {
  return isSkerryError(error, 'SKERRY_SERVER_DIED');
}

/** @throws what is no death */
function orDeath(error: unknown): unknown {
  if (!isDeath(error)) throw error;
  return error;
}

function reasonOf(error: unknown): string {
  const reason = (error as SkerryError).data?.reason;
  return typeof reason === 'string' ? reason : 'it died';
}
