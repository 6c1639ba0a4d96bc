// Finds the rows of a batch that end the server they run in, and the values of all others.
//
//   batch ✝ ──▶ parts ✝ ──▶ rows ✝ ──▶ a judge: the row alone in a new server      ✝ guilty, with its reason
//                  │           │          │
//                  ▼ values    ▼ values   ▼ a value: it was not its fault
//
// A batch of n that dies is run again in parts of √n, a part that dies row by row: a guilty row costs four deaths, whatever n is, where
// halving would cost log₂ n. A death alone proves nothing: what builds up over many rows (a leak of each) ends whichever row comes last.
// So the verdict is the judge's: a row is guilty if it ends a server that has run nothing else. Every row gets a value or an error.

export interface Splitting<Row, Value> {
  /** Runs rows in order; rejects when the server died. */
  run(rows: readonly Row[]): Promise<Value[]>;
  /** Runs one row in a server of its own; what ends it is in the value. */
  judge(row: Row): Promise<Value>;
  /** Whether this rejection of `run` is a death; any other one ends everything. */
  isDeath(error: unknown): boolean;
}

/** Parts no longer than this are run row by row. */
const SINGLE_MAX = 128;

/** @returns a value for each row, in order. @throws what `run` and `judge` reject with, deaths apart */
export async function runSplitting<Row, Value>(rows: readonly Row[], splitting: Splitting<Row, Value>): Promise<Value[]> {
  if (rows.length === 0) return [];
  try {
    return await splitting.run(rows);
  } catch (error) {
    if (!splitting.isDeath(error)) throw error;
  }
  if (rows.length === 1) return [await splitting.judge(rows[0])];
  const size = rows.length > SINGLE_MAX ? Math.ceil(Math.sqrt(rows.length)) : 1;
  const values: Value[] = [];
  for (let at = 0; at < rows.length; at += size) values.push(...(await runSplitting(rows.slice(at, at + size), splitting)));
  return values;
}
