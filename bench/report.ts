/**
 * Collects the rounds of one benchmark and prints them: each round as it is done, then a table with median, least, most and target.
 *
 * With `--json` the medians go to stdout, one object a line, and everything for people to stderr; otherwise all goes to stdout.
 * A metric is named `<what>_<unit>[@<case>]`: `median_us@64`. Where a subject has variants, the one that is better by `judgedBy`
 * is reported under the subject's name, and named.
 */
import { least, median, most } from './stats.ts';

/** One limit, for one metric of one subject: a figure, or a multiple of what a peer reached in the same run. */
export interface Target {
  readonly metric: string;
  readonly atMost?: number;
  /** Instead, for what should be large. */
  readonly atLeast?: number;
  /** Default: `skerry-ring`. */
  readonly subject?: string;
  /** The peer whose median (or whose best round) `atMost` multiplies. */
  readonly of?: { readonly subject: string; readonly best?: boolean };
}

export interface ReportOptions {
  readonly json: boolean;
  readonly smoke: boolean;
  readonly targets: readonly Target[];
  /** The metric that decides between variants; less is better. Default: the first one reported. */
  readonly judgedBy: string | undefined;
}

export type Values = Readonly<Record<string, number>>;
type Series = Map<string, number[]>;

export class Report {
  readonly #bench: string;
  readonly #options: ReportOptions;
  readonly #variants = new Map<string, Map<string, Series>>();

  constructor(bench: string, options: ReportOptions) {
    this.#bench = bench;
    this.#options = options;
  }

  say(line: string): void {
    (this.#options.json ? process.stderr : process.stdout).write(`${line}\n`);
  }

  /** Takes the values of one round; one that could not be measured here (NaN) is left out. */
  add(round: number, subject: string, variant: string, values: Values): void {
    const known = Object.entries(values).filter(([, value]) => !Number.isNaN(value));
    const series = entryOf(entryOf(this.#variants, subject, newMap<string, Series>), variant, newMap<string, number[]>);
    for (const [metric, value] of known) entryOf(series, metric, () => [] as number[]).push(value);
    const shown = known.map(([metric, value]) => `${metric} ${show(value)}`).join('  ');
    this.say(`  round ${round}  ${titleOf(subject, variant).padEnd(TITLE_WIDTH)} ${shown}`);
  }

  /** Prints the table, and the lines of `--json`. After a single round the table only shows what has a target. */
  finish(): void {
    const best = new Map([...this.#variants].map(([subject, variants]) => [subject, this.#better(variants)]));
    const metrics = new Set([...best.values()].flatMap(({ series }) => [...series.keys()]));
    const rounds = most([...best.values()].flatMap(({ series }) => [...series.values()].map(({ length }) => length)));
    const lines: string[] = [];
    for (const metric of metrics) {
      for (const [subject, { variant, series }] of best) {
        const values = series.get(metric);
        if (values === undefined) continue;
        const title = titleOf(subject, variant);
        const figures = [median(values), least(values), most(values)].map(show) as [string, string, string];
        const verdict = this.#verdict(subject, metric, values, best);
        if (rounds > 1 || verdict !== '') lines.push(row(title, metric, ...figures, unitOf(metric), verdict));
        if (this.#options.json) process.stdout.write(`${this.#json(subject, metric, median(values))}\n`);
      }
    }
    if (lines.length > 0) this.say(row('', 'metric', 'median', 'least', 'most', 'unit', 'target'));
    for (const line of lines) this.say(line);
  }

  #better(variants: Map<string, Series>): { variant: string; series: Series } {
    const all = [...variants].map(([variant, series]) => {
      const judged = this.#options.judgedBy ?? series.keys().next().value;
      const values = judged === undefined ? undefined : series.get(judged);
      return { variant, series, figure: values === undefined ? Number.POSITIVE_INFINITY : median(values) };
    });
    return all.reduce((a, b) => (b.figure < a.figure ? b : a));
  }

  #verdict(subject: string, metric: string, values: number[], best: Map<string, { series: Series }>): string {
    const targets = this.#options.targets.filter((t) => t.metric === metric && (t.subject ?? 'skerry-ring') === subject);
    return targets
      .map(({ atMost, atLeast, of }) => {
        const base = of === undefined ? 1 : this.#base(of, metric, best);
        if (base === undefined) return `no ${of?.subject} in this run`;
        const factor = atMost ?? atLeast ?? Number.NaN;
        const limit = factor * base;
        const isReached = atMost === undefined ? median(values) >= limit : median(values) <= limit;
        const verdict = this.#options.smoke ? 'not judged' : isReached ? 'reached' : 'MISSED';
        const sign = atMost === undefined ? '>=' : '<=';
        return `${sign} ${show(limit)}${of === undefined ? '' : ` (${show(factor)}x ${of.subject})`} ${verdict}`;
      })
      .join(', ');
  }

  /** What a peer reached: its reported median, or the best round of all its variants. */
  #base(of: NonNullable<Target['of']>, metric: string, best: Map<string, { series: Series }>): number | undefined {
    const reported = best.get(of.subject)?.series.get(metric);
    if (reported === undefined) return undefined;
    if (of.best !== true) return median(reported);
    const variants = [...(this.#variants.get(of.subject)?.values() ?? [])];
    return least(variants.flatMap((series) => series.get(metric) ?? []));
  }

  #json(subject: string, metric: string, value: number): string {
    return JSON.stringify({ bench: this.#bench, subject, metric, value: Number(value.toPrecision(6)), unit: unitOf(metric) });
  }
}

const TITLE_WIDTH = 26;
const UNITS: Readonly<Record<string, string>> = { us: 'us', ns: 'ns', ms: 'ms', mb: 'MB', percent: '%', s: '1/s', x: 'x' };

const newMap = <K, V>(): Map<K, V> => new Map<K, V>();
const show = (value: number): string => String(Number(value.toPrecision(4)));
const titleOf = (subject: string, variant: string): string => (variant === '' ? subject : `${subject} (${variant})`);

/** The unit is the last word of the metric's name: `max_per_s` counts per second, what has no unit is a count. */
function unitOf(metric: string): string {
  const name = metric.split('@', 1)[0] as string;
  return UNITS[name.slice(name.lastIndexOf('_') + 1)] ?? 'count';
}

function row(title: string, metric: string, mid: string, low: string, high: string, unit: string, target: string): string {
  const figures = [mid, low, high].map((text) => text.padStart(10)).join(' ');
  return `  ${title.padEnd(TITLE_WIDTH)} ${metric.padEnd(22)} ${figures}  ${unit.padEnd(5)} ${target}`.trimEnd();
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
